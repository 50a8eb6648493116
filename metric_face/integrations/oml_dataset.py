"""oml_dataset: the images of a table as open-metric-learning's metrics and its inference take them."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from metric_face.arrays import Ints
from metric_face.data import EvalTransform, ImageDataset, ImageTable, LabelSpace, identity_labels
from metric_face.errors import ArgumentError
from metric_face.extras import named_extras

if TYPE_CHECKING:
    from metric_face.integrations.oml_images import OmlImages


def oml_dataset(
    table: ImageTable,
    label: str,
    transform: EvalTransform,
    *,
    query: ArrayLike | None = None,
    gallery: ArrayLike | None = None,
    same_identity: bool = False,
) -> "OmlImages":
    """Make a dataset of queries and gallery for open-metric-learning, such as its ``EmbeddingMetrics`` takes.

    It ranks by the Euclidean distance: of normalized vectors the order is the one of the cosine, and its ``cmc@1`` is
    our recall@1.

    Args:
        table: N images.
        label: what must be found: ``identity`` or an attribute.
        transform: how the model wants its images.
        query: (N,) which images ask; default all.
        gallery: (N,) which images are searched; default all. An image never finds itself.
        same_identity: whether images of the query's own identity may be found where the label is an attribute; by
            default they are left out, as everywhere here.

    Raises:
        ArgumentError: a mask is not (N,) or chooses nothing.
        DataError: there is no such column, or a value of it is missing.
        MissingExtraError: open-metric-learning is not installed.
    """
    with named_extras():
        from metric_face.integrations.oml_images import OmlImages

    if label == "identity":
        codes, _ = identity_labels(table)
    else:
        codes, _ = LabelSpace.of(table, [label]).labels(table, label)
    identities = table.identities
    extra: dict[str, Any] = {}
    if label != "identity" and identities is not None and not same_identity:
        # OML leaves a query's own sequence out.
        extra["sequence"] = np.unique(identities, return_inverse=True)[1]
    rows = {name: _rows(name, given, len(table)) for name, given in (("query", query), ("gallery", gallery))}
    return OmlImages(ImageDataset(table, transform, {"labels": codes}), rows["query"], rows["gallery"], extra)


def _rows(name: str, given: ArrayLike | None, count: int) -> Ints:
    mask = np.ones(count, dtype=bool) if given is None else np.asarray(given)
    if mask.dtype != bool or mask.shape != (count,) or not mask.any():
        raise ArgumentError(
            f"{name}: must be a mask of the {count} images, with one at least; "
            f"found {mask.dtype} of shape {mask.shape}; such as table.rows_in('val')"
        )
    return np.flatnonzero(mask)
