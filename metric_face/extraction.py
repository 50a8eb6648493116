"""extract: the vectors of any number of images, in constant memory, going on where it was stopped."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metric_face.arrays import Floats
from metric_face.data import EvalTransform, ImageTable
from metric_face.embeddings import Embeddings, logits_file, write_description
from metric_face.errors import ArgumentError
from metric_face.files import EMBEDDINGS, replace_folder, write_text
from metric_face.models import ImageEmbedder, computing_dtype, device_of_choice
from metric_face.progress import Progress, silent
from metric_face.run import Run

_NOTE = "progress.json"


def extract(
    source: "ImageEmbedder | Run | str | Path",
    table: ImageTable,
    *,
    transform: EvalTransform | None = None,
    folder: str | Path | None = None,
    fingerprint: str = "",
    batch_size: int = 64,
    workers: int | None = None,
    precision: str = "auto",
    device: torch.device | None = None,
    progress: Progress = silent,
) -> Embeddings:
    """Embed the images of a table.

    Images are decoded by threads while the model computes. With ``folder`` the vectors go straight to disk, so that
    memory does not grow with N, and an interrupted call goes on where it was: a row is written by its number, so
    none is lost or doubled.

    Args:
        source: a model, or a run (its best weights and its transform).
        table: N images.
        transform: needed with a bare model.
        folder: where to write; None keeps the vectors in memory.
        fingerprint: names a bare model; a run has one of its own.
        batch_size: images a forward pass.
        workers: decoding threads; default one a core.
        precision: ``auto`` (bf16 where the device computes in it), ``fp32`` or ``bf16``.
        device: default the GPU if there is one.
        progress: called with (images done, images in all).

    Returns:
        The embeddings, memory-mapped where they are on disk.

    Raises:
        ImageError: an image cannot be used.
        ArgumentError: a bare model without a transform.
        OutputError: ``folder`` holds something else, or another call writes it.
    """
    if isinstance(source, str | Path):
        source = Run.open(source)
    if isinstance(source, Run):
        transform, fingerprint, source = source.transform, source.fingerprint, source.model
    if transform is None:
        raise ArgumentError(
            "transform: a bare model needs the EvalTransform it was trained with; or give a run"
        )
    with nullcontext() if folder is None else replace_folder(folder, EMBEDDINGS, note=_NOTE) as place:
        device = device or device_of_choice()
        embedder = _Embedder(source, device, computing_dtype(device, precision), transform)
        store = _Store(place, table, fingerprint, embedder)
        done = store.rows_done
        for pixels in _batches(table, transform, done, batch_size, workers or os.cpu_count() or 1):
            vectors, logits = embedder(pixels)
            store.write(done, vectors, logits)
            done += len(pixels)
            progress(done, len(table))
        made = store.finish(table, fingerprint)
    return Embeddings.load(folder, mmap=True) if folder is not None else made


class _Embedder:
    """The model on a device, from uint8 pixels to float32 arrays."""

    def __init__(
        self, model: ImageEmbedder, device: torch.device, dtype: torch.dtype, transform: EvalTransform
    ):
        self.model = model.to(device).to(memory_format=torch.channels_last).eval()
        self.device, self.dtype = device, dtype
        std = torch.tensor(transform.std, device=device)
        self.scale = (1 / (255 * std)).view(3, 1, 1)
        self.shift = (torch.tensor(transform.mean, device=device) / std).view(3, 1, 1)

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        return self.model.widths

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, dict[str, Tensor]]:
        raw = torch.from_numpy(pixels).to(self.device, non_blocking=True)
        images = raw.permute(0, 3, 1, 2).float() * self.scale - self.shift  # channels last in memory already
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.model(images)
        return output.embedding.float().cpu(), {
            name: value.float().cpu() for name, value in output.logits.items()
        }


def _batches(
    table: ImageTable, transform: EvalTransform, start: int, batch_size: int, workers: int
) -> Iterator[NDArray[np.uint8]]:
    """Decode the rows from ``start`` on, a few batches ahead of the consumer."""
    names = table.frame["path"]
    ahead: deque[Future[NDArray[np.uint8]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        upcoming = islice(names, start, None)
        try:
            while True:
                for name in upcoming:
                    ahead.append(pool.submit(transform.load, table.root / name))
                    if len(ahead) >= 3 * batch_size:
                        break
                if not ahead:
                    return
                yield np.stack([ahead.popleft().result() for _ in range(min(batch_size, len(ahead)))])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Store:
    """Where the vectors go: arrays in memory, or files in a folder that takes its place when it is whole."""

    # Rows between two notes of how far the files are; a killed run repeats at most these.
    STRIDE = 2048

    def __init__(self, folder: Path | None, table: ImageTable, fingerprint: str, embedder: _Embedder) -> None:
        self.folder = folder
        self.rows_done = 0
        self.task = _describe_task(table, fingerprint, embedder)
        width, heads = embedder.widths
        shapes = {"vectors.npy": (len(table), width)}
        shapes |= {logits_file(name): (len(table), count) for name, count in heads.items()}
        self.heads = list(heads)
        if folder is None:
            self.arrays = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
            return
        self.note = folder.parent / _NOTE  # beside the folder, as it is no part of the result
        self.rows_done = self.noted = self._rows_on_disk(folder, shapes)
        self.arrays = {
            name: _array_on_disk(folder / name, shape, new=self.rows_done == 0)
            for name, shape in shapes.items()
        }

    def write(self, start: int, vectors: Tensor, logits: dict[str, Tensor]) -> None:
        rows = slice(start, start + len(vectors))
        self.arrays["vectors.npy"][rows] = vectors.numpy()
        for name, values in logits.items():
            self.arrays[logits_file(name)][rows] = values.numpy()
        self.rows_done = rows.stop
        if self.folder is not None and self.rows_done - self.noted >= self.STRIDE:
            self._note()

    def finish(self, table: ImageTable, fingerprint: str) -> Embeddings:
        logits = {name: self.arrays[logits_file(name)] for name in self.heads}
        made = Embeddings(self.arrays["vectors.npy"], table, fingerprint, logits)
        if self.folder is not None:
            self._note()  # killed from here on, the next call finds every row done
            write_description(self.folder, table, fingerprint, self.heads)
        return made

    def _note(self) -> None:
        for array in self.arrays.values():
            array.flush()  # type: ignore[attr-defined]
        write_text(self.note, json.dumps({"task": self.task, "rows": self.rows_done}))
        self.noted = self.rows_done

    def _rows_on_disk(self, folder: Path, shapes: dict[str, tuple[int, int]]) -> int:
        try:
            note = json.loads(self.note.read_text("utf-8"))
            there = {name: np.load(folder / name, mmap_mode="r", allow_pickle=False).shape for name in shapes}
        except (OSError, ValueError):
            return 0
        if not isinstance(note, dict) or note.get("task") != self.task or there != shapes:
            return 0
        return int(note["rows"])


def _array_on_disk(file: Path, shape: tuple[int, int], *, new: bool) -> Floats:
    """An array that is a file. Its room is taken at once: a full disk is an error here, and no signal later."""
    array = np.lib.format.open_memmap(file, mode="w+" if new else "r+", dtype=np.float32, shape=shape)
    if array.size and hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    return array


def _describe_task(table: ImageTable, fingerprint: str, embedder: _Embedder) -> str:
    """A hash of everything that the vectors depend on, so that files of another task are not gone on with."""
    digest = hashlib.sha256(f"{fingerprint}{table.root.resolve()}{embedder.dtype}{embedder.widths}".encode())
    digest.update("\n".join(table.frame["path"]).encode())
    if not fingerprint:
        for name, value in embedder.model.state_dict().items():
            digest.update(name.encode() + value.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
