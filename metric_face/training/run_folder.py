"""The directory of a training: what may become one, and one training at a time in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from metric_face.files import SUFFIX, check_holds_nothing_else, claim, place_of, tidy

_MARK = "config.yaml"
_OURS = f".*{SUFFIX}"
_BEGUN = "begun"
_FIRST_FILES = ("images.parquet", "run.json", "checkpoints", "metrics.csv")


def check_run_folder(path: str | os.PathLike[str]) -> Path:
    """Check that a folder may become a run directory, or is one.

    It is absent, empty, or holds a run or folds; or what a training left that was killed before its configuration was
    there, as its place beside the folder shows.

    Returns:
        The folder, links followed.

    Raises:
        OutputError: it holds something else, or takes no files.
    """
    target = Path(os.path.realpath(path))
    if (target / _MARK).is_file():  # whether it may be gone on with, the training decides
        return target
    killed = _FIRST_FILES if (place_of(target) / _BEGUN).exists() else ()
    return check_holds_nothing_else(path, ("fold-*", _OURS, *killed))


@contextmanager
def hold_run_folder(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a run directory for this training.

    Raises:
        OutputError: another training holds it, or it holds something else.
    """
    target = check_run_folder(path)
    new = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _claimed(target):
            yield
    finally:
        for folder in new:  # the innermost first; a start that failed leaves none
            with suppress(OSError):  # it holds the run
                folder.rmdir()


@contextmanager
def _claimed(target: Path) -> Iterator[None]:
    with claim(target, keep=(_BEGUN,)) as place:
        (place / _BEGUN).touch()
        try:
            yield
            tidy_run(target)
        finally:
            if (target / _MARK).exists() or not any((target / name).exists() for name in _FIRST_FILES):
                (place / _BEGUN).unlink(missing_ok=True)


def tidy_run(folder: Path) -> None:
    """Take away what killed trainings left half made in a run directory; an extraction that can go on is kept."""
    for place in (*folder.glob(_OURS), *(folder / "checkpoints").glob(_OURS)):
        target = place.with_name(place.name[1 : -len(SUFFIX)])
        if target.exists() and not (place / "progress.json").exists():
            tidy(target)
