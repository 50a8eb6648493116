"""Commands that go on from a diagnosis: what tries a remedy in seconds, before a training is spent on it."""

import shlex
from typing import Any

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Finding, HypothesisAnswer
from metric_face.files import pair_of
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


def attribute_command(answer: HypothesisAnswer, context: Context) -> str | None:
    """The command that shows where the two classes of an answer are told apart; None without classes or a run."""
    if context.folder is None or "classes" not in answer.values:
        return None
    pair = shlex.join([str(answer.values["attribute"]), *map(str, answer.values["classes"])])
    return f"metric-face attribute {shell_word(str(context.folder))} --between {pair}"


def told_apart(answer: HypothesisAnswer, context: Context) -> dict[str, Any] | None:
    """What that command has found of the same model: the share in the outer half of the image, with its interval."""
    if "classes" not in answer.values:
        return None
    found = pair_of(context.told_apart, str(answer.values["attribute"]), tuple(answer.values["classes"]))
    if found is None or any(found[name] is None for name in ("border", "low", "high")):
        return None
    return {name: found[name] for name in ("label", "classes", "border", "low", "high", "images")} | {
        "expected": 0.5
    }
