"""Record which images a loader puts in its batches, for any kind of loader."""

import copy
import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError

from .handed_over import refuse_images_for_batches


@dataclass
class Drawn:
    """One epoch of a loader.

    Attributes:
        image, batch: (X,) the image numbers in the order drawn, and the batch of each.
        batches: how many there were; promised: what `len` returned before, promised_after: what it returned after.
        stopped: why the epoch was cut short, or "".
        touched: global random generators that changed while batches were drawn.
    """

    image: Ints
    batch: Ints
    batches: int
    promised: int | None
    promised_after: int | None
    stopped: str = ""
    touched: list[str] = field(default_factory=list)


def draw(
    batches: Iterable[Any],
    epoch: int,
    index_of: Callable[[Any], Any] | None,
    images: int,
    most: int,
    patience: float,
) -> Drawn:
    """Run through one epoch without loading an image.

    Args:
        batches: a DataLoader, a batch sampler or any iterable of batches of indices.
        epoch: handed to `set_epoch` where there is one.
        index_of: takes the indices out of a batch; without it a DataLoader's dataset is replaced by one that
            returns the index it is asked for.
        images: how many have a label. If a Subset has fewer, indices are those of the dataset beneath it.
        most: batches after which an epoch that promised nothing is called endless.
        patience: seconds without a batch after which the loader is called stuck.
    """
    promised = promised_length(batches)
    most = most if promised is None else max(2 * promised, 16)
    source, positions = _indices_only(batches, images) if index_of is None else (batches, None)
    for owner in (source, getattr(source, "batch_sampler", None), getattr(source, "sampler", None)):
        set_epoch = getattr(owner, "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)

    def indices(batch: Any) -> Ints:
        return _as_indices(batch if index_of is None else index_of(batch), positions)

    before = _random_states()
    rows, stopped = _run_through(source, indices, most, patience)
    now = _random_states()
    # Not torch: every DataLoader draws a seed for its workers from it.
    touched = [name for name in before if name != "torch" and not _same(before[name], now[name])]
    image = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
    batch_of = np.repeat(np.arange(len(rows)), [row.size for row in rows])
    return Drawn(image, batch_of, len(rows), promised, promised_length(batches), stopped, touched)


def promised_length(batches: Any) -> int | None:
    """What `len` returns, or None where there is none."""
    try:
        return len(batches)
    except (TypeError, NotImplementedError):
        return None


class _Positions:
    """Stands in for a dataset and returns the index it is asked for."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Any:
        return index


def _indices_only(batches: Any, images: int) -> tuple[Iterable[Any], Ints | None]:
    """The same loader yielding indices, and where a Subset's positions lie in its dataset."""
    loaders = sys.modules.get("torch.utils.data")  # where nobody loaded it, this is no DataLoader
    if loaders is None or not isinstance(batches, loaders.DataLoader):
        # Ours is audited on a copy, so that the audit does not use up an epoch
        return (copy.copy(batches) if hasattr(batches, "load_state_dict") else batches), None
    if isinstance(batches.dataset, loaders.IterableDataset):
        raise ArgumentError(
            "batches must come from a dataset with indices, found an IterableDataset; let it return the index of "
            "each image as well and pass index_of="
        )
    refuse_images_for_batches(batches)
    twin = copy.copy(batches)
    twin.__dict__.update(
        dataset=_Positions(len(batches.dataset)),
        collate_fn=list if batches.batch_sampler is not None else lambda item: item,
        num_workers=0,
        prefetch_factor=None,
        persistent_workers=False,
        timeout=0,
        pin_memory=False,
        _iterator=None,
    )
    if hasattr(batches.batch_sampler, "load_state_dict"):
        twin.__dict__["batch_sampler"] = copy.copy(batches.batch_sampler)
    whole = len(batches.dataset) == images
    return twin, None if whole else _positions(batches.dataset)


def _positions(dataset: Any) -> Ints | None:
    """(n,) where the items of nested Subsets lie in the innermost dataset, or None."""
    from torch.utils.data import Subset

    if not isinstance(dataset, Subset):
        return None
    inner = _positions(dataset.dataset)
    own = np.asarray(dataset.indices, dtype=np.int64)
    return own if inner is None else inner[own]


def _as_indices(batch: Any, positions: Ints | None) -> Ints:
    if hasattr(batch, "detach"):  # a tensor
        batch = batch.detach().cpu().numpy()
    try:
        indices = np.atleast_1d(np.asarray(batch))
        whole = indices.ndim == 1 and (indices.dtype.kind in "iu" or indices.size == 0)
    except ValueError:
        whole = False
    if not whole:
        raise ArgumentError(
            f"batches must hold indices, found a batch of {type(batch).__name__} that is not a list of whole "
            f"numbers; pass the DataLoader or its batch sampler, or index_of= to take the indices out"
        )
    indices = indices.astype(np.int64)
    return indices if positions is None else positions[indices]


def _run_through(
    source: Iterable[Any], indices: Callable[[Any], Ints], most: int, patience: float
) -> tuple[list[Ints], str]:
    """The indices of each batch, and why there are no more of them, or "".

    The batches are drawn in a thread of their own, because a loop that never yields can only be walked away from. A
    loader that is given up as stuck goes on in that thread until it yields once more or the process ends.
    """
    rows: list[Ints] = []
    reasons: list[str] = []
    errors: list[BaseException] = []
    done, given_up = threading.Event(), threading.Event()

    def draw_all() -> None:
        try:
            for batch in source:
                if given_up.is_set():
                    return
                rows.append(indices(batch))
                if len(rows) > most:
                    reasons.append(f"it did not end after {most} batches")
                    return
        except BaseException as error:  # raised again in the thread of the caller
            errors.append(error)
        finally:
            done.set()

    worker = threading.Thread(target=draw_all, daemon=True, name="audit of batches")
    worker.start()
    seen = 0
    try:
        while not done.wait(patience):
            if len(rows) == seen:
                return rows[:seen], f"it yielded {seen} batches and then none for {patience:g} seconds"
            seen = len(rows)
    finally:
        given_up.set()
    worker.join()
    if errors:
        raise errors[0]
    return rows, "".join(reasons)


def _random_states() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    states = {
        "Python's random": random.getstate(),
        "NumPy's global generator": np.random.get_state(),  # noqa: NPY002 - watched, not used
    }
    return states if torch is None else states | {"torch": torch.get_rng_state()}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Put the global generators back in the end, so that an audit does not change the training after it."""
    before = _random_states()
    try:
        yield
    finally:
        random.setstate(before["Python's random"])
        np.random.set_state(before["NumPy's global generator"])  # noqa: NPY002
        if "torch" in before:
            sys.modules["torch"].set_rng_state(before["torch"])
