"""FeatureDataset: cached features in place of images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from metric_face.arrays import Floats, Ints
from metric_face.errors import ArgumentError

_REPEATS = 4


class FeatureDataset(Dataset[dict[str, Any]]):
    """N images by their cached features.

    ``__getitems__`` gives a whole batch at once, a dict of ``features`` (B, F) float32, ``index`` (B,) and one int64
    (B,) per label; a DataLoader needs ``collate_fn=whole_batch`` for that. Which view of an image is taken depends
    on (seed, epoch, row, how often the row has come in this batch) alone, so a resumed run sees the same features.

    Args:
        views: (M, F) features each; one of them is drawn for every image.
        rows: (N,) which of the M rows the images are.
        labels: name -> codes (N,).
        seed: of the draw.
        mirrored: (M, F) features of the mirror images, which a batch holds under ``mirrored``; None leaves them out.
    """

    def __init__(
        self,
        views: Sequence[Floats],
        rows: Ints,
        labels: Mapping[str, Ints] | None = None,
        *,
        seed: int = 0,
        mirrored: Floats | None = None,
    ) -> None:
        self.views, self.rows, self.labels, self.seed = tuple(views), rows, dict(labels or {}), seed
        self.mirrored = mirrored
        for name, codes in self.labels.items():
            if len(codes) != len(rows):
                raise ArgumentError(
                    f"labels[{name!r}]: must have one code per image, {len(rows)}; found {len(codes)}"
                )
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the views of this epoch from now on."""
        generator = np.random.default_rng([self.seed, epoch])
        self._drawn = generator.integers(len(self.views), size=(len(self.rows), _REPEATS), dtype=np.int8)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {name: value[0] for name, value in self.__getitems__([row]).items()}

    def __getitems__(self, rows: Sequence[int]) -> dict[str, Any]:
        """The items of a batch, stacked."""
        chosen = np.asarray(rows, dtype=np.int64)
        view = self._drawn[chosen, _occurrence(chosen) % _REPEATS]
        features = np.empty((len(chosen), self.views[0].shape[1]), np.float32)
        for number, values in enumerate(self.views):
            mine = np.flatnonzero(view == number)
            features[mine] = values[self.rows[chosen[mine]]]
        batch = {name: torch.from_numpy(codes[chosen]) for name, codes in self.labels.items()}
        if self.mirrored is not None:
            batch["mirrored"] = torch.from_numpy(np.array(self.mirrored[self.rows[chosen]], np.float32))
        return batch | {"features": torch.from_numpy(features), "index": torch.from_numpy(chosen)}


def whole_batch(batch: Any) -> Any:
    """Collate what is collated already."""
    return batch


def _occurrence(rows: Ints) -> Ints:
    """(B,) how often the same row came before."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    starts = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))
    found = np.empty(len(rows), dtype=np.int64)
    found[order] = np.arange(len(rows)) - starts
    return found
