"""write_projector: embeddings as a folder that TensorBoard's projector opens: vectors, labels and one sprite."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError
from metric_face.files import PROJECTOR, replace_folder
from metric_face.pages import Column, gray_tile, read_tile

_LARGEST = 8192  # pixels along a side of a texture that browsers take
_SIDES = (64, 48, 32, 24, 16)
_BLOCK = 4096


def write_projector(
    folder: str | os.PathLike[str],
    vectors: Floats,
    columns: Sequence[Column],
    *,
    paths: Sequence[str],
    images: Sequence[str | Path] | None = None,
) -> Path:
    """Write embeddings as files of TensorBoard's projector, replacing the folder whole.

    It is a log folder of TensorBoard, whose tab Projector shows it; or load ``tensors.tsv`` and ``metadata.tsv`` at
    projector.tensorflow.org.

    Args:
        folder: to write.
        vectors: (N, D).
        columns: what is known of the N images.
        paths: N texts that name them: the first column of the metadata.
        images: N files for the sprite; None for none. Of more images than a sprite holds, there is none either.

    Returns:
        The folder.

    Raises:
        ArgumentError: the lengths differ, or there is no vector.
        OutputError: something else is there.
    """
    for name, given in (("columns", [len(column.values) for column in columns]), ("paths", [len(paths)])):
        if set(given) - {len(vectors)}:
            raise ArgumentError(
                f"{name}: must have one entry for each of the {len(vectors)} vectors; found {max(given)}; "
                "take all from the same table"
            )
    if not len(vectors):
        raise ArgumentError("vectors: must hold at least one; found none; embed some images first")
    side = sprite_side(len(vectors)) if images is not None else 0
    with replace_folder(folder, PROJECTOR) as new:
        with open(new / "tensors.tsv", "w", encoding="utf-8") as file:
            for at in range(0, len(vectors), _BLOCK):
                np.savetxt(file, vectors[at : at + _BLOCK], fmt="%.6g", delimiter="\t")
        heads = ["path", *(column.name for column in columns)]
        with open(new / "metadata.tsv", "w", encoding="utf-8", newline="\n") as file:
            file.write("\t".join(map(_cell, heads)) + "\n" if columns else "")  # one column has no head there
            for row, path in enumerate(paths):
                file.write("\t".join(map(_cell, [path, *(column.text(row) for column in columns)])) + "\n")
        if side and images is not None:
            _sprite(images, side).save(new / "sprite.png")
        (new / "projector_config.pbtxt").write_text(_config(side), encoding="utf-8")
    return Path(folder)


def sprite_side(count: int) -> int:
    """Pixels along a side of an image in a sprite of ``count``, 0 where even the smallest do not fit."""
    across = int(np.ceil(np.sqrt(count)))
    return next((side for side in _SIDES if across * side <= _LARGEST), 0)


def _sprite(images: Sequence[str | Path], side: int) -> Image.Image:
    """Square tiles along the rows of a square, as the projector reads them."""
    across = int(np.ceil(np.sqrt(len(images))))
    sheet = Image.new("RGB", (across * side, across * side), "white")
    for place, path in enumerate(images):
        sheet.paste(read_tile(path, side) or gray_tile(side), (place % across * side, place // across * side))
    return sheet


def _config(side: int) -> str:
    lines = ['tensor_name: "embedding"', 'tensor_path: "tensors.tsv"', 'metadata_path: "metadata.tsv"']
    if side:
        size = f"single_image_dim: {side}"
        lines.append(f'sprite {{ image_path: "sprite.png" {size} {size} }}')
    return "embeddings {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _cell(text: object) -> str:
    """A text that cannot end its cell or its line."""
    return " ".join(str(text).split()) or "-"
