"""Choose the ensemble members of each attribute: the best run for age need not be the best for gender.

The members of each attribute are chosen by macro F1 on validation, one run or the soft vote of several. The gain
that is reported was not seen by the choice: members are chosen anew on folds of the identities, and each fold is
answered by the members that the others chose.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Doubles, Ints
from metric_face.embeddings import Predictions
from metric_face.ensemble.fusion_plan import AttributeVote, FusionPlan, by_name_of
from metric_face.errors import ArgumentError
from metric_face.fold_assignment import identity_folds
from metric_face.metrics import as_codes, as_labels, bootstrap_interval, macro_f1

if TYPE_CHECKING:
    from metric_face.data import LabelSpace

_FOLDS = 5


def choose_members(
    runs: Sequence[Predictions],
    images: ArrayLike,
    truth: Mapping[str, ArrayLike],
    identities: ArrayLike,
    space: "LabelSpace",
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> FusionPlan:
    """Choose the members of each attribute on validation.

    Args:
        runs: what each run says about validation images; images that some run did not predict are left out,
            so runs with folds still to come can be fused already.
        images: (N,) names of the validation images.
        truth: attribute -> (N,) true codes.
        identities: (N,) identities of the images.
        space: the attributes.
        resamples: of the bootstrap over identities.
        confidence: of the intervals.
        seed: of the folds and the bootstrap.

    Returns:
        The plan; :meth:`FusionPlan.apply` fuses the test images with it.

    Raises:
        ArgumentError: fewer than two runs, repeated names, or fewer than two identities in common.
        DataError: lengths or classes disagree.

    Reference:
        Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004 (the greedy soft vote).
    """
    names = list(by_name_of(runs))
    if len(names) < 2:
        raise ArgumentError(f"runs must be at least two to fuse, found {len(names)}")
    wanted = np.asarray(images, dtype=str)
    common = np.logical_and.reduce([np.isin(wanted, run.images) for run in runs])
    groups = as_codes(identities, len(wanted))[common]
    groups = np.unique(groups, return_inverse=True)[1]
    if not len(groups) or groups.max() < 1:
        raise ArgumentError(
            f"runs must share validation images of at least two identities, found {int(common.sum())} images; "
            "predict the same validation set with every run"
        )
    codes = {name: as_labels(truth[name], f"truth[{name!r}]")[common] for name in space.names}
    aligned = [run.take(wanted[common]) for run in runs]
    joint = space.joint(codes)
    settings: dict[str, Any] = {"resamples": resamples, "confidence": confidence, "seed": seed}

    joints = [space.joint(run.codes()) for run in aligned]
    scores = [macro_f1(joint, one, space.num_classes) for one in joints]
    base = int(np.argmax(scores))
    fold = identity_folds(groups, min(_FOLDS, int(groups.max()) + 1), joint, seed=seed)
    votes, chosen, crossed = [], {}, {}
    for attribute in space.attributes:
        tables, true = [run.probabilities[attribute.name] for run in aligned], codes[attribute.name]
        members = _choose(tables, true, attribute.num_classes)
        answers = _vote(tables, members)
        unseen = np.empty_like(true)
        for held in (fold == number for number in np.unique(fold)):
            kept = [table[~held] for table in tables]
            unseen[held] = _vote(
                [table[held] for table in tables], _choose(kept, true[~held], attribute.num_classes)
            )
        chosen[attribute.name], crossed[attribute.name] = answers, unseen
        own = {
            n: macro_f1(true, t.argmax(axis=1), attribute.num_classes)
            for n, t in zip(names, tables, strict=True)
        }
        gain = bootstrap_interval(
            true,
            unseen,
            groups,
            other=tables[base].argmax(axis=1),
            num_classes=attribute.num_classes,
            **settings,
        )
        score = macro_f1(true, answers, attribute.num_classes)
        votes.append(AttributeVote(attribute.name, tuple(names[m] for m in members), score, own, gain))
    gain = bootstrap_interval(
        joint, space.joint(crossed), groups, other=joints[base], num_classes=space.num_classes, **settings
    )
    return FusionPlan(
        tuple(votes),
        names[base],
        scores[base],
        macro_f1(joint, space.joint(chosen), space.num_classes),
        gain,
        int(common.sum()),
        int((~common).sum()),
    )


def _choose(tables: Sequence[Doubles], true: Ints, classes: int) -> list[int]:
    """Order the runs greedily, each the one that serves the soft vote most, and keep the best beginning.

    The order is followed to its end, because a second voter rarely helps where a third does.
    """
    order: list[int] = []
    reached: list[float] = []
    while len(order) < len(tables):
        rest = [m for m in range(len(tables)) if m not in order]
        scores = [macro_f1(true, _vote(tables, [*order, m]), classes) for m in rest]
        order.append(rest[int(np.argmax(scores))])
        reached.append(max(scores))
    return order[: 1 + int(np.argmax(reached))]


def _vote(tables: Sequence[Doubles], members: Sequence[int]) -> Ints:
    total = np.sum([tables[m] for m in members], axis=0)
    winners: Ints = total.argmax(axis=1).astype(np.int64)
    return winners
