"""Template: the list of ids that a submission must answer, in its order."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from metric_face.data.csv_text import read_csv_text
from metric_face.data.image_files import images_below, is_image_name
from metric_face.errors import DataError
from metric_face.visible import is_text, visible

_KEYS = ("ImageID", "path", "image")
_LISTED = 5


@dataclass(frozen=True)
class Template:
    """The ids of a submission.

    Attributes:
        source: the file.
        columns: names of its column of ids and of its column of answers.
        ids: as they stand in the file, each once, in its order.
        notes: how the file was read where that is not plain, a line each.
    """

    source: Path
    columns: tuple[str, str]
    ids: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a CSV whose column ``ImageID``, ``path`` or ``image`` (else its first) names images.

        The answers go to its column ``ans``, else to its second column where it has two, else to a new ``ans``. The
        file is read as any other table (see :mod:`.csv_text`): semicolons, tabs and UTF-16 too.

        Raises:
            DataError: it cannot be read, has no row, or an id is empty or stands twice.
        """
        file = Path(path)
        frame, notes = read_csv_text(file, (*_KEYS, "ans"))
        if frame.empty:
            raise DataError(f"{file}: must hold a header and at least one id, found 1 line")
        head = [str(name) for name in frame.columns]
        key = next((name for name in _KEYS if name in head), head[0])
        ids = [
            "" if missing else str(cell).strip()
            for cell, missing in zip(frame[key], frame[key].isna(), strict=True)
        ]
        seen: dict[str, int] = {}
        for number, name in enumerate(ids, 1):
            if not name:
                raise DataError(f"{file}: {key} must not be empty, found none in row {number}; fill it in")
            if name in seen:
                raise DataError(
                    f"{file}: {key} must stand once, found {name} in rows {seen[name]} and {number}; drop one"
                )
            seen[name] = number
        rest = [name for name in head if name != key]
        answers = "ans" if "ans" in rest or len(rest) != 1 else rest[0]
        return cls(file, (key, answers), tuple(ids), tuple(notes))

    @classmethod
    def beside(cls, folder: str | Path) -> "Template | None":
        """The competition's ``info.csv`` of a folder, or None where it has none."""
        file = Path(folder) / "info.csv"
        return cls.read(file) if file.is_file() else None

    def __len__(self) -> int:
        return len(self.ids)

    def match(self, paths: Sequence[str | Path]) -> dict[str, int]:
        """Which of ``paths`` each id names: the one that ends in it, or in it and a suffix of images.

        Returns:
            Id -> position among ``paths``; an id that names none is absent.

        Raises:
            DataError: an id names several.
        """
        splits = [PurePosixPath(str(path).replace("\\", "/")).parts for path in paths]
        by_name: dict[str, list[int]] = {}
        for place, path in enumerate(splits):
            by_name.setdefault(path[-1], []).append(place)
            stem, dot, _ = path[-1].rpartition(".")
            if dot and is_image_name(path[-1]):
                by_name.setdefault(stem, []).append(place)
        found = {}
        for name in self.ids:
            wanted = PurePosixPath(name.replace("\\", "/")).parts
            ahead = wanted[:-1]
            near = [
                place
                for place in by_name.get(wanted[-1], [])
                if not ahead or splits[place][-len(wanted) : -1] == ahead
            ]
            exact = [place for place in near if splits[place][-1] == wanted[-1]]
            near = exact or near
            if len(near) > 1:
                raise DataError(
                    f"{self.source}: {name} must name one image, found {paths[near[0]]} and {paths[near[1]]}; "
                    "give one folder of images"
                )
            if near:
                found[name] = near[0]
        return found

    def locate(self, folder: str | Path | None = None) -> dict[str, Path]:
        """The image file of each id, searched in a folder and below; default the folder the template is in.

        Returns:
            Id -> file; an id without one is absent.

        Raises:
            DataError: an id names several files.
        """
        files = images_below(Path(folder) if folder is not None else self.source.parent)
        return {name: files[place] for name, place in self.match(files).items()}

    def filled(self, answers: Mapping[str, int], default: int) -> tuple[str, list[str]]:
        """The submission as CSV text: every id in order with its answer, or the default.

        Returns:
            The text, and the ids that got the default.
        """
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(self.columns)
        rows.writerows((name, answers.get(name, default)) for name in self.ids)
        return text.getvalue(), [name for name in self.ids if name not in answers]


def listed(names: Iterable[str]) -> str:
    """A few names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return ", ".join(known[:_LISTED]) + more


def refuse_repeated(names: Sequence[str]) -> None:
    """Refuse file names that cannot be ImageIDs, because one stands twice or is no UTF-8, as a CSV is.

    Raises:
        DataError: naming it.
    """
    strange = next((name for name in names if not is_text(name)), None)
    if strange is not None:
        raise DataError(
            f"file names must be UTF-8 to be ImageIDs, found {visible(strange)}; rename the file, or leave it out"
        )
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise DataError(
            f"file names must differ to be ImageIDs, found {times} of {name}; ask about one folder, or name the "
            "ids with --template"
        )
