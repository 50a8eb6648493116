"""The index of a predictor, checked against its model, and a stamp by which a later one is noticed."""

import os
from dataclasses import dataclass
from pathlib import Path

from metric_face.averaging import model_of
from metric_face.errors import FileFormatError, ModelMismatchError
from metric_face.files import build, read_whole
from metric_face.inference.target_columns import check_codes
from metric_face.inference.target_votes import TargetVote
from metric_face.search import EmbeddingIndex
from metric_face.visible import shell_word


@dataclass(frozen=True)
class OpenedIndex:
    """An index and how its neighbors vote.

    Attributes:
        index: what is searched.
        targets: target -> how its neighbors vote.
        stamp: of the file that describes it; another one stands for another index.
    """

    index: EmbeddingIndex
    targets: dict[str, TargetVote]
    stamp: tuple[int, int, int]


def stamp_of(home: Path) -> tuple[int, int, int]:
    """The stamp of the index that a folder holds now; zeros where there is none."""
    try:
        state = os.stat(home / "index.json")
    except OSError:  # absent for a moment while a new one takes its place
        return (0, 0, 0)
    return (state.st_ino, state.st_mtime_ns, state.st_size)


def no_index(run: Path, home: Path) -> FileFormatError:
    """The error of a run without an index, with the command that builds it."""
    return FileFormatError(f"{home}: no index there; run `metric-face index {shell_word(run)}` first")


def refuse_other_model(run: Path, home: Path, made_by: str | None, fingerprint: str) -> None:
    """Refuse an index of another model than the run's.

    Raises:
        ModelMismatchError: ``made_by``, the fingerprint in the index, is not that of the run.
    """
    if made_by is None or model_of(made_by) != fingerprint:
        raise ModelMismatchError(
            f"{home}: made by model {made_by or 'unknown'}, {run} holds {fingerprint}; run "
            "'metric-face index' on this run"
        )


def open_index(run: Path, home: Path, fingerprint: str) -> OpenedIndex:
    """Read the index of a run.

    Args:
        run: the run directory, for messages.
        home: the folder of the index.
        fingerprint: of the run's model.

    Raises:
        FileFormatError: it is missing or damaged, or does not say how its neighbors vote.
        ModelMismatchError: it was made with another model.
    """
    return read_whole(home, lambda: _open(run, home, fingerprint))


def _open(run: Path, home: Path, fingerprint: str) -> OpenedIndex:
    if not home.is_dir():
        raise no_index(run, home)
    stamp = stamp_of(home)
    index = EmbeddingIndex.load(home, mmap=True)  # one image asks for a few of a million vectors
    refuse_other_model(run, home, index.fingerprint, fingerprint)
    stored = index.metadata.get("targets")
    if stored is None:
        raise FileFormatError(
            f"{home}: does not say how its neighbors vote; build it with `metric-face index {shell_word(run)}`"
        )
    targets = build(
        lambda: {name: TargetVote.from_dict(data) for name, data in stored.items()},
        home / "index.json",
        remedy=f"run `metric-face index {shell_word(run)}` again",
    )
    for name, vote in targets.items():
        check_codes(home, index, name, vote)
    return OpenedIndex(index, targets, stamp)
