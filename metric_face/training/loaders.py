"""The data loaders of a run: augmented training batches, and validation in order."""

import signal
from collections.abc import Iterable
from typing import Any

import torch
from torch.utils.data import DataLoader

from metric_face.config import Config
from metric_face.data import Augmentation, Codes, EvalTransform, ImageDataset, ImageTable, PixelCache
from metric_face.training.process_group import rows_of_this_rank
from metric_face.training.stopping import signals_held


def train_loader(
    table: ImageTable,
    transform: EvalTransform,
    codes: dict[str, Codes],
    sampler: Iterable[list[int]],
    config: Config,
) -> DataLoader[Any]:
    """Augmented training batches, read by worker processes."""
    augmentation = Augmentation(**config.data.augmentation.model_dump())
    dataset = ImageDataset(
        table,
        transform,
        codes,
        augmentation,
        cache=_cache(len(table), transform.size, config),
        seed=config.seed,
    )
    return _loader(dataset, config, batch_sampler=sampler)


def validation_loader(
    table: ImageTable, transform: EvalTransform, codes: dict[str, Codes], config: Config
) -> DataLoader[Any]:
    """Every validation image once, in order, as evaluation sees it; each rank takes its share."""
    dataset = ImageDataset(table, transform, codes, cache=_cache(len(table), transform.size, config))
    return _loader(dataset, config, sampler=rows_of_this_rank(len(table)), batch_size=128)


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


def _cache(num_images: int, size: tuple[int, int], config: Config) -> PixelCache | None:
    if PixelCache.bytes_needed(num_images, size) > config.data.cache_gib * 2**30:
        return None
    return PixelCache(num_images, size)


def _leave_interrupts_to_the_trainer(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
