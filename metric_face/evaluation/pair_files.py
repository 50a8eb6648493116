"""Files of pairs: LFW's pairs.txt and a CSV, as names of images, and the rows of a table that the names stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import ImageTable
from metric_face.errors import DataError
from metric_face.missing import is_missing

if TYPE_CHECKING:
    import pandas as pd

_SAME = {**dict.fromkeys(("1", "true", "yes", "same", "genuine"), True)}
_SAME |= dict.fromkeys(("0", "-1", "false", "no", "different", "impostor"), False)
_SEVERAL = -2


@dataclass(frozen=True)
class NamedPair:
    """A pair as a file names it.

    Attributes:
        first, second: paths, file names, or names without their ending.
        same: whether it is genuine; None where the file does not say.
        fold: of the pair; None where the file has none.
        identities: of both images; None where the file names none.
    """

    first: str
    second: str
    same: bool | None
    fold: str | None
    identities: tuple[str, str] | None = None


def pairs_of_lines(file: Path) -> list[NamedPair]:
    """Read the form of LFW's ``pairs.txt``.

    Raises:
        DataError: the file cannot be read, or a line is not of the form.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise DataError(f"{file}: cannot be read ({reason}); give a pairs.txt or a CSV of pairs") from None
    while lines and not lines[-1].strip():
        lines.pop()
    head = lines[0].split() if lines else []
    if len(head) not in (1, 2) or not all(word.isascii() and word.isdigit() and int(word) for word in head):
        raise DataError(
            f"{file}: must begin with the number of folds and of pairs, as LFW's pairs.txt, or be a .csv with the "
            f"columns path1 and path2; found {lines[0][:60] if lines else ''!r}"
        )
    folds, each = (1, int(head[0])) if len(head) == 1 else (int(head[0]), int(head[1]))
    if len(lines) - 1 != 2 * folds * each:
        raise DataError(
            f"{file}: must hold {folds} x 2 x {each} pairs, as its first line says, found {len(lines) - 1} lines"
        )
    found = []
    for number, line in enumerate(lines[1:]):
        words = [word.strip() for word in (line.split("\t") if "\t" in line else line.split())]
        genuine = number % (2 * each) < each
        numbers = words[1:] if genuine else words[1::2]
        if len(words) != (3 if genuine else 4) or not all(w.isascii() and w.isdigit() for w in numbers):
            form = "NAME NUMBER NUMBER" if genuine else "NAME NUMBER NAME NUMBER"
            raise DataError(f"{file}: line {number + 2} must be {form}, found {line[:80]!r}")
        names = (words[0], words[0] if genuine else words[2])
        images = [f"{name}_{int(at):04d}" for name, at in zip(names, numbers, strict=True)]
        fold = str(number // (2 * each)) if folds > 1 else None
        found.append(NamedPair(images[0], images[1], genuine, fold, names))
    return found


def pairs_of_frame(frame: "pd.DataFrame", file: Path) -> list[NamedPair]:
    """Read the columns ``path1``, ``path2``, ``same`` and ``fold``.

    Raises:
        DataError: a column is missing, or a value is not one.
    """
    if not {"path1", "path2"} <= set(frame.columns) or not len(frame):
        raise DataError(
            f"{file}: needs the columns path1 and path2 and a pair in each row, found {len(frame)} rows of "
            f"{', '.join(map(str, frame.columns))[:120]}"
        )
    found = []
    columns = {name: frame[name].tolist() for name in ("path1", "path2", "same", "fold") if name in frame}
    for row in range(len(frame)):
        value = {name: None if is_missing(values[row]) else values[row] for name, values in columns.items()}
        if value["path1"] is None or value["path2"] is None:
            raise DataError(f"{file}: row {row}: path1 and path2 must not be empty (counted from 0)")
        text = str(value.get("same", "1")).strip().lower()
        if "same" in value and text not in _SAME:
            raise DataError(
                f"{file}: row {row}: same must be 1 or 0, found {value['same']!r} (counted from 0)"
            )
        same = _SAME[text] if "same" in value else None
        fold = value.get("fold")
        if "fold" in value and fold is None:
            raise DataError(f"{file}: row {row}: fold must not be empty (counted from 0)")
        found.append(NamedPair(value["path1"], value["path2"], same, fold))
    return found


def rows_by_name(named: Sequence[NamedPair], table: ImageTable, file: Path) -> Ints:
    """(P, 2) rows of the table; -1 where a name stands for no image.

    A name is a path of the table, a file name, or a file name without its ending, in this order.

    Raises:
        DataError: a name stands for several images.
    """
    paths = [str(path) for path in table.frame["path"].tolist()]
    parts = [PurePosixPath(path) for path in paths]
    known = [_by(paths), _by([part.name for part in parts]), _by([part.stem for part in parts])]
    rows = np.array([[_row(name, known) for name in (pair.first, pair.second)] for pair in named], np.int64)
    if (rows == _SEVERAL).any():
        at, side = np.argwhere(rows == _SEVERAL)[0].tolist()
        name = (named[at].first, named[at].second)[side]
        raise DataError(f"{file}: {name} stands for several images of the table; name their paths")
    return rows


def _by(names: Sequence[str]) -> Mapping[str, int]:
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        rows[name] = _SEVERAL if name in rows else row
    return rows


def _row(name: str, known: Sequence[Mapping[str, int]]) -> Any:
    return next((rows[name] for rows in known if name in rows), -1)
