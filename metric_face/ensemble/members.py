"""Candidates: what may be fused, each a file of predictions, a run, or the finished folds of one training."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.config import dump_config
from metric_face.embeddings import Predictions, read_predictions
from metric_face.errors import ArgumentError
from metric_face.folds import FoldSet, fold_runs, held_out
from metric_face.run import Run

if TYPE_CHECKING:
    from metric_face.data import LabelSpace


@dataclass(frozen=True)
class Candidate:
    """A candidate for the ensemble.

    Attributes:
        name: by which members are named.
        path: the file, the run directory, or the folder that holds the folds.
        runs: the models behind it; none behind a file.
        folds: where it is a K-fold training.
    """

    name: str
    path: Path
    runs: tuple[Run, ...] = ()
    folds: FoldSet | None = None

    def predictions(self, space: "LabelSpace") -> Predictions:
        """Predictions for images that none of its models was trained on; of a file, all that is in it."""
        if self.folds is not None:
            found = self.folds.held_out(space)
        else:
            found = held_out(self.runs[0], space) if self.runs else read_predictions(self.path, space)
        return replace(found, name=self.name)


def open_candidates(paths: Sequence[Path]) -> list[Candidate]:
    """Open files, runs, folders of folds, and folds given one by one, which belong together if all else is alike.

    Raises:
        ArgumentError: something is given twice, or folds of which none is finished.
        FileFormatError: a folder holds neither a run nor folds.
    """
    found: list[Candidate] = []
    loose: dict[str, list[Run]] = {}
    for path in paths:
        folds = fold_runs(path) if path.is_dir() else []
        if folds:
            found.append(_of_folds(path, folds))
        elif path.is_dir():
            run = Run.open(path)
            if run.config.data.split.folds is None:
                found.append(Candidate(path.resolve().name, path, (run,)))
            else:
                loose.setdefault(_all_but_the_fold(run), []).append(run)
        else:
            found.append(Candidate(path.stem, path))
    for runs in loose.values():
        homes = {run.folder.parent for run in runs}
        found.append(_of_folds(homes.pop() if len(homes) == 1 else runs[0].folder, runs))
    _refuse_repeated([run.folder for one in found for run in one.runs or (Run(one.path),)])
    # Two runs may be called alike in different folders; then the path tells them apart.
    count = Counter(one.name for one in found)
    return [one if count[one.name] == 1 else replace(one, name=str(one.path)) for one in found]


def _of_folds(home: Path, runs: list[Run]) -> Candidate:
    name = home.resolve().name
    folds = FoldSet.of(name, runs)
    return Candidate(name, home, folds.runs, folds)


def _refuse_repeated(paths: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise ArgumentError(f"{path}: must be given once, found it twice; it would outvote the others")
        seen.add(path.resolve())


def _all_but_the_fold(run: Run) -> str:
    split = run.config.data.split.model_copy(update={"fold": 0})
    data = run.config.data.model_copy(update={"split": split})
    return dump_config(run.config.model_copy(update={"data": data}))


def models_of(candidates: Sequence[Candidate]) -> tuple[Run, ...]:
    """The runs of the first candidate that has any.

    Raises:
        ArgumentError: all are files.
    """
    for one in candidates:
        if one.runs:
            return one.runs
    raise ArgumentError(
        "--truth: must be a run directory where only files are fused; its validation split chooses members"
    )
