"""after_training: what thresholds or a logit adjustment add to trained heads, on identities not chosen on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from metric_face.arrays import Doubles
from metric_face.data import ImageTable, identities_of, targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.metrics import Interval, bootstrap_interval, threshold_gain
from metric_face.optional import optional
from metric_face.run import Run

FOLDS = 5


@dataclass(frozen=True)
class Remedy:
    """What one way of reading the heads differently adds to the macro F1 of their likeliest class.

    Attributes:
        kind: ``thresholds``: one per class, see :class:`ClassThresholds`; ``prior``: probabilities divided by
            the class prior that the model was trained under, the post-hoc logit adjustment with tau = 1.
        target: an attribute or ``joint``.
        gain: in macro F1, with its interval over identities. Thresholds are evaluated on identities that had no
            split in choosing them; the prior is not chosen at all.
        values: class -> its threshold, or its prior.
    """

    kind: Literal["thresholds", "prior"]
    target: str
    gain: Interval
    values: dict[str, float]


def after_training(
    run: Run, train: ImageTable, held_out: Embeddings, *, seed: int = 0, notes: list[str] | None = None
) -> list[Remedy]:
    """Measure what thresholds and the prior would add, for every target.

    The prior is that of the batches, not of the data: identity batches draw labels evenly, or nearly so, and dividing
    by the data's prior would adjust for an imbalance that the model never saw. A run trained with
    ``classifier: logit_adjusted`` has it in its loss already and gets thresholds only.

    Args:
        run: a run with classifiers.
        train: its training images.
        held_out: the images to choose and evaluate on, with logits; the model must not have been trained on them.
        seed: of folds and resampling.
        notes: receives, a line each, what could not be measured and why.

    Returns:
        One or two remedies per target; none for a run without classifiers, or for too few identities to cross-validate.

    Reference:
        Menon et al.: Long-tail Learning via Logit Adjustment, ICLR 2021, "post-hoc logit adjustment".
    """
    if run.space is None or not held_out.logits:
        return []
    identities = identities_of(held_out.table, run.config.data.split.group)
    notes = [] if notes is None else notes
    if len(np.unique(identities)) < FOLDS:
        notes.append(
            f"thresholds and priors: left out; they are evaluated on {FOLDS} groups of identities, found "
            f"{len(np.unique(identities))} in all"
        )
        return []
    likely = run.space.head_probabilities(held_out.logits)
    if "joint" not in likely:
        likely["joint"] = run.space.joint_probabilities(held_out.logits)
    taught: dict[str, Doubles] = {}
    if run.config.loss.classifier != "logit_adjusted":
        with optional("priors", notes):
            taught = drawn_priors(run, train)
    found = []
    for name, (true, classes) in targets_of(held_out.table, run.space).items():
        chances = likely[name]
        with optional(f"thresholds of {name}", notes):
            by_threshold = threshold_gain(chances, true, identities, folds=FOLDS, seed=seed)
            found.append(_remedy("thresholds", name, by_threshold.gain, classes, by_threshold.thresholds))
        if name in taught:
            with optional(f"prior of {name}", notes):
                adjusted = divide_by_prior(chances, taught[name]).argmax(axis=1)
                gain = bootstrap_interval(
                    true,
                    adjusted,
                    identities,
                    other=chances.argmax(axis=1),
                    num_classes=len(classes),
                    seed=seed,
                )
                found.append(_remedy("prior", name, gain, classes, taught[name]))
    return found


def drawn_priors(run: Run, table: ImageTable) -> dict[str, Doubles]:
    """The share (C,) of each class among the images that an epoch of this run's sampler draws, per target.

    A class that is never drawn counts as one image.

    Args:
        run: a run.
        table: its training images.
    """
    from metric_face.batches import label_columns, make_sampler

    codes = label_columns(table, run.space, run.config)
    drawn = np.asarray(make_sampler(table, codes, run.config).epoch_batches(0)).ravel()
    priors = {}
    for name, (values, classes) in targets_of(table, run.space).items():
        counts = np.bincount(values[drawn], minlength=len(classes)).clip(min=1)
        priors[name] = counts / counts.sum()
    return priors


def divide_by_prior(probabilities: Doubles, prior: Doubles, tau: float = 1.0) -> Doubles:
    """Post-hoc logit adjustment in probabilities: p_c / prior_c^tau, rows summing to 1 again.

    Args:
        probabilities: (N, C).
        prior: (C,) above 0, the class shares the model was trained under.
        tau: strength; 0 changes nothing, 1 is consistent for the balanced error.
    """
    if prior.shape != probabilities.shape[1:] or not (prior > 0).all():
        raise ArgumentError(
            f"prior must be {probabilities.shape[1]} values above 0, one per class, found {prior.tolist()}"
        )
    adjusted = probabilities / prior**tau
    result: Doubles = adjusted / adjusted.sum(axis=1, keepdims=True)
    return result


def _remedy(kind: Any, target: str, gain: Interval, classes: Sequence[str], values: Doubles) -> Remedy:
    return Remedy(kind, target, gain, dict(zip(classes, map(float, values), strict=True)))
