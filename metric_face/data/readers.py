"""The forms a table is read from, and what was taken and left out: a competition's folder, a file, class folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from metric_face.data.boxes import BOX, fold_boxes
from metric_face.data.csv_text import read_csv_text
from metric_face.data.image_files import SUFFIXES, scan_folder
from metric_face.data.image_paths import rows_holding
from metric_face.data.layout import named_twice, part_of, read_layout
from metric_face.data.parquet_files import ParquetFiles, parquet_files
from metric_face.data.parquet_text import read_parquet_text, text_frame
from metric_face.errors import DataError
from metric_face.visible import is_text

MASKS = ("wear", "incorrect", "normal")
STEMS = {
    **{f"mask{number}": "wear" for number in range(1, 6)},
    "incorrect_mask": "incorrect",
    "normal": "normal",
}
_FILES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class Read:
    """What was read.

    Attributes:
        frame: one row for each image; every column is text, an empty value is missing.
        base: the folder that relative paths start from.
        notes: what was seen, taken, left out and made of it, one line each.
    """

    frame: pd.DataFrame
    base: Path
    notes: list[str]


def read_source(source: Path, box: Sequence[str] | None = BOX) -> Read:
    """Read the rows behind a folder, or behind a CSV or Parquet file or a folder of such.

    Args:
        source: the folder or file.
        box: columns of a file that cut a part out of the image, as :func:`fold_boxes` takes them.

    Raises:
        DataError: nothing is there, or it is not certain what is meant.
    """
    try:
        if not is_text(str(source.absolute())):
            raise DataError(f"{source}: its path is no UTF-8, and a run cannot store it; rename the folder")
        is_file, is_folder = source.is_file(), source.is_dir()
        if not is_file and not is_folder:
            there = "is neither a file nor a folder" if source.exists() else "no such file or folder"
            raise DataError(f"{source}: {there}; give a folder of images, a CSV or a Parquet file")
        return _read_file(source, source.parent, box) if is_file else _read_folder(source, box)
    except (OSError, ValueError) as error:  # no right to look, a name too long, a null byte
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise DataError(f"{source}: cannot be read ({reason}); check the path and its permissions") from None


def _read_folder(source: Path, box: Sequence[str] | None) -> Read:
    for folder in (source, source / "train"):
        if (folder / "train.csv").is_file() and (folder / "images").is_dir():
            return read_competition(folder)
    if (source / "info.csv").is_file():
        return _read_submission(source / "info.csv")
    if (source / "images.csv").is_file():
        return _read_file(source / "images.csv", source, box)
    if parquet := parquet_files(source):
        return _read_parquet(ParquetFiles(parquet, source), box)
    return read_folders(source)


def read_competition(folder: Path) -> Read:
    """Read the mask competition's ``train`` folder: seven images an identity.

    The identity is the folder, not the id (one id occurs twice); an image is known by its stem (``mask1`` may be
    jpg, jpeg or png); names that start with a dot are litter.
    """
    file = folder / "train.csv"
    identities, notes = read_csv_text(file, ("path",))
    missing = {"gender", "age", "path"} - set(identities.columns)
    if missing:
        raise DataError(f"{file}: needs the columns gender, age and path; lacks {', '.join(sorted(missing))}")
    _refuse_missing(identities, "path", file)
    scan = scan_folder(folder / "images")
    images: dict[str, list[Path]] = {}
    for image in scan.taken:
        images.setdefault(image.parent.relative_to(folder / "images").as_posix(), []).append(image)
    rows = []
    for identity in identities.to_dict("records"):
        home = str(identity["path"])
        if not (folder / "images" / home).is_dir():
            raise DataError(
                f"{folder / 'images' / home}: train.csv names this folder, and it is not there; restore it or drop "
                "the row"
            )
        for image in images.pop(home, ()):
            if image.stem not in STEMS:
                raise DataError(
                    f"{image}: the name must be one of {', '.join(sorted(STEMS))}; rename or remove it"
                )
            rows.append(
                {"path": f"images/{home}/{image.name}", "identity": home}
                | {str(name): value for name, value in identity.items() if name != "path"}
                | {"mask": STEMS[image.stem]}
            )
    strange = {image for others in images.values() for image in others}
    scan.left_out |= dict.fromkeys(strange, "in folders that train.csv does not name")
    scan.taken = [image for image in scan.taken if image not in strange]
    return Read(pd.DataFrame(rows), folder, [*notes, scan.line(folder / "images")])


def read_folders(folder: Path) -> Read:
    """Read ``folder/<class>/<image>`` or ``folder/<split>/<class>/<image>``; images directly in it have no label."""
    scan = scan_folder(folder)
    if not scan.taken:
        raise DataError(
            f"{scan.line(folder)}; check the path, and that images end in {', '.join(sorted(SUFFIXES))}"
        )
    names = [file.relative_to(folder).as_posix() for file in scan.taken]
    direct = [name for name in names if "/" not in name]
    if direct and len(direct) < len(names):
        raise DataError(
            f"{folder / direct[0]}: lies beside class folders, so it has no class; move it into one"
        )
    layout = read_layout(names)
    frame = pd.DataFrame({"path": names}, dtype="str")
    if layout.labels is not None:
        frame["label"] = pd.Series(layout.labels, dtype="str")
    if layout.splits is not None:
        frame["split"] = pd.Series(layout.splits, dtype="str")
    notes = [scan.line(folder)]
    if layout.note:
        notes.append(f"{folder}: {layout.note}")
    return Read(frame, folder, notes)


def _read_file(file: Path, base: Path, box: Sequence[str] | None) -> Read:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        frame, notes = read_parquet_text(file)
    elif suffix in _FILES:
        frame, notes = read_csv_text(file, ("path",))
    elif suffix in (".xlsx", ".xls", ".ods"):
        raise DataError(f"{file}: is a workbook; save it as 'CSV UTF-8' in the spreadsheet")
    else:
        raise DataError(
            f"{file}: a table must be .csv, .tsv or .parquet, or a folder of images; found {suffix!r}"
        )
    notes += straighten(frame, base)
    notes += fold_boxes(frame, box, file)
    notes += read_parts(frame, file)
    return Read(frame, base, [*notes, f"{file}: {len(frame)} rows taken"])


def _read_parquet(files: ParquetFiles, box: Sequence[str] | None) -> Read:
    """Read a folder of Parquet files as one table."""
    pieces = [text_frame(piece, files.files[0]) for piece in files.pieces(0, len(files))]
    frame = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame({"path": []})
    notes = straighten(frame, files.root) + fold_boxes(frame, box, files.root)
    notes += read_parts(frame, files.root)
    return Read(frame, files.root, [*notes, files.note])


def _read_submission(file: Path) -> Read:
    """Read the competition's ``eval`` folder; the answers there are all 0 and therefore dropped."""
    frame, notes = read_csv_text(file, ("ImageID",))
    if "ImageID" not in frame.columns:
        raise DataError(f"{file}: needs a column 'ImageID'; its columns are {', '.join(frame.columns)}")
    _refuse_missing(frame, "ImageID", file)
    paths = pd.DataFrame({"path": "images/" + frame["ImageID"]})
    return Read(paths, file.parent, [*notes, f"{file}: {len(frame)} rows taken"])


