"""Datasets of others as a table: of Hugging Face and of torchvision, whose packages are not needed to read them.

They are known by what they have: a Hugging Face dataset has ``column_names`` and ``features``, a torchvision dataset
items of (image, target). Files are read where they lie; images that are in no file are written into a folder.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from metric_face.data.layout import named_twice, part_of
from metric_face.errors import ArgumentError, DataError
from metric_face.files import replace_folder
from metric_face.progress import Progress, silent

_OWN = ("path", "split")


@dataclass(frozen=True)
class _Item:
    """An image, as a file or in memory, and what is known of it."""

    image: Any
    columns: dict[str, Any]


def frame_of_dataset(
    dataset: Any, folder: Path | None, image: str | None, progress: Progress = silent
) -> tuple[pd.DataFrame, Path]:
    """Read a dataset of others.

    Args:
        dataset: of Hugging Face or of torchvision, or a mapping of split names to such.
        folder: a new folder for images that are in no file; None refuses them.
        image: the column of images of a Hugging Face dataset; default its only one.
        progress: called with (images read, images in all).

    Returns:
        A frame with ``path``, and the folder that relative paths start from.

    Raises:
        ArgumentError: it is no such dataset, has no image column or several, or gives one split two names.
        DataError: an item's image is neither a file nor a picture.
        OutputError: something is in the folder.
    """
    splits = dict(dataset) if isinstance(dataset, Mapping) else {None: dataset}
    twice = named_twice([str(split) for split in splits])
    if twice is not None:
        raise ArgumentError(
            f"dataset: its splits {' and '.join(map(repr, twice[1]))} are both {twice[0]!r}; join or rename them"
        )
    total, rows, done = sum(_length(part) for part in splits.values()), [], 0
    with ExitStack() as stack:
        new = None
        for split, part in splits.items():
            for item in _items(part, image):
                if new is None and folder is not None:
                    new = stack.enter_context(replace_folder(folder))
                path = _place(item.image, new, done)
                named = {} if split is None else {"split": part_of(str(split))}
                rows.append({"path": path, **item.columns, **named})
                done += 1
                progress(done, total)
        frame = pd.DataFrame(rows, columns=None if rows else ["path"])
        if new is not None:
            frame.to_csv(new / "images.csv", index=False)
    return frame, folder if folder is not None else Path()


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:
        raise ArgumentError(
            f"dataset must have a length, found {type(dataset).__name__}; a streamed one must be downloaded first"
        ) from None


def _items(dataset: Any, image: str | None) -> Iterator[_Item]:
    if hasattr(dataset, "column_names") and hasattr(dataset, "features"):
        return _of_columns(dataset, image)
    if hasattr(dataset, "dataset") and hasattr(dataset, "indices"):  # a Subset
        return _of_subset(dataset, image)
    if hasattr(dataset, "__getitem__"):
        return _of_pairs(dataset, range(len(dataset)))
    raise ArgumentError(
        f"dataset must be one of Hugging Face or torchvision, found {type(dataset).__name__}; "
        "ImageTable.read takes files"
    )


def _of_columns(dataset: Any, image: str | None) -> Iterator[_Item]:
    features = dataset.features
    found = [name for name in dataset.column_names if type(features[name]).__name__ == "Image"]
    if image is None and len(found) != 1:
        raise ArgumentError(
            f"image must name the column of images, found {', '.join(found) or 'none'} among "
            f"{', '.join(dataset.column_names)}; give image=NAME"
        )
    name = found[0] if image is None else image
    if name not in dataset.column_names:
        raise ArgumentError(f"image must be one of {', '.join(dataset.column_names)}, found {name!r}")
    if name in found and hasattr(dataset, "cast_column"):
        dataset = dataset.cast_column(name, type(features[name])(decode=False))  # the file, not its pixels
    classes = {key: list(one.names) for key, one in features.items() if hasattr(one, "names")}
    for row in range(len(dataset)):
        item = dataset[row]
        columns = {
            _column(key): _named(value, classes.get(key)) for key, value in item.items() if key != name
        }
        yield _Item(item[name], {key: value for key, value in columns.items() if _is_plain(value)})


def _of_subset(subset: Any, image: str | None) -> Iterator[_Item]:
    inner = subset.dataset
    if hasattr(inner, "select"):
        return _items(inner.select(subset.indices), image)
    return _of_pairs(inner, subset.indices)


def _of_pairs(dataset: Any, rows: Sequence[int]) -> Iterator[_Item]:
    """Items of (image, target): the files of an image folder, or the pictures themselves."""
    files = getattr(dataset, "samples", None) or getattr(dataset, "imgs", None)
    classes = getattr(dataset, "classes", None)
    for row in rows:
        item = files[row] if files is not None else dataset[row]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise ArgumentError(
                f"dataset must yield pairs of image and target, found {type(item).__name__} in row {row}; "
                "wrap it, or give a Hugging Face dataset"
            )
        yield _Item(item[0], _targets(item[1], classes))


def _targets(target: Any, classes: Any) -> dict[str, Any]:
    value = target.item() if hasattr(target, "item") and getattr(target, "ndim", 0) == 0 else target
    if isinstance(value, Mapping):
        return {_column(key): one for key, one in value.items() if _is_plain(one)}
    return {"label": _named(value, classes)} if _is_plain(value) else {}


def _column(name: Any) -> str:
    return f"{name}_given" if name in _OWN else str(name)


def _named(value: Any, classes: Any) -> Any:
    is_code = isinstance(value, int) and not isinstance(value, bool)
    return classes[value] if classes and is_code and 0 <= value < len(classes) else value


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _place(image: Any, folder: Path | None, row: int) -> str:
    """The path of an image: its file, or where it was written, below the folder."""
    content = None
    if isinstance(image, Mapping):
        content, image = image.get("bytes"), image.get("path")
    if content is None and isinstance(image, str | Path) and Path(image).is_file():
        return str(Path(image).resolve())
    if content is not None:
        image = _open(content, row)
    if not isinstance(image, Image.Image):
        raise DataError(
            f"row {row}: must hold an image as file, bytes or picture, found {type(image).__name__}; "
            "leave the dataset's transform out"
        )
    if folder is None:
        raise ArgumentError(
            "folder must be given for images that are in no file, found None; name a new folder"
        )
    suffix = ".png" if content is None or not image.format else f".{image.format.lower()}"
    name = f"{row:07d}{suffix}"
    if content is not None:
        (folder / name).write_bytes(content)
    else:
        (image if image.mode in ("L", "RGB", "RGBA", "P", "1", "LA") else image.convert("RGB")).save(
            folder / name
        )
    return name


def _open(content: bytes, row: int) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content))
    except Exception as error:  # Pillow raises whatever it meets
        raise DataError(
            f"row {row}: holds bytes that are no image ({type(error).__name__}); drop it"
        ) from None
