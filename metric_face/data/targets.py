"""What there is to predict of a table: each attribute, the joint class, or the identity."""

import numpy as np
from numpy.typing import NDArray

from metric_face.data.attribute import Codes
from metric_face.data.labels import LabelSpace, identity_labels
from metric_face.data.table import ImageTable

Targets = dict[str, tuple[Codes, tuple[str, ...]]]


def targets_of(table: ImageTable, space: LabelSpace | None) -> Targets:
    """The codes and class names to predict.

    Args:
        table: N images.
        space: the attributes; None is a model of identities alone.

    Returns:
        Name -> (codes (N,), class names): the attributes and, where there are several, ``joint``; without
        attributes ``identity``; nothing for images without labels and identities.
    """
    if space is None:
        return {} if table.identities is None else {"identity": identity_labels(table)}
    return {name: space.labels(table, name) for name in space.target_names}


def identities_of(table: ImageTable, group: str | None = None) -> NDArray[np.str_]:
    """Who is on each image, for intervals and folds: the identity, else the group of the split, else each its own.

    Args:
        table: N images.
        group: the column that the split kept together, where it was not the identity.
    """
    if group is not None and group in table.frame.columns:
        return table.frame[group].to_numpy(dtype=str)
    identities = table.identities
    return np.arange(len(table)).astype(str) if identities is None else identities
