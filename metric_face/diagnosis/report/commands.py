"""Commands that go on from a diagnosis: what tries a remedy in seconds, before a training is spent on it."""

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Finding
from metric_face.visible import shell_word

TRIED = frozenset(
    {
        "basics.below_start_labels",
        "basics.below_start_projection",
        "basics.below_start_unknown",
        "conflict.opposed",
        "floors.margin",
        "generalization.prior",
        "generalization.underfit",
        "health.flat",
        "health.one_point",
        "information.lost",
        "label_errors.wrong",
        "rare.classes",
        "setup.opposed_labels",
        "sources.neighbors",
        "worth.hurts",
    }
)
"""Findings whose next step is among the changes of ``metric-face try``: metric loss, its weight, label and mining,
neck, width and start of the embedding, losses and sampling for rare classes, learning rate, suspects left out."""


def try_command(finding: Finding, context: Context) -> str | None:
    """The command that tries what a finding advises; None where it does not, or no run was diagnosed."""
    if context.folder is None or finding.id not in TRIED:
        return None
    return f"metric-face try {shell_word(str(context.folder))}"
