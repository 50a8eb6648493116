"""A metric loss that pulls an identity together beside classifiers that must separate its images, on one feature."""

from typing import TYPE_CHECKING

import numpy as np

from metric_face.config import Config

if TYPE_CHECKING:
    from metric_face.data import ImageTable, LabelSpace

VARIES = 0.25
"""Share of the identities with several images that must show two classes of an attribute."""


def opposed_attributes(config: Config, table: "ImageTable", space: "LabelSpace | None") -> tuple[str, ...]:
    """Attributes that the metric loss works against, known before any training.

    Triplets by identity draw the masked and the bare face of one identity to one point. With a batch norm between
    the two (``model.neck=bn``) the classifier reads other features; without, it reads the point.

    Args:
        config: settled.
        table: the images with their identities.
        space: the attributes to be predicted.

    Returns:
        Names of the attributes that vary within identities; empty where nothing opposes them.
    """
    pulls = config.loss.metric not in ("none", "auto") and config.loss.label == "identity"
    if not pulls or config.loss.metric_weight == 0 or config.model.neck != "none":
        return ()
    if space is None or config.model.heads == "none" or table.identities is None:
        return ()
    labeled = table.take(space.has_labels(table))
    identity_codes = np.unique(np.asarray(labeled.identities).astype(str), return_inverse=True)[1]
    several = np.bincount(identity_codes) > 1
    found = []
    for name, codes in space.encode(labeled).items():
        cells = np.unique(np.column_stack([identity_codes, codes]), axis=0)[:, 0]
        torn = np.bincount(cells, minlength=len(several)) > 1
        if several.any() and torn[several].mean() > VARIES:
            found.append(name)
    return tuple(found)
