"""Where the images of a run are now: where training found them, beside a moved run, or where the user states."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.data.boxes import file_of
from metric_face.errors import DataError
from metric_face.progress import Say
from metric_face.visible import shell_word

if TYPE_CHECKING:
    from metric_face.data.table import ImageTable
    from metric_face.run import Run


def data_root(folder: Path, stored: str, beside: str | None, given: Path | None) -> Path:
    """The folder that the paths of a run start from.

    Args:
        folder: the run directory.
        stored: where training found the images.
        beside: the way there from the run, which holds when both were moved together.
        given: where the user states that they are.
    """
    if given is not None:
        return given
    if not Path(stored).is_dir() and beside is not None and (folder / beside).is_dir():
        return Path(os.path.normpath(folder.resolve() / beside))
    return Path(stored)


def given_root(data: str | Path) -> Path:
    """The folder that an identity names for the images.

    Raises:
        DataError: it is none.
    """
    if not Path(data).is_dir():
        raise DataError(f"--data {data}: no such folder; give the one that the run's paths start from")
    return Path(data).absolute()


def root_beside(folder: Path, stored: Path) -> Path:
    """Where a folder is now that is gone from ``stored``, if it is the one that a run's images were in."""
    from metric_face.files import read_facts

    if not (folder / "run.json").is_file():
        return stored
    facts = read_facts(folder)
    if str(stored) != facts["data_root"]:
        return stored
    return data_root(folder, facts["data_root"], facts.get("data_beside"), None)


def moved(table: "ImageTable", root: Path) -> "ImageTable":
    """The table with its images below another folder, absolute paths as :func:`relative_names` takes them."""
    if root == table.root:
        return table
    names = list(table.frame["path"])
    here = relative_names(names, table.root)
    return replace(table if here == names else table.with_column("path", here), root=root)


def base_of(names: Sequence[str], root: Path) -> Path:
    """``root`` where every absolute path is below it, else the folder that all absolute paths share."""
    absolute = [name for name in names if os.path.isabs(name)]
    if all(Path(name).is_relative_to(root) for name in absolute):
        return root
    return Path(os.path.commonpath([os.path.dirname(name) for name in absolute]))


def relative_names(names: Sequence[str], root: Path) -> list[str]:
    """The paths of a table, absolute ones taken as relative to :func:`base_of` them."""
    base = base_of(names, root)
    return [Path(n).relative_to(base).as_posix() if os.path.isabs(n) else n for n in names]


def refuse_missing(table: "ImageTable") -> None:
    """Raise one line if images of a table are not there, before the work on them begins.

    Raises:
        DataError: with how many, the first of them, and how to say where they are.
    """
    lacking = [path for path in table.paths if not file_of(path).is_file()]
    if lacking:
        raise DataError(
            f"{table.root}: {len(lacking):,} of {len(table):,} images are not there, the first {lacking[0]}; "
            "restore them, or say where they are now with --data ROOT"
        )


def report_image_state(run: "Run", say: Say, *, shown: bool = True) -> None:
    """Say in a line each how many images of the stored embeddings are missing, and how many were changed since.

    Args:
        run: with embeddings.
        say: called with each line.
        shown: whether the images are to be shown, so that a missing one matters.

    Raises:
        FileFormatError: the run has no embeddings, or they are damaged.
    """
    stored = run.embeddings(mmap=True)
    count, root = len(stored), stored.table.root
    if root != Path(run.facts["data_root"]) and run.data is None:
        say(f"images are read from {root}; run.json names {run.facts['data_root']}")
    state = stored.state()
    if len(state.missing) and shown:
        say(
            f"{len(state.missing):,} of {count:,} images are not there and are shown as missing, the first "
            f"{stored.table.paths[state.missing[0]]}; say where they are now with --data ROOT"
        )
    if len(state.changed):
        say(
            f"{len(state.changed):,} of {count:,} images were changed after they were embedded, the first "
            f"{stored.table.paths[state.changed[0]]}; run `metric-face embed {shell_word(run.folder)}` again"
        )
