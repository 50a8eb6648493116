"""Causes before effects: which findings another finding accounts for.

Each line is a cause with the observations that it predicts beside its own. While the cause stands, a finding of
such an observation is an effect and no advice of its own: classes "overlap" for a model that memorized its
training rows, and their labels "look wrong" to one that never learned them. An effect is not lost; the report lists
it with the cause that accounts for it.

============================  ==========  ==========  =========  =============  ==============
cause                         train gap   within null log broken head, kNN and  classes overlap
                                                                 probe differ
============================  ==========  ==========  =========  =============  ==============
loss broke                    possible    possible    yes        possible       yes
labels unrelated to images    possible    yes         no         no             yes
stored scores are stale       possible    possible    no         possible       yes
images repeat across splits   no          no          no         no             no
embedding collapsed           no          possible    no         no             yes
cuts moved in validation      yes         no          no         no             yes
shortcut                      yes         possible    no         possible       yes
labels exchanged held out     yes         no          no         no             yes
labels wrong or swapped       held out    no          no         no             yes
                              alone
rare classes                  in them     no          no         no             no
                              alone
information lost              in training no          no         possible       yes
                              too
prior of training kept        possible    no          no         possible       yes
overfit                       yes         no          no         no             yes
underfit                      no          possible    no         possible       yes
head lost what is there       no          possible    no         yes            yes
classes really overlap        no          no          no         no             yes
============================  ==========  ==========  =========  =============  ==============
"""

from collections.abc import Sequence

from metric_face.diagnosis.finding import Abstention, Confidence, Finding, HypothesisAnswer, Verdict

OVERLAP = "overlap.classes"
OVERFIT = "generalization.overfit"
PRIOR = "generalization.prior"
RARE = "rare.classes"
LOST = "information.lost"
WRONG = frozenset({"label_errors.wrong", "label_errors.swapped"})
SHORTCUT = "generalization.shortcut"
ACCOUNTS_FOR: dict[str, frozenset[str]] = {
    "generalization.diverged": frozenset(
        {
            OVERLAP,
            "signal.none",
            "generalization.overfit",
            "generalization.underfit",
            "sources.head",
            "rare.classes",
        }
    ),
    "signal.none": frozenset(
        {
            OVERLAP,
            "generalization.overfit",
            "generalization.underfit",
            "label_errors.wrong",
            "label_errors.swapped",
            "rare.classes",
        }
    ),
    "sources.log": frozenset({OVERLAP, "generalization.underfit", "sources.head", "rare.classes"}),
    "health.flat": frozenset({OVERLAP, "signal.none", "label_errors.exchanged"}),
    "health.one_point": frozenset({OVERLAP, "signal.none", "label_errors.exchanged"}),
    "boundary.moved": frozenset({OVERLAP, "generalization.overfit", "generalization.prior"}),
    "basics.learning_rate": frozenset({OVERLAP, "signal.none", "generalization.underfit"}),
    "basics.frozen": frozenset({OVERLAP, "signal.none", "generalization.underfit"}),
    SHORTCUT: frozenset(
        {
            OVERLAP,
            "generalization.overfit",
            "label_errors.wrong",
            "label_errors.exchanged",
            "rare.classes",
            "sources.head",
        }
    ),
    "generalization.images": frozenset(
        {OVERLAP, "generalization.overfit", "label_errors.exchanged", "rare.classes", "sources.head"}
    ),
    "signal.shifted": frozenset(
        {
            OVERLAP,
            "signal.none",
            "generalization.overfit",
            "generalization.underfit",
            "sources.head",
            "sources.neighbors",
            "label_errors.exchanged",
            "label_errors.swapped",
            "label_errors.wrong",
            "rare.classes",
        }
    ),
    "setup.derived_labels": frozenset({"rare.no_such_class"}),
    OVERLAP: frozenset({PRIOR}),
    LOST: frozenset({OVERLAP, RARE}),
    "label_errors.exchanged": frozenset({OVERLAP, "generalization.overfit", "generalization.prior"}),
    PRIOR: frozenset({OVERLAP, "sources.head"}),
    "label_errors.swapped": frozenset({OVERLAP}),
    "label_errors.wrong": frozenset({OVERLAP}),
    "generalization.overfit": frozenset({OVERLAP}),
    "generalization.underfit": frozenset(
        {
            OVERLAP,
            "signal.none",
            "sources.head",
            "label_errors.exchanged",
            "rare.classes",
            "rare.no_such_class",
            "health.flat",
            "health.one_point",
        }
    ),
    "setup.average": frozenset(
        {
            OVERLAP,
            "signal.none",
            "generalization.overfit",
            "generalization.underfit",
            "generalization.prior",
            "sources.head",
            "sources.neighbors",
            "label_errors.exchanged",
            "floors.chance",
            "rare.classes",
            "rare.no_such_class",
            "health.flat",
            "health.one_point",
        }
    ),
    "sources.head": frozenset({OVERLAP}),
}
"""Cause -> ids of findings that are its effects."""


