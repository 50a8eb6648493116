"""The folds of a K-fold training on disk: which there are, which are finished, and what those say together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.embeddings import Predictions, pool_folds
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.files import remedy_of
from metric_face.run import Run
from metric_face.visible import shell_word

if TYPE_CHECKING:
    from metric_face.data import LabelSpace


def fold_folder(home: Path, fold: int) -> Path:
    """The run directory of one fold."""
    return home / f"fold-{fold}"


def fold_runs(home: Path) -> list[Run]:
    """The folds that were begun in a folder, by number; none where it holds no folds.

    Raises:
        FileFormatError: a fold that was trained has lost its configuration, and would be left out without a word.
    """
    numbers = [match for path in home.glob("fold-*") if (match := re.fullmatch(r"fold-(\d+)", path.name))]
    folders = [fold_folder(home, number) for number in sorted(int(match[1]) for match in numbers)]
    for folder in folders:
        if (folder / "model.safetensors").exists() and not (folder / "config.yaml").is_file():
            raise FileFormatError(
                f"{folder / 'config.yaml'}: missing; {remedy_of(folder)}, or remove {folder}"
            )
    return [Run(folder) for folder in folders if (folder / "config.yaml").is_file()]


def is_finished(run: Run) -> bool:
    """Whether a training came to its end: all epochs, its ``max_time`` or its ``patience``.

    Raises:
        FileFormatError: ``run.json`` is damaged.
    """
    if not (run.folder / "run.json").exists():
        return False
    ended = run.facts.get("ended")
    return ended not in (None, "interrupted") and (run.folder / "model.safetensors").is_file()


def is_embedded(run: Run) -> bool:
    """Whether the run has stored embeddings, of whichever weights."""
    return (run.folder / "embeddings" / "embeddings.json").is_file()


@dataclass(frozen=True)
class FoldSet:
    """The folds of one training, as many as are finished.

    Attributes:
        name: of the training.
        runs: the finished folds, with embeddings.
        num_folds: K.
        waiting: the others that were begun, and why each has to wait, one line each.
    """

    name: str
    runs: tuple[Run, ...]
    num_folds: int
    waiting: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, runs: Sequence[Run]) -> "FoldSet":
        """Sort out the finished ones.

        Raises:
            ArgumentError: none is finished, one is given twice, or a run is no fold.
        """
        by_number: dict[int, Run] = {}
        for run in runs:
            split = run.config.data.split
            if split.folds is None:
                raise ArgumentError(f"{run.folder}: is no fold; its configuration has no data.split.folds")
            if split.fold in by_number:
                twice = f"{by_number[split.fold].folder} and {run.folder}"
                raise ArgumentError(f"{name}: fold {split.fold} must be given once, found {twice}")
            by_number[split.fold] = run
        _check_alike(name, list(by_number.values()))
        waiting = [f"{run.folder}: not finished" for run in runs if not is_finished(run)]
        finished = [run for run in runs if is_finished(run)]
        waiting += [
            f"{run.folder}: not embedded; run `metric-face embed {shell_word(run.folder)}`"
            for run in finished
            if not is_embedded(run)
        ]
        ready = tuple(run for run in finished if is_embedded(run))
        if not ready:
            raise ArgumentError(f"{name}: needs a fold that is finished; {waiting[0]}")
        return cls(name, ready, ready[0].config.data.split.folds or len(ready), tuple(waiting))

    def __str__(self) -> str:
        return f"{self.name}: {len(self.runs)} of {self.num_folds} folds"

    def held_out(self, space: "LabelSpace") -> Predictions:
        """What the finished folds say of images that they were not trained on, in the classes of ``space``."""
        predicted = [held_out(run, space) for run in self.runs]
        by: dict[str, Run] = {}
        for run, predictions in zip(self.runs, predicted, strict=True):
            for image in predictions.images.tolist():
                if image in by:
                    raise ArgumentError(
                        f"{self.name}: {image!r} is held out by {by[image].folder} and by {run.folder}; "
                        "fuse folds of one training"
                    )
                by[image] = run
        return pool_folds(self.name, predicted)


def _check_alike(name: str, runs: Sequence[Run]) -> None:
    """Refuse folds of trainings that deal the images into different numbers of folds."""
    counts = [run.config.data.split.folds for run in runs]
    other = next((place for place, count in enumerate(counts) if count != counts[0]), None)
    if other is not None:
        raise ArgumentError(
            f"{name}: must be folds of one training, found {counts[0]} folds in {runs[0].folder} and {counts[other]} "
            f"in {runs[other].folder}; fuse them apart"
        )


def held_out(run: Run, space: "LabelSpace") -> Predictions:
    """What a run's classifiers say of its images outside the training part, in the classes of ``space``.

    Raises:
        ArgumentError: the run has no classifiers of the attributes.
        DataError: its classes are others.
        FileFormatError: ``metric-face embed`` has not been run.
    """
    stored = run.embeddings()
    unseen = stored.take((stored.table.frame["split"] != "train").to_numpy())
    if run.space is None:
        raise ArgumentError(f"{run.folder}: the run has no attributes; it was trained on identities alone")
    return Predictions.of_embeddings(run.folder.name, unseen, run.space).aligned(run.space, space)
