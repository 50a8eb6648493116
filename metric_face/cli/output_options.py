"""The options that name what a command writes: each is checked while the command line is read, before any work."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from metric_face.errors import OutputError
from metric_face.files import (
    MARK,
    SUFFIX,
    FolderKind,
    check_holds_nothing_else,
    file_target,
    folder_target,
    holds_text,
)
from metric_face.training import check_run_folder
from metric_face.visible import is_text

_MAPS = ("map", "map3d", "map-new", "map3d-new")
MAP_FILES = {f"{stem}.png": MARK.encode() for stem in _MAPS}
MAP_FILES |= {f"{stem}.html": b"default-src 'none'; script-src" for stem in _MAPS}
"""What ``visualize`` writes, and what the beginning of each says of its maker."""
REPORT_FILES = {"report.html": b"default-src 'none'; script-src", "report.json": b'"metric_face.report"'}
"""The same of ``why``."""

_DEMO = ("faces", "faces.png", "run", f".*{SUFFIX}")
_RUN_FILES = {"config.yaml", "run.json", "images.parquet", "model.json", "model.safetensors", "model.onnx"}
_RUN_FILES |= {"metrics.csv", "embeddings.json", "vectors.npy", "index.json", "index.faiss", "labels.parquet"}


def text_option(*names: str, help: str) -> Any:
    """An option that names a page or a table to write."""
    return _option(_check_text, *names, help=help)


def folder_option(kind: FolderKind, *names: str, help: str, or_run: bool = False) -> Any:
    """An option that names a folder to replace whole, or where ``or_run`` says so a run directory as well."""

    def check(path: Path) -> Path:
        is_run = or_run and (path / "config.yaml").is_file()
        return check_run_folder(path) if is_run else folder_target(path, kind)

    return _option(check, *names, help=help)


def files_option(signatures: Mapping[str, bytes], *names: str, help: str) -> Any:
    """An option that names a folder for files of given names."""
    return _option(lambda path: _check_files(path, signatures), *names, help=help)


def run_option(*names: str, help: str) -> Any:
    """An option that names the run directory of a training."""
    return _option(check_run_folder, *names, help=help)


def demo_option(*names: str, help: str) -> Any:
    """An option that names the folder of a demo."""
    return _option(lambda path: check_holds_nothing_else(path, _DEMO), *names, help=help)


def check_targets(folder: Path, names: Iterable[str]) -> None:
    """Check that files of these names can be written in a folder, before any work is done for them."""
    for name in names:
        file_target(folder / name)


def check_apart(outputs: Mapping[str, Path | None], inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Check that no output is an input, or another output.

    Args:
        outputs: option -> the file it names, or None.
        inputs: files and folders that the command reads.

    Raises:
        OutputError: names the option.
    """
    taken = {os.path.realpath(path): str(path) for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        target = os.path.realpath(path)
        if target in taken:
            raise OutputError(
                f"{option}: {path} is read by this command ({taken[target]}); name another file"
            )
        taken[target] = option


def _option(check: Callable[[Path], object], *names: str, help: str) -> Any:
    def checked(path: Path | None) -> Path | None:
        if path is not None:
            _check_name(path)
            check(path)
        return path

    return typer.Option(*names, help=help, callback=checked)


def _check_name(path: Path) -> None:
    if not is_text(str(path)):
        raise OutputError(
            f"{path}: must be a name in UTF-8, which the libraries that write take; choose another"
        )


def _check_text(path: Path) -> None:
    target = file_target(path)
    if target.exists() and target.name in _RUN_FILES:
        raise OutputError(f"{path}: belongs to a run; name another file")
    if not holds_text(target):
        raise OutputError(f"{path}: holds something else than text, so it is not replaced; name another file")


def _check_files(path: Path, signatures: Mapping[str, bytes]) -> None:
    for name, signature in signatures.items():
        target = file_target(path / name)
        if target.exists():
            with open(target, "rb") as file:
                head = file.read(4096)
            if head and signature not in head:
                raise OutputError(f"{path / name}: was not written by this command; name another folder")