def without_effects(
    findings: Sequence[Finding], answers: Sequence[HypothesisAnswer]
) -> tuple[list[Finding], list[HypothesisAnswer], list[Abstention]]:
    """Leave out what a standing cause accounts for.

    Args:
        findings: ranked, the first to act on first.
        answers: of both hypotheses.

    Returns:
        The findings that are no effect of another; the answers, where a cause stands no longer ``supported`` by an
        effect of it; and an abstention for each effect, which names its cause.
    """
    kept: list[Finding] = []
    left: list[Abstention] = []
    for finding in findings:
        cause = next((c for c in findings if _accounts(c, finding)), None)
        if cause is None:
            kept.append(finding)
        else:
            values = {"effect": finding.id, "cause": cause.id}
            left.append(Abstention(finding.question, "accounted_for", values))
    return kept, [_answer(one, kept) for one in answers], left


def _accounts(cause: Finding, effect: Finding) -> bool:
    """Whether ``effect`` is one of ``cause``, of the same attributes where both name theirs."""
    if cause.id in WRONG and cause.confidence is Confidence.POSSIBLE:
        return False
    if effect.id == OVERFIT and _explains_gap(cause, effect):
        return True
    if _inseparable(effect) and cause.id in {OVERFIT, PRIOR, *WRONG}:
        return False
    if cause.id == OVERLAP and effect.id == PRIOR and not _inseparable(cause):
        return False
    if effect.id not in ACCOUNTS_FOR.get(cause.id, frozenset()):
        return False
    if cause.id == SHORTCUT and cause.values.get("remedy") == "unseen":
        return False  # it stands in the data, and the model does not go by it
    whose, of = cause.values.get("attributes"), effect.values.get("attribute")
    return whose is None or of is None or of in whose


def _inseparable(finding: Finding) -> bool:
    """Whether nothing separates one pair of classes, and all others are apart.

    A head can only learn such a pair by heart, and the prior decides what it says of new images: a gap between the
    splits and a gain by another prior are effects of it, and never its causes. Nor do a few wrong labels leave nothing.
    """
    return finding.id == OVERLAP and bool(finding.values.get("alone"))


def _explains_gap(cause: Finding, gap: Finding) -> bool:
    """Whether a gap between the splits is there because of a cause that it does not always have.

    Classes of few identities, where the gap is in them alone; labels that are wrong in held-out images alone; an
    embedding that has lost what was there, of training images as well.
    """
    if cause.id == RARE:
        return bool(gap.values.get("in_rare"))
    if cause.id in WRONG:
        return bool(cause.values.get("held_out_only"))
    if cause.id == LOST:
        return bool(cause.values.get("in_training"))
    return _inseparable(cause)


def _answer(answer: HypothesisAnswer, findings: Sequence[Finding]) -> HypothesisAnswer:
    if answer.hypothesis != "A" or answer.verdict is not Verdict.SUPPORTED:
        return answer
    causes = [f for f in findings if OVERLAP in ACCOUNTS_FOR.get(f.id, frozenset())]
    attribute = answer.values.get("attribute")
    causes = [c for c in causes if attribute in c.values.get("attributes", (attribute,))]
    if not causes:
        return answer
    values = {**answer.values, "cause": causes[0].id}
    return HypothesisAnswer("A", Verdict.CANNOT_TELL, "cause_first", answer.measure, values)
