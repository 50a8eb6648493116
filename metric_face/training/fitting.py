"""fit: from a configuration to a run directory."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import lightning as L

from metric_face.config import Config, dump_config
from metric_face.data import PreparedData, reopen_data
from metric_face.files import begin_run, check_run
from metric_face.processes import Process, this_process
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run
from metric_face.training.before_training import Before
from metric_face.training.checkpoints import Start, find_start
from metric_face.training.components import Components, build_components
from metric_face.training.epoch_lines import describe_epoch
from metric_face.training.finishing import finish_run
from metric_face.training.head_first import settle_head_first, train_head_first
from metric_face.training.launching import launch
from metric_face.training.process_group import from_first, joined
from metric_face.training.process_state import process_restored, quieten_lightning
from metric_face.training.readiness import Readiness, get_ready
from metric_face.training.reporting import Reporting
from metric_face.training.resuming import check_processes, resolve_config
from metric_face.training.run_facts import dropped_lines, first_facts
from metric_face.training.run_folder import hold_run_folder
from metric_face.training.start_checkpoint import keep_start
from metric_face.training.starting import StartingPoint, choose_start, resumed_start
from metric_face.training.teacher_run import check_same_teacher, facts_of_teacher
from metric_face.training.trainer import build_trainer


@process_restored()
def fit(
    config: Config | Mapping[str, Any] | str | Path,
    folder: str | Path = "runs/latest",
    *,
    resume: bool = False,
    data: PreparedData | None = None,
    quiet: bool = False,
    say: Say = silent,
    progress: Progress = silent,
) -> Run:
    """Train an embedding and write a run.

    Args:
        config: a configuration, a mapping, a YAML file or the name of a recipe.
        folder: the run directory; one that holds a run already is refused, unless ``resume``.
        resume: continue an interrupted run exactly at its last checkpoint; the configuration is the
            run's own, and ``config`` may only change how long it trains, ``trainer.epochs`` and
            ``trainer.max_time``, and what changes no weight. A run without a checkpoint starts over.
        data: images prepared before, as :func:`prepare_data` gives them.
        quiet: no progress bar.
        say: called with each line that the user should know of.
        progress: called with (images done, images in all) before training starts: while images are checked, and while
            the features of a pretrained backbone are computed.

    Returns:
        The run, with the best weights in place. A training ended by Ctrl-C or its ``max_time``, which counts from the
        call, returns what was learned; ``run.facts["ended"]`` states how it ended, and ``run.facts["signal"]`` by which
        signal. A signal before the first step, or after the last, is left to the process's own handler.

    Raises:
        ConfigError: the configuration, or the folder, is not usable; or ``trainer.max_time`` is over before the first
            step, and there are no trained weights to keep.
        DataError: the images are not.
        FileFormatError: there is nothing to resume, or its checkpoints are damaged.
        TrainingError: the loss or a gradient is not finite.
        OutputError: the folder holds something else, or another training writes it.

    Example:
        >>> config = metric_face.load_config("small", ["data.path=photos", "loss.label=joint"])
        >>> run = metric_face.fit(config, "runs/first")
        >>> run.facts["best"]
        0.812
    """
    home, since = Path(folder), monotonic()
    if this_process().world_size == 1:
        config = resolve_config(config, home, resume)
        if config.trainer.devices > 1:
            given = {"folder": home, "resume": resume, "data": data}
            launch("fit", config, Reporting(say, progress, quiet), **given)
            return Run.open(home)
    with joined() as process, hold_run_folder(folder) if process.is_first else nullcontext():
        reporting = Reporting(say, progress, quiet) if process.is_first else Reporting(quiet=True)
        quieten_lightning()
        begun = from_first(lambda: _begin(config, home, resume, data, process, reporting))
        return _train(begun, home, reporting, process, since)


@dataclass(frozen=True)
class _Begun:
    """What the first process found and settled, and the others are told."""

    ready: Readiness
    origin: StartingPoint
    start: Start
    facts: dict[str, Any]


def _begin(
    config: Config | Mapping[str, Any] | str | Path,
    home: Path,
    resume: bool,
    data: PreparedData | None,
    process: Process,
    reporting: Reporting,
) -> _Begun:
    """Settle the training and begin its run directory; nothing is written before all is checked."""
    say = reporting.say
    config = resolve_config(config, home, resume)
    start = find_start(home / "checkpoints", say) if resume else Start()
    begun = resume and (home / "config.yaml").is_file()
    if begun:
        data = _data_as_begun(home, config, start, process, say)
    ready = get_ready(config, data, say=say, progress=reporting.progress)
    if begun and start.file is not None:
        origin = resumed_start(Run(home).facts, ready.config)
    else:
        settled, origin = choose_start(ready.config, say)
        batches = len(ready.plan.sampler.epoch_batches(0))
        ready = replace(ready, config=settle_head_first(settled, origin.trained, batches, say))
    facts = {**first_facts(ready.data), "processes": process.world_size, "start": dict(origin.facts)}
    facts |= facts_of_teacher(ready.config)
    if begun:
        check_same_teacher(home, Run(home).facts, facts)
    for line in (*dropped_lines(ready.data.dropped, home), *ready.data.notes):
        say(line)
    home.mkdir(parents=True, exist_ok=True)
    begin_run(home, facts, dump_config(ready.config), None if begun else ready.data.table.save)
    return _Begun(ready, origin, start, facts)


def _train(begun: _Begun, home: Path, reporting: Reporting, process: Process, since: float) -> Run:
    """Build, train and finish."""
    ready, start, facts = begun.ready, begun.start, begun.facts
    L.seed_everything(ready.config.seed, workers=True, verbose=False)
    components = build_components(ready, begun.origin, home, start, reporting, since)
    if start.file is None and components.before is not None:
        _keep_start(components, components.before, ready, reporting.say, process)
    reporting.say(describe_epoch(ready.plan))
    trainer = build_trainer(ready.config, components, home, start, reporting)
    with components.stop:
        trainer.fit(
            components.module, components.train, components.val, ckpt_path=start.file, weights_only=True
        )
    facts = from_first(lambda: finish_run(home, ready, components, trainer, facts, reporting.say))
    if facts.get("ended") == "complete":
        components.stop.hand_on()  # a signal that arrived too late to stop the training
    return Run.open(home)


def _keep_start(components: Components, before: Before, ready: Readiness, say: Say, process: Process) -> None:
    """Score the weights before the first step on images, the head trained first, as a candidate for the best."""
    module, checkpoints = components.module, components.checkpoints
    scores: Mapping[str, float] = module.score(before.val_batches(ready))
    if ready.config.optimizer.head_epochs:
        scores = train_head_first(module, before, ready, scores, checkpoints.monitor, say)
    if checkpoints.monitor in scores and process.is_first:
        state, score = module.state_dict(), scores[checkpoints.monitor]
        keep_start(checkpoints.folder, state, score, before.scores)
        say(f"epoch 0: {checkpoints.monitor} {scores[checkpoints.monitor]:.3f}")


def _data_as_begun(home: Path, config: Config, start: Start, process: Process, say: Say) -> PreparedData:
    """The images and the split that a resumed run started with."""
    check_run(home)
    if start.file is not None:
        check_processes(home, Run(home).facts, process)
    else:
        say(f"{home}: stopped before its first checkpoint; starts over")
    told = Run(home).facts  # what was left out at the start is still left out
    return replace(reopen_data(Run(home).table, config.data), dropped=tuple(told.get("dropped", ())))
