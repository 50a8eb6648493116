"""The images of a table as a torch dataset: read, brought to size, kept in memory where that is cheap."""

from collections import Counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from metric_face.data.attribute import Codes
from metric_face.data.augmentation import Augmentation
from metric_face.data.seeded import seeded
from metric_face.data.table import ImageTable
from metric_face.data.transforms import EvalTransform
from metric_face.errors import ArgumentError


class ImageDataset(Dataset[dict[str, Any]]):
    """N images with the labels a loss needs.

    An item is a dict of ``image`` (3, H, W) float32, ``index`` (the row) and one int64 per label. What the
    augmentation draws depends on (seed, epoch, row, how often the row has come in this batch) alone: a resumed run
    sees the same pixels, whatever the number of workers, and two copies that pad a batch differ.

    Args:
        table: N images.
        transform: of evaluation; it also brings the training images to size.
        labels: name -> codes (N,).
        augmentation: of training; None is evaluation.
        cache: where to keep the resized images.
        seed: of the augmentation.
    """

    def __init__(
        self,
        table: ImageTable,
        transform: EvalTransform,
        labels: dict[str, Codes] | None = None,
        augmentation: Augmentation | None = None,
        *,
        cache: "PixelCache | None" = None,
        seed: int = 0,
    ) -> None:
        self.paths = table.paths
        self.transform = transform
        self.labels = labels or {}
        for name, codes in self.labels.items():
            if len(codes) != len(table):
                raise ArgumentError(
                    f"labels[{name!r}]: must have one code per image, {len(table)}; found {len(codes)}"
                )
        self.augment = None if augmentation is None else augmentation.build(transform)
        self.cache = cache
        self.seed = seed
        # In shared memory, so that worker processes that live on see it change.
        self._epoch: Tensor = torch.zeros(1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]

    def set_epoch(self, epoch: int) -> None:
        """Draw the augmentation of this epoch from now on."""
        self._epoch[0] = epoch

    def __len__(self) -> int:
        return len(self.paths)

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """The image at size: (H, W, 3) uint8."""
        if self.cache is None:
            return self.transform.load(self.paths[row])
        return self.cache.get(row, self)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: list[int]) -> list[dict[str, Any]]:
        """The items of a batch; a DataLoader prefers this to one call per item."""
        times: Counter[int] = Counter()
        items = []
        for row in rows:
            with seeded(self.seed, int(self._epoch[0]), row, times[row]):
                items.append(self._item(row))
            times[row] += 1
        return items

    def _item(self, row: int) -> dict[str, Any]:
        pixels = self.pixels(row)
        if self.augment is None:
            image = torch.from_numpy(self.transform.normalize(pixels))
        else:
            image = self.augment(torch.from_numpy(pixels.copy()).permute(2, 0, 1))
        item: dict[str, Any] = {name: codes[row] for name, codes in self.labels.items()}
        return item | {"image": image, "index": row}


class PixelCache:
    """The images of a dataset at size, in memory that worker processes share.

    Args:
        num_images: N.
        size: (height, width).
    """

    def __init__(self, num_images: int, size: tuple[int, int]) -> None:
        self.pixels: Tensor = torch.empty((num_images, *size, 3), dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]
        self.known: Tensor = torch.zeros(num_images, dtype=torch.bool).share_memory_()  # type: ignore[no-untyped-call]

    def get(self, row: int, dataset: ImageDataset) -> NDArray[np.uint8]:
        """The image of a row, read the first time it is asked for."""
        if not self.known[row]:
            self.pixels[row] = torch.from_numpy(dataset.transform.load(dataset.paths[row]).copy())
            self.known[row] = True
        return np.asarray(self.pixels[row].numpy())

    @staticmethod
    def bytes_needed(num_images: int, size: tuple[int, int]) -> int:
        """Memory that N images at a size take."""
        return num_images * size[0] * size[1] * 3
