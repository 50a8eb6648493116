"""ImageDataModule: identity batches of a table for any Lightning loop, and datasets of pairs for other testers."""

from collections.abc import Callable
from typing import Any

import lightning as L
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from metric_face.data import (
    Augmentation,
    EvalTransform,
    ImageDataset,
    ImageTable,
    LabelSpace,
    identity_labels,
)
from metric_face.errors import ArgumentError
from metric_face.samplers import RandomIdentitySampler


class ImageDataModule(L.LightningDataModule):
    """Batches of P labels with K images each from the split ``train``, and the split ``val`` in order.

    A batch is a dict of ``image`` (B, 3, H, W), ``label`` (B,) and ``index`` (B,), the rows of the split. The sampler
    shares its batches among ranks itself: pass ``Trainer(use_distributed_sampler=False)``.

    Args:
        table: split; see ``split_by_identity``.
        label: the column that batches and losses go by; ``identity`` or an attribute.
        transform: how the model wants its images.
        num_identities: P.
        num_instances: K.
        augmentation: of training; None leaves images as they are.
        spread: take a label's K images from K identities, where the table has them and they are not the label.
        batch_size: of validation.
        workers: processes that read images.
        seed: of sampler and augmentation.

    Attributes:
        classes: names of the C labels, in the order of their codes, of both splits.

    Raises:
        ArgumentError: the table has no split ``train`` or ``val``, or a batch that cannot be.
        DataError: there is no such column, or a value of it is missing.
    """

    def __init__(
        self,
        table: ImageTable,
        label: str,
        transform: EvalTransform,
        *,
        num_identities: int = 16,
        num_instances: int = 4,
        augmentation: Augmentation | None = None,
        spread: bool = True,
        batch_size: int = 128,
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        for name in ("train", "val"):
            table.rows_in(name)
        if label == "identity":
            codes, self.classes = identity_labels(table)
        else:
            codes, self.classes = LabelSpace.of(table, [label]).labels(table, label)
        self._parts = {name: (table.in_split(name), codes[table.rows_in(name)]) for name in ("train", "val")}
        train, own = self._parts["train"]
        identities = train.identities if spread and label != "identity" else None
        self.sampler = RandomIdentitySampler(own, num_identities, num_instances, spread=identities, seed=seed)
        self._transform, self._augmentation = transform, augmentation
        self._batch_size, self._workers, self._seed = batch_size, workers, seed

    def dataset(self, split: str, *, augmented: bool = False) -> ImageDataset:
        """The images of a split, as evaluation sees them or augmented."""
        if split not in self._parts:
            raise ArgumentError(f"split must be train or val, found {split!r}")
        table, codes = self._parts[split]
        augmentation = self._augmentation if augmented else None
        return ImageDataset(table, self._transform, {"label": codes}, augmentation, seed=self._seed)

    def pairs(self, split: str) -> "LabeledImages":
        """The images of a split as (image, label), as testers such as pytorch-metric-learning's want them."""
        return LabeledImages(self.dataset(split))

    def train_dataloader(self) -> DataLoader[Any]:
        """Identity batches; the augmentation changes with the epoch."""
        dataset = self.dataset("train", augmented=True)
        return DataLoader(
            dataset, batch_sampler=_WithEpochs(self.sampler, dataset.set_epoch), num_workers=self._workers
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Every image of ``val`` once, in order."""
        return DataLoader(self.dataset("val"), batch_size=self._batch_size, num_workers=self._workers)


class LabeledImages(Dataset[tuple[Tensor, int]]):
    """A dataset of dicts as (image, label)."""

    def __init__(self, dataset: ImageDataset) -> None:
        self.dataset = dataset
        self.labels = dataset.labels["label"]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.dataset[row]["image"], int(self.labels[row])


class _WithEpochs:
    """A sampler that tells a dataset which epoch begins."""

    def __init__(self, sampler: RandomIdentitySampler, tell: Callable[[int], None]) -> None:
        self.sampler, self.tell = sampler, tell

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Any:
        batches = iter(self.sampler)
        for batch in batches:
            self.tell(self.sampler.epoch)
            yield batch