def straighten(frame: pd.DataFrame, base: Path) -> list[str]:
    """Read backslashes of paths as slashes where only so a file is there; in place."""
    if "path" not in frame.columns:
        return []
    changed = 0
    for row in rows_holding(frame["path"], "\\").tolist():
        name = frame["path"].iloc[row]
        if not (base / name).exists():
            straight = name.replace("\\", "/")
            if (base / straight).exists():
                frame.loc[row, "path"] = straight
                changed += 1
    return [f"{changed} paths are read with / for the backslash"] if changed else []


def read_parts(frame: pd.DataFrame, file: Path) -> list[str]:
    """Give each part of the split its one name, such as val for valid; in place."""
    if "split" not in frame.columns:
        return []
    words = [str(word) for word in frame["split"].dropna().unique()]
    twice = named_twice(words)
    if twice is not None:
        raise DataError(
            f"{file}: the column 'split' names the split {twice[0]!r} {' and '.join(map(repr, twice[1]))}; use one name"
        )
    other = {word: part_of(word) for word in words if part_of(word) != word}
    frame["split"] = frame["split"].replace(other)
    return [f"{file}: the split {word!r} is read as {split!r}" for word, split in other.items()]


def _refuse_missing(frame: pd.DataFrame, column: str, file: Path) -> None:
    rows = np.flatnonzero(frame[column].isna().to_numpy())
    if len(rows):
        raise DataError(f"{file}: row {rows[0]}: {column!r} must not be empty; fill it in or drop the row")
