"""fit_folds: K trainings of the same images, each holding out another fold of the identities."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from metric_face.config import Config, load_config
from metric_face.data import PreparedData, reopen_data, split_table
from metric_face.errors import ConfigError, FileFormatError
from metric_face.extraction import extract
from metric_face.files import tidy
from metric_face.folds import fold_folder, fold_runs, is_embedded, is_finished
from metric_face.processes import this_process
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run
from metric_face.training.fitting import fit
from metric_face.training.launching import launch
from metric_face.training.process_group import from_first, joined
from metric_face.training.readiness import get_ready
from metric_face.training.reporting import Reporting
from metric_face.training.resuming import ANEW, settings_to_resume
from metric_face.training.run_folder import tidy_run


def fit_folds(
    config: Config | Mapping[str, Any] | str | Path,
    folder: str | Path = "runs/latest",
    *,
    resume: bool = False,
    data: PreparedData | None = None,
    quiet: bool = False,
    say: Say = silent,
    progress: Progress = silent,
) -> list[Run]:
    """Train the folds of ``data.split.folds`` into ``folder/fold-0``, ``fold-1``, ..., one after the other.

    Each fold is a run like any other, with its embeddings; all split the same images, assigned to folds once.

    Args:
        config: a configuration whose ``data.split.folds`` is K.
        folder: where the folds go; one that holds a run or folds already is refused, unless ``resume``.
        resume: leave the finished folds, go on with the one that was stopped, and train the rest; configuration and
            images are those that the first fold started with, and ``config`` may not ask for others.
        data: images prepared before, as :func:`prepare_data` gives them for any of the folds.
        quiet: no progress bar.
        say: called with each line that the user should know of.
        progress: called with (images checked, images in all) before training starts.

    Returns:
        The folds, by number. Where one is interrupted it is the last: ``facts["ended"]`` states it.

    Raises:
        ConfigError: ``data.split.folds`` is not set, or the folder is not usable.
        DataError: the images are not.
        FileFormatError: there is nothing to resume.

    Example:
        >>> config = metric_face.load_config("small", ["data.path=photos", "data.split.folds=5"])
        >>> runs = metric_face.fit_folds(config, "runs/k")
        >>> metric_face.fuse(["runs/k"], images="test/", out="submission.csv")
    """
    home = Path(folder)
    reporting = Reporting(say, progress, quiet)
    if this_process().world_size == 1:
        config, data = _given(home, config, resume, data)
        if config.trainer.devices > 1:
            launch("fit_folds", config, reporting, folder=home, resume=resume, data=data)
            return fold_runs(home)
    with joined() as process:
        if not process.is_first:
            reporting = Reporting(quiet=True)
        settled, data = from_first(lambda: _prepared(home, config, resume, data, reporting))
        return _fit_all(settled, home, data, reporting)


def _prepared(
    home: Path,
    config: Config | Mapping[str, Any] | str | Path,
    resume: bool,
    data: PreparedData | None,
    reporting: Reporting,
) -> tuple[Config, PreparedData]:
    settled, data = _given(home, config, resume, data)
    return settled, data or get_ready(settled, progress=reporting.progress).data


def _given(
    home: Path,
    config: Config | Mapping[str, Any] | str | Path,
    resume: bool,
    data: PreparedData | None,
) -> tuple[Config, PreparedData | None]:
    """Configuration and images as they are given, or as the folds of a folder were begun with."""
    if resume and fold_runs(home):
        config, data = _as_begun(home, config)
    else:
        config = config if isinstance(config, Config) else load_config(config)
        if fold_runs(home) or (home / "config.yaml").exists():
            raise ConfigError(
                f"{home}: holds a run already; name another folder, go on with --resume, or remove it"
            )
        if resume and not config.data.path:
            raise FileFormatError(
                f"{home}: holds no folds to go on with; give the images, and they are started"
            )
    if config.data.split.folds is None:
        raise ConfigError("data.split.folds: must be the number of folds to train, such as 5; found none")
    return config, data


def _fit_all(config: Config, home: Path, data: PreparedData, reporting: Reporting) -> list[Run]:
    runs: list[Run] = []
    for fold in range(config.data.split.folds or 0):
        folder = fold_folder(home, fold)
        reporting.say(f"fold {fold + 1} of {config.data.split.folds}: {folder}")
        run = _fit_fold(_config_of(config, fold), folder, data, reporting)
        runs.append(run)
        if not is_finished(run):
            break
        from_first(partial(_complete, run))
    return runs


def _complete(run: Run) -> None:
    """Embed the images of a finished fold, and leave nothing half made."""
    if not is_embedded(run):
        extract(run, run.table, folder=run.folder / "embeddings")
    tidy_run(run.folder)
    for made in (run.folder / "embeddings", run.folder):
        tidy(made)


def _as_begun(home: Path, given: Config | Mapping[str, Any] | str | Path) -> tuple[Config, PreparedData]:
    """Configuration and images of the folds in a folder: those that the first of them started with."""
    first = fold_runs(home)[0]
    config = settings_to_resume(
        first.config,
        given,
        data_root=Path(first.facts["data_root"]),
        anew=ANEW - {"trainer.epochs", "trainer.max_time"},
        ignored=frozenset({"data.split.fold"}),
    )
    return config, reopen_data(first.table, config.data)


def _fit_fold(config: Config, home: Path, data: PreparedData, reporting: Reporting) -> Run:
    begun = from_first((home / "config.yaml").is_file)
    if begun and is_finished(Run(home)):
        return Run(home)
    table = data.table.without("split")
    split, notes = split_table(table, data.space, config.data)
    prepared = replace(data, table=split, notes=tuple(notes))
    return fit(config, home, resume=begun, data=prepared, quiet=reporting.quiet, say=reporting.say)


def _config_of(config: Config, fold: int) -> Config:
    split = config.data.split.model_copy(update={"fold": fold})
    return config.model_copy(update={"data": config.data.model_copy(update={"split": split})})
