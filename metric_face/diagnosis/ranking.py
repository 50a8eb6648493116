"""The order of findings, as a rule that can be read.

1. Spoilers first: while one stands, the numbers beside it are about the wrong thing. Among themselves they follow
   the questions, which follow an image's way: split, labels' definition, views, epoch, set-up, losses, embedding.
2. Causes: first those in what was trained (:data:`TRAINING`), because what else is measured is measured on that model;
   rare classes after the others, because what is wrong elsewhere is wrong there too; labels that are only suspected
   after those; otherwise by the macro F1 they
   explain, largest first, those without an estimate after those with one.
3. Limits last: they are no fault of the run.

Within one place the surer finding stands first. Nothing is dropped here: each question decides, by its own rule
of abstention, what is a finding at all.
"""

from collections.abc import Iterable, Sequence

from metric_face.diagnosis.finding import Confidence, Finding, Tier

TRAINING = frozenset({"generalization", "sources"})
"""Questions whose causes lie in the training itself."""
_TIERS = (Tier.SPOILER, Tier.CAUSE, Tier.LIMIT)
_SURE = (Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE)


def rank(findings: Iterable[Finding], questions: Sequence[str]) -> tuple[Finding, ...]:
    """Sort findings by the rule above.

    Args:
        findings: in any order.
        questions: names of the questions in the order they are asked.

    Returns:
        The findings, the first to act on first.
    """

    def key(finding: Finding) -> tuple[int, int, float, int]:
        place = questions.index(finding.question) if finding.tier is Tier.SPOILER else _stage(finding)
        gain = -1.0 if finding.explained is None else finding.explained
        return _TIERS.index(finding.tier), place, -gain, _SURE.index(finding.confidence)

    return tuple(sorted(findings, key=key))


def _stage(finding: Finding) -> int:
    """What was trained, then what it was trained on, then which classes suffer most, then labels only suspected."""
    if finding.question == "label_errors" and finding.confidence is Confidence.POSSIBLE:
        return 3
    return 0 if finding.question in TRAINING else 2 if finding.question == "rare" else 1
