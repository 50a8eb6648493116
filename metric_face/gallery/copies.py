"""Exact copies among images that are to be added: of an image in the index, or of one before them."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import content_hashes, file_name_of, listed
from metric_face.embeddings import Embeddings
from metric_face.plurals import counted
from metric_face.search import EmbeddingIndex, files_of, rows_of_files, stored_vectors

_ALIKE = 0.98  # cosine below which two files are not the same image, whatever their sizes


def without_copies(index: EmbeddingIndex, made: Embeddings) -> tuple[Ints, list[str]]:
    """Rows of an addition that are neither in the index nor copies of an image there, or of one before them."""
    there, files = rows_of_files(index), files_of(made.table)
    new = [row for row, path in enumerate(files) if str(path) not in there]
    hashes = dict(zip(new, content_hashes([files[row] for row in new], boxes=True), strict=True))
    sizes = _sizes(list(there))
    pairs = [(row, other) for row in new for other in sizes.get(_size(str(files[row])), ())]
    copies: dict[int, str] = {}
    if pairs:
        mine, theirs = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
        vectors = np.asarray(made.vectors, np.float32)
        lengths = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
        names, held = list(there), {}
        for start in range(0, len(mine), 20_000):
            a, b = mine[start : start + 20_000], theirs[start : start + 20_000]
            similar = np.einsum("nd,nd->n", vectors[a] / lengths[a, None], stored_vectors(index, b))
            for row, other in zip(a[similar > _ALIKE].tolist(), b[similar > _ALIKE].tolist(), strict=True):
                if other not in held:
                    held[other] = content_hashes([Path(names[other])], boxes=True)[0]
                if held[other] == hashes[row]:
                    copies.setdefault(row, names[other])
    first: dict[str, int] = {}
    for row in new:
        if row not in copies and first.setdefault(hashes[row], row) != row:
            copies[row] = str(files[first[hashes[row]]])
    notes = []
    if copies:
        row, original = next(iter(copies.items()))
        shown = listed([str(made.table.frame["path"].iloc[one]) for one in copies])
        notes.append(
            f"{counted(len(copies), 'images')} skipped as exact copies: {shown}; {files[row].name} is {original}"
        )
    return np.array([row for row in new if row not in copies], np.int64), notes


def _sizes(paths: Sequence[str]) -> dict[int, list[int]]:
    """Size in bytes -> the places of the files that have it; files that are gone have none."""
    found: dict[int, list[int]] = {}
    for place, path in enumerate(paths):
        size = _size(path)
        if size >= 0:
            found.setdefault(size, []).append(place)
    return found


def _size(path: str) -> int:
    try:
        return os.stat(file_name_of(path)).st_size
    except OSError:
        return -1
