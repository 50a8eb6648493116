"""Can two sets of images be separated at all?"""

import numpy as np

from metric_face.arrays import Doubles
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures import probing
from metric_face.fold_assignment import identity_folds

FEWEST = 30


def area_between(context: Context, weights: Doubles) -> tuple[float, float] | None:
    """Area under the curve, and its error, of a linear classifier between held-out and unlabeled images.

    Args:
        context: the labeled images.
        weights: (N,) of the labeled images, which bring their classes to the new shares.

    Returns:
        None where one side has fewer than 30 images, or where the identities of the unlabeled images are unknown
        while ours have several images each: the classifier would recognize identities, not a shift. The error is Hanley
        and McNeil's, identities counted.
    """
    known = context.unlabeled_identities
    if context.unlabeled is None or min(len(context.evaluated), len(context.unlabeled)) < FEWEST:
        return None
    if known is None and context.num_images > 1.5 * context.num_identities:
        return None
    rows = context.evaluated
    together = np.concatenate([context.embeddings[rows], context.unlabeled]).astype(np.float64)
    together = (together - together.mean(axis=0)) / max(float(together.std()), 1e-12)
    new = np.repeat([0, 1], [len(rows), len(context.unlabeled)])
    theirs = np.arange(len(context.unlabeled)) if known is None else known
    identities = np.concatenate([context.identities[rows], context.num_identities + theirs])
    folds = identity_folds(identities, 5, new, seed=context.seed)
    wanted = probing.Targets.of({"new": new[:, None].astype(np.float64)})
    scores = probing.ridge_scores(together, wanted, folds).scores["new"][:, 0]
    ours, others = scores[: len(rows)], scores[len(rows) :]
    order = np.argsort(ours, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(weights[rows][order])]) / max(float(weights[rows].sum()), 1e-12)
    below = [mass[np.searchsorted(ours[order], others, side=side)] for side in ("left", "right")]
    area = float((below[0] + below[1]).mean() / 2)
    a, b = len(np.unique(context.identities[rows])), len(np.unique(theirs))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (b - 1) * (q1 - area**2) + (a - 1) * (q2 - area**2)
    return area, float(np.sqrt(max(spread, 0.0) / (a * b)))
