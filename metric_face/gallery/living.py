"""The gallery of a run, its index, as it grows: new images and identities without a training, removal, relabeling."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import ImageTable
from metric_face.errors import ArgumentError
from metric_face.files import parse_json, plain, read_whole
from metric_face.gallery.additions import embedded, place_for, with_columns
from metric_face.gallery.copies import without_copies
from metric_face.inference import checked_rate, no_index, refit_thresholds, refuse_other_model
from metric_face.plurals import counted
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run
from metric_face.search import (
    CODE,
    EmbeddingIndex,
    check_values,
    files_of,
    parse_filters,
    row_of,
    rows_of_files,
    rows_where,
)


@dataclass(frozen=True)
class GalleryChange:
    """What a change did to a gallery.

    Attributes:
        added, removed, relabeled: images.
        skipped: images that were there already, by path or as a copy.
        images: in the gallery now.
        new: classes that are new, by target.
        notes: a line for each thing to know.
        complete: whether every image could be used.
    """

    images: int
    added: int = 0
    removed: int = 0
    relabeled: int = 0
    skipped: int = 0
    new: Mapping[str, list[str]] | None = None
    notes: tuple[str, ...] = ()
    complete: bool = True

    def lines(self) -> list[str]:
        """What was done, for a terminal."""
        counts = {"added": self.added, "removed": self.removed, "relabeled": self.relabeled}
        done = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "nothing changed"
        fresh = [
            f"new in {name}: {', '.join(names[:12])}" for name, names in (self.new or {}).items() if names
        ]
        return [f"{done}; {counted(self.images, 'images')} in the gallery", *fresh]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data, for JSON."""
        return asdict(self)


