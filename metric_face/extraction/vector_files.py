"""VectorFiles: where vectors go, row after row: files in a folder that is gone on with after a kill, or memory."""

import json
import os
from collections.abc import Callable, Collection, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Floats
from metric_face.embeddings import VECTORS, array_shapes, logits_file
from metric_face.extraction.embedder import Result
from metric_face.files import write_text

NOTE = "progress.json"
"""Beside the folder, as it is no part of the result: which task the files belong to, and how far they are."""
STRIDE = 2048
"""Rows between two notes; a killed run repeats at most these."""


class VectorFiles:
    """The vectors and logits of consecutive rows, less those of images that cannot be used.

    Args:
        folder: where they are written; None keeps them in memory.
        span: numbers of the rows.
        widths: D, and head -> C.
        task: what the vectors depend on; files of another task are not gone on with.
        mended: from which row on to embed again, because one of those that failed can be used now; None for none.

    Attributes:
        done: number of the first row that is still to be embedded.
        failed: row number -> why its image cannot be used.
    """

    def __init__(
        self,
        folder: Path | None,
        span: range,
        widths: tuple[int, Mapping[str, int]],
        task: str,
        mended: Callable[[Collection[int]], int | None] = lambda failed: None,
    ) -> None:
        self.folder, self.span, self.task = folder, span, task
        self.done, self.failed = span.start, dict[int, str]()
        dimensions, self.heads = widths[0], dict(widths[1])
        shapes = array_shapes(len(span), dimensions, self.heads)
        if folder is None:
            self.arrays = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
            return
        self._read_note(folder, dimensions, mended)
        self.noted = self.done
        if self.done < span.stop or not span:
            self.arrays = {
                name: array_on_disk(folder / name, shape, new=self.done == span.start)
                for name, shape in shapes.items()
            }

    def write(self, result: Result) -> None:
        """Add what a model made of the next batch."""
        first = self._kept
        rows = slice(first, first + len(result.vectors))
        self.arrays[VECTORS][rows] = result.vectors
        for name, values in result.logits.items():
            self.arrays[logits_file(name)][rows] = values
        self.done = result.stop
        self.failed |= result.failed
        if self.folder is not None and self.done - self.noted >= STRIDE:
            self._write_note()

    def finish(self) -> dict[str, Floats]:
        """Cut the arrays to the images that could be used.

        Returns:
            File -> array; empty where they are on disk.
        """
        if self.folder is None:
            return {name: array[: self._kept] for name, array in self.arrays.items()}
        if hasattr(self, "arrays"):
            self._write_note()  # killed from here on, the next call finds every row done
            del self.arrays
        if self.failed:
            for name in array_shapes(0, 0, self.heads):
                cut_array(self.folder / name, self._kept)
        return {}

    @property
    def _kept(self) -> int:
        return self.done - self.span.start - len(self.failed)

    def _write_note(self) -> None:
        assert self.folder is not None
        for array in self.arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        note = {"task": self.task, "rows": self.done - self.span.start, "failed": list(self.failed.items())}
        write_text(self.folder.parent / NOTE, json.dumps(note))
        self.noted = self.done

    def _read_note(
        self, folder: Path, dimensions: int, mended: Callable[[Collection[int]], int | None]
    ) -> None:
        """Take over what an interrupted call left, if it is of this task."""
        try:
            note: Any = json.loads((folder.parent / NOTE).read_text("utf-8"))
            if not isinstance(note, dict) or note.get("task") != self.task:
                return
            failed = {int(row): str(why) for row, why in note["failed"]}
            done = self.span.start + int(note["rows"])
            again = mended(failed)
            if again is not None:
                done = max(again, self.span.start)
                failed = {row: why for row, why in failed.items() if row < done}
            counts = {len(self.span)}
            if done == self.span.stop:
                counts.add(len(self.span) - len(failed))
            for name, (_, width) in array_shapes(0, dimensions, self.heads).items():
                found = np.load(folder / name, mmap_mode="r", allow_pickle=False).shape
                if found[0] not in counts or found[1:] != (width,):
                    return
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return
        self.done, self.failed = done, failed


def array_on_disk(file: Path, shape: tuple[int, int], *, new: bool = True) -> Floats:
    """An array that is a file. Its room is taken at once: a full disk is an error here, and no signal later."""
    if not shape[0]:
        np.save(file, np.empty(shape, np.float32))  # what has no byte cannot be mapped
        return np.empty(shape, np.float32)
    array = np.lib.format.open_memmap(file, mode="w+" if new else "r+", dtype=np.float32, shape=shape)
    if array.size and hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    return array


def cut_array(file: Path, rows: int) -> None:
    """Cut the (N, D) float32 array in a file to its first rows, in place; killed in between, the next call does it."""
    with open(file, "r+b") as opened:
        np.lib.format.read_magic(opened)
        (_, width), _, _ = np.lib.format.read_array_header_1_0(opened)
        begin = opened.tell()
        header = BytesIO()
        what = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": (rows, width)}
        np.lib.format.write_array_header_1_0(header, what)
        if len(header.getvalue()) != begin:  # NumPy leaves room for any number of rows
            raise ValueError(f"{file}: its header has no room for another number of rows")
        opened.seek(0)
        opened.write(header.getvalue())
        opened.truncate(begin + rows * width * 4)
