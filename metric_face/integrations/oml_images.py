"""OmlImages: a dataset of ours behind the interface of open-metric-learning, which must be installed."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from oml.interfaces.datasets import IQueryGalleryLabeledDataset, IVisualizableDataset
from torch import Tensor

from metric_face.arrays import Ints
from metric_face.data import ImageDataset, open_image

_FRAME = 12  # pixels of color around a shown image


class OmlImages(IQueryGalleryLabeledDataset, IVisualizableDataset):  # type: ignore[misc]
    """N images with labels, and which of them ask and are searched.

    Args:
        images: with the codes ``labels``.
        query: rows that ask.
        gallery: rows that are searched.
        extra: ``sequence`` (N,): rows with the code of the query are not found.
    """

    input_tensors_key = "input_tensors"
    labels_key = "labels"
    index_key = "idx"

    def __init__(self, images: ImageDataset, query: Ints, gallery: Ints, extra: dict[str, Any]) -> None:
        self.images, self.extra_data = images, extra
        self._query, self._gallery = query, gallery

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: int) -> dict[str, Any]:
        found = self.images[item]
        return {"input_tensors": found["image"], "labels": int(found["labels"]), "idx": int(item)}

    def get_labels(self) -> NDArray[Any]:
        """(N,) the code of each image's label."""
        return np.asarray(self.images.labels["labels"])

    def get_label2category(self) -> None:
        """Categories of labels are not known."""

    def get_query_ids(self) -> Tensor:
        """(Q,) rows that ask."""
        return torch.from_numpy(self._query).long()

    def get_gallery_ids(self) -> Tensor:
        """(G,) rows that are searched."""
        return torch.from_numpy(self._gallery).long()

    def visualize(self, item: int, color: tuple[int, int, int] = (0, 0, 0)) -> NDArray[Any]:
        """(H, W, 3) uint8, the image in a frame of the color."""
        pixels = np.asarray(open_image(self.images.paths[item]))
        framed = np.empty((pixels.shape[0] + 2 * _FRAME, pixels.shape[1] + 2 * _FRAME, 3), dtype=np.uint8)
        framed[:] = color
        framed[_FRAME:-_FRAME, _FRAME:-_FRAME] = pixels
        return framed
