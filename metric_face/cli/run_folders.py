"""Run folders that count up: runs/1, runs/2, ...; other commands take the newest."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

RUNS, LATEST = Path("runs"), Path("runs/latest")
_MARKS = ("config.yaml", "fold-0/config.yaml")


def newest_run(root: Path = RUNS) -> Path:
    """The run or folds begun last; ``runs/latest`` where there is none."""
    begun = {
        folder: max((folder / mark).stat().st_mtime_ns for mark in _MARKS if (folder / mark).is_file())
        for folder in (root.iterdir() if root.is_dir() else ())
        if any((folder / mark).is_file() for mark in _MARKS)
    }
    return max(begun, key=lambda folder: (begun[folder], folder.name)) if begun else root / LATEST.name


def or_newest(context: typer.Context, parameter: typer.CallbackParam, value: Path) -> Path:
    """The run that was named, else the newest."""
    source = context.get_parameter_source(parameter.name or "")
    return newest_run() if source is not None and source.name == "DEFAULT" else value


@contextmanager
def folder_to_train(given: Path | None, resume: bool) -> Iterator[Path]:
    """The folder named; else the newest run to resume, or the next number, whose folder is gone if nothing began."""
    if given is not None or resume:
        yield given or newest_run()
        return
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # every process must come to the same folder
        yield LATEST
        return
    folder = _next_number()
    try:
        yield folder
    finally:
        for empty in (folder, RUNS):
            with suppress(OSError):  # it holds something
                empty.rmdir()


def _next_number(root: Path = RUNS) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    number = max((int(one.name) for one in root.iterdir() if one.name.isdecimal()), default=0) + 1
    while True:  # another training may take the number meanwhile
        with suppress(FileExistsError):
            (root / str(number)).mkdir()
            return root / str(number)
        number += 1
