"""The batches of a run: P labels with K images each, or shuffled; and validation in order."""

import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from metric_face.config import Config
from metric_face.data import (
    Augmentation,
    Codes,
    EvalTransform,
    ImageDataset,
    ImageTable,
    LabelSpace,
    PixelCache,
    PreparedData,
    identity_labels,
)
from metric_face.errors import ConfigError
from metric_face.samplers import RandomIdentitySampler, rank_and_world
from metric_face.training.objective import METRIC
from metric_face.training.stopping import signals_held


class ShuffledBatches(Sampler[list[int]]):
    """Shuffled batches of all images, with the identity sampler's epochs, ranks and state.

    The last batch is dropped where it is not full, and so are batches that the ranks cannot share equally; a set
    smaller than a batch makes one batch of all there is.

    Args:
        num_images: N.
        batch_size: B.
        seed: hashed together with the epoch.
    """

    def __init__(self, num_images: int, batch_size: int, seed: int = 0) -> None:
        self.num_images, self.batch_size, self.seed = num_images, min(batch_size, num_images), seed
        self.epoch = 0
        self._start = 0
        self._begun = False

    @property
    def sampler(self) -> "ShuffledBatches":
        """Itself: Lightning calls ``set_epoch`` on the batch sampler's ``sampler``."""
        return self

    def epoch_batches(self, epoch: int | None = None) -> np.ndarray[Any, Any]:
        """The batches of all ranks, (batches, B)."""
        generator = np.random.default_rng([self.seed, self.epoch if epoch is None else epoch])
        world = rank_and_world(None, None)[1]
        batches = max(1, self.num_images // self.batch_size // world * world)
        return generator.permutation(self.num_images)[: batches * self.batch_size].reshape(
            batches, self.batch_size
        )

    def __len__(self) -> int:
        rank, world = rank_and_world(None, None)
        return len(range(rank, len(self.epoch_batches()), world))

    def __iter__(self) -> Iterator[list[int]]:
        if self._begun:
            self.epoch, self._start = self.epoch + 1, 0
        self._begun = True
        rank, world = rank_and_world(None, None)
        yield from self.epoch_batches()[rank::world][self._start :].tolist()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields."""
        if epoch != self.epoch or self._begun:
            self.epoch, self._start, self._begun = epoch, 0, False

    def state_dict(self, consumed: int) -> dict[str, int]:
        """Where to go on, after ``consumed`` batches of this epoch."""
        return {"seed": self.seed, "epoch": self.epoch, "consumed": consumed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where a state was taken."""
        self.seed, self.epoch, self._start, self._begun = (
            state["seed"],
            state["epoch"],
            state["consumed"],
            False,
        )
        if self._start >= len(self):
            self.epoch, self._start = self.epoch + 1, 0


@dataclass(frozen=True)
class EpochPlan:
    """What a training reads, settled before a model is made.

    Attributes:
        train, val: the images of both splits.
        codes, val_codes: what losses and metrics read of them, as :func:`label_columns` gives it.
        sampler: the batches of ``train``.
    """

    train: ImageTable
    val: ImageTable
    codes: dict[str, Codes]
    val_codes: dict[str, Codes]
    sampler: "RandomIdentitySampler | ShuffledBatches"


def plan_training(data: PreparedData, config: Config) -> EpochPlan:
    """Settle labels and batches; the audit makes the same plan, so that it refuses what a training would.

    Raises:
        DataError: a label is missing, or one that the losses go by is not there.
        ArgumentError: the labels do not allow the batches that the configuration asks for.
        ConfigError: there is nothing to learn.
    """
    train, val = data.table.in_split("train"), data.table.in_split("val")
    if config.loss.metric == "none" and (data.space is None or config.model.heads == "none"):
        raise ConfigError(
            "loss.metric=none: without attributes there is nothing to learn; set data.attributes"
        )
    codes, val_codes = label_columns(train, data.space, config), label_columns(val, data.space, config)
    return EpochPlan(train, val, codes, val_codes, make_sampler(train, codes, config))


def label_columns(table: ImageTable, space: LabelSpace | None, config: Config) -> dict[str, Codes]:
    """The codes that losses and sampler read: one column per attribute and head; ``loss.label`` under ``metric``."""
    columns: dict[str, Codes] = {}
    if space is not None:
        columns |= space.encode(table)
        if config.model.heads == "joint":
            columns["joint"] = space.joint(columns)
    if config.loss.metric != "none" or config.identity_batches:
        columns[METRIC] = metric_labels(table, space, config.loss.label)
    return columns


def metric_labels(table: ImageTable, space: LabelSpace | None, name: str) -> Codes:
    """The codes of the label that the metric loss and the sampler go by."""
    if name == "identity" or space is None:
        return identity_labels(table)[0]
    return space.labels(table, name)[0]


def make_sampler(
    table: ImageTable, codes: Mapping[str, Codes], config: Config
) -> "RandomIdentitySampler | ShuffledBatches":
    """The batch sampler of the training images; ``loss.label`` decides who goes together."""
    wanted = config.sampler
    if not config.identity_batches:
        return ShuffledBatches(len(table), wanted.batch_size, config.seed)
    identities = table.identities
    spread = (
        identities if wanted.spread and config.loss.label != "identity" and identities is not None else None
    )
    return RandomIdentitySampler(
        codes[METRIC],
        *batch_shape(codes[METRIC], config),
        spread=spread,
        coverage=wanted.coverage,
        singletons=wanted.singletons,
        seed=config.seed,
    )


def batch_shape(labels: Codes, config: Config) -> tuple[int, int]:
    """P and K of the identity batches, where the configuration leaves them open."""
    of_identities = config.loss.label == "identity"
    per_batch = config.sampler.identities or min(16 if of_identities else 8, len(np.unique(labels)))
    per_label = config.sampler.instances or (4 if of_identities else max(2, 64 // per_batch))
    return per_batch, per_label


def train_loader(
    table: ImageTable,
    transform: EvalTransform,
    codes: dict[str, Codes],
    sampler: Sampler[list[int]],
    config: Config,
) -> DataLoader[Any]:
    """Augmented training batches, read by worker processes."""
    augmentation = Augmentation(**config.data.augmentation.model_dump())
    dataset = ImageDataset(
        table, transform, codes, augmentation, cache=_cache(len(table), config), seed=config.seed
    )
    return _loader(dataset, config, batch_sampler=sampler)


def validation_loader(
    table: ImageTable, transform: EvalTransform, codes: dict[str, Codes], config: Config
) -> DataLoader[Any]:
    """Every validation image once, in order, as evaluation sees it; each rank takes its share."""
    dataset = ImageDataset(table, transform, codes, cache=_cache(len(table), config))
    rank, world = rank_and_world(None, None)
    return _loader(dataset, config, sampler=range(rank, len(table), world), batch_size=128)


class _Loader(DataLoader[Any]):
    """Starts its workers out of reach of Ctrl-C and SIGTERM, from their first moment on.

    Ctrl-C reaches every process of the terminal, and SIGTERM often every process of a job; a worker that died of it
    would take the last batch along.
    """

    def __iter__(self) -> Any:
        with signals_held():
            return super().__iter__()


def _loader(dataset: ImageDataset, config: Config, **batching: Any) -> DataLoader[Any]:
    workers = config.data.workers
    return _Loader(
        dataset,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=_leave_interrupts_to_the_trainer,
        pin_memory=torch.cuda.is_available(),
        # Its own, so that making an iterator draws nothing from the generator that the model uses.
        generator=torch.Generator().manual_seed(config.seed),
        **batching,
    )


def _cache(num_images: int, config: Config) -> PixelCache | None:
    size = config.data.size
    if PixelCache.bytes_needed(num_images, size) > config.data.cache_gib * 2**30:
        return None
    return PixelCache(num_images, size)


def _leave_interrupts_to_the_trainer(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