class Gallery:
    """The index of a run, changed in place: each change is whole or absent, and two processes wait for each other.

    Args:
        run: a run, or its folder.
        index: the index's folder; default ``index`` in the run directory.

    Raises:
        FileFormatError: there is no run, or no index.
        ModelMismatchError: the index was made with another model.

    Example:
        >>> gallery = metric_face.Gallery("runs/first")
        >>> gallery.add("new_photos/").added
        20
    """

    def __init__(self, run: Run | str | Path, index: str | Path | None = None) -> None:
        self.run = Run.open(run)
        self.folder = Path(index) if index is not None else self.run.folder / "index"
        made_by = read_whole(self.folder, self._made_by)
        refuse_other_model(self.run.folder, self.folder, made_by, self.run.fingerprint)

    def _made_by(self) -> str | None:
        """The fingerprint of the model that made the index."""
        file = self.folder / "index.json"
        if not file.is_file():
            raise no_index(self.run.folder, self.folder)
        made_by: str | None = parse_json(file, remedy="build the index again").get("fingerprint")
        return made_by

    def add(
        self,
        images: str | Path,
        values: Mapping[str, str] | None = None,
        *,
        refit: float | str | None = None,
        batch_size: int = 64,
        precision: str = "auto",
        say: Say = silent,
        progress: Progress = silent,
    ) -> GalleryChange:
        """Embed images and add them; a call that was killed goes on where it stopped.

        Images that are there already, by path or as an exact copy, are skipped. Class folders name the identity where
        the index answers for identities, and the class where it answers for one attribute and knows one of the names.

        Args:
            images: a folder, class folders, or a CSV or Parquet table.
            values: column -> value for all of them, such as ``{"identity": "Anna"}``.
            refit: set the threshold of "unknown" anew: a false-accept rate, or ``f1``.
            batch_size, precision: as for :func:`metric_face.embed`.
            say: called with each line that a user should know of.
            progress: called with (images done, images in all).

        Raises:
            ArgumentError: ``refit`` is no rate, or there is nothing to refit it on.
            DataError: no image can be used, or a column that the index answers for is missing.
            ModelMismatchError: thresholds are refitted, and the embeddings of validation are not made as the index's.
            OutputError: another process changes the index for more than a minute.
        """
        refit = checked_rate(refit)
        index = EmbeddingIndex.load(self.folder, mmap=True, verify=False)
        table = with_columns(
            ImageTable.read(images, box=self.run.config.data.box), index, values or {}, str(images)
        )
        for line in table.notes:
            say(line)
        there = rows_of_files(index)
        fresh = np.array([str(path) not in there for path in files_of(table)], bool)
        notes, skipped = [], len(table) - int(fresh.sum())
        if skipped:
            notes.append(f"{counted(skipped, 'images')} of {images} are in the gallery already; skipped")
        if not fresh.any() and refit is None:
            return GalleryChange(len(index), skipped=skipped, notes=tuple(notes))
        made_by = index.fingerprint
        del index
        made, unseen, place = None, None, None
        if fresh.any():
            new_ones = table.take(fresh)
            place = place_for(self.run, new_ones, made_by)
            made, unseen = embedded(self.run, new_ones, place, made_by, batch_size, precision, progress)
            notes += unseen.notes
        with EmbeddingIndex.changing(self.folder) as changed:
            before = _classes(changed)
            count = len(changed)
            if made is not None:
                keep, lines = without_copies(changed, made)
                notes += lines
                skipped += len(made) - len(keep)
                if len(keep):
                    changed.add(made.take(keep))
            if refit is not None:
                refit_thresholds(changed, self.run.embeddings("val"), refit)
            new = _new_classes(before, changed)
            total = len(changed)
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):  # others are kept there
                place.parent.rmdir()
        return GalleryChange(
            total,
            added=total - count,
            skipped=skipped,
            new=new,
            notes=tuple(notes),
            complete=unseen is None or not unseen.failed,
        )

    def remove(
        self, where: Mapping[str, Any] | Sequence[str] = (), rows: Sequence[int | str] = ()
    ) -> GalleryChange:
        """Remove images, by what their columns hold and by row, path or file name; the files stay.

        Raises:
            ArgumentError: nothing is named, or nothing is called so.
        """
        with EmbeddingIndex.changing(self.folder) as index:
            ids = _chosen(index, where, rows)
            index.remove(ids)
            return GalleryChange(len(index), removed=len(ids))

    def relabel(
        self,
        values: Mapping[str, str],
        where: Mapping[str, Any] | Sequence[str] = (),
        rows: Sequence[int | str] = (),
    ) -> GalleryChange:
        """Set columns of some images, such as ``{"identity": "Anna"}``; a class that is new is taken up.

        Raises:
            ArgumentError: nothing is named, nothing is called so, or a column that is not there.
        """
        if not values:
            raise ArgumentError("values: name a column and its new value, such as identity=Anna (--as)")
        with EmbeddingIndex.changing(self.folder) as index:
            before, ids = _classes(index), _chosen(index, where, rows)
            index.relabel(dict(values), ids)
            new = _new_classes(before, index)
            return GalleryChange(len(index), relabeled=len(ids), new=new)

    def list(self, where: Mapping[str, Any] | Sequence[str] = ()) -> "list[dict[str, Any]]":
        """What the gallery knows of each image, or of those that pass a filter: ``row``, ``path`` and its columns."""
        index = EmbeddingIndex.load(self.folder, mmap=True, verify=False)
        rows = _rows(index, where, ()) if where else np.arange(len(index))
        named = {name: index.columns[name] for name in index.columns if not name.startswith(CODE)}
        return [
            {"row": int(row), **{name: plain(values[row]) for name, values in named.items()}} for row in rows
        ]


def _chosen(
    index: EmbeddingIndex, where: Mapping[str, Any] | Sequence[str], rows: Sequence[int | str]
) -> Ints:
    """The ids of the images named; at least one."""
    if not where and not rows:
        raise ArgumentError("where, rows: name images, as --where identity=Anna, --row 3 or --row PATH")
    return np.asarray(index.ids)[_rows(index, where, rows)]


def _rows(index: EmbeddingIndex, where: Mapping[str, Any] | Sequence[str], rows: Sequence[int | str]) -> Ints:
    chosen = np.zeros(len(index), bool)
    chosen[[row_of(index, row) for row in rows]] = True
    if where:
        if isinstance(where, Mapping):
            check_values(index, where)
        else:
            where = parse_filters(index, [where] if isinstance(where, str) else where)
        chosen |= rows_where(index.columns, where)
    return np.flatnonzero(chosen)


def _new_classes(before: Mapping[str, Sequence[str]], index: EmbeddingIndex) -> dict[str, list[str]]:
    """The classes that an index did not have before, by target; new ones come after the others."""
    return {name: list(names[len(before[name]) :]) for name, names in _classes(index).items()}


def _classes(index: EmbeddingIndex) -> dict[str, Sequence[str]]:
    return {name: vote["classes"] for name, vote in index.metadata.get("targets", {}).items()}
