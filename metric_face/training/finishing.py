"""The end of a training: the best weights become the model, ``model.onnx`` is exported, the run is sealed."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np

from metric_face.config import Config
from metric_face.data import EvalTransform, ImageTable
from metric_face.errors import ConfigError, MissingExtraError, ModelMismatchError
from metric_face.files import seal_run
from metric_face.models import EmbeddingModel, EmbeddingOnly, device_of_choice, record_onnx, save_model
from metric_face.progress import Say, duration
from metric_face.training.checkpoint_file import read_checkpoint
from metric_face.training.checkpoints import Best, chosen_checkpoint
from metric_face.training.components import Components
from metric_face.training.readiness import Readiness
from metric_face.training.start_checkpoint import model_weights


def finish_run(
    home: Path, ready: Readiness, components: Components, trainer: L.Trainer, facts: dict[str, Any], say: Say
) -> dict[str, Any]:
    """Write the model of the best epoch and what is known of the training.

    Args:
        home: the run directory.
        ready: configuration, data and plan.
        components: what was trained.
        trainer: that trained it.
        facts: of ``run.json`` so far.
        say: called with each line that the user should know of.

    Returns:
        The facts of ``run.json``, with how the training ended.

    Raises:
        ConfigError: the time was over before the first step, and the weights are random.
    """
    config, model = ready.config, components.model
    if trainer.global_step == 0 and components.before is None and components.deadline.share_used() >= 1:
        raise ConfigError(
            f"trainer.max_time={config.trainer.max_time}: was over before the first step, after "
            f"{duration(components.seconds())}, and without trained weights there is no start to keep; go on with "
            "--resume and more time"
        )
    file, best = chosen_checkpoint(components.checkpoints.folder)
    model.load_state_dict(model_weights(read_checkpoint(file)["state_dict"]))
    fingerprint = save_model(home, model, components.transform, ready.data.space, components.origin.facts)
    if config.trainer.export_onnx:
        write_onnx(home, model, components.transform, ready.plan.val, fingerprint, say)
    facts = facts | _facts_of_training(components, trainer, best, config.trainer.epochs)
    seal_run(home, facts)
    if best.epoch < 0 and facts["ended"] == "max_time" and not trainer.global_step:
        kept = ", its head trained first" if config.optimizer.head_epochs else ""
        say(
            f"trainer.max_time={config.trainer.max_time} was over before the first step: the run holds the "
            f"start{kept}, {facts['monitor']} {best.score:.3f}; go on with --resume and more time"
        )
    elif best.epoch < 0:
        kept = "with the head trained first" if config.optimizer.head_epochs else "untrained"
        say(
            f"no epoch was better than the start: {facts['monitor']} {best.score:.3f} {kept}, so the run holds "
            f"those weights; {_remedy(config)}"
        )
    for floor in components.module.objective.at_floor():
        say(str(floor))
    return facts


def _remedy(config: Config) -> str:
    """What to try where nothing that was learned helped."""
    if config.trainer.frozen:
        return "lower optimizer.lr, or train the backbone too (trainer.frozen=false)"
    if config.optimizer.head_epochs:
        return "train longer, or lower optimizer.lr"
    return "lower optimizer.lr, or train on the frozen backbone (trainer.frozen=true)"


def _facts_of_training(components: Components, trainer: L.Trainer, best: Best, epochs: int) -> dict[str, Any]:
    facts = {
        "ended": _how_it_ended(components, trainer, epochs),
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "seconds": round(components.seconds(), 1),
        "monitor": components.checkpoints.monitor,
        "best": best.score,
        "before": None if components.before is None else components.before.scores,
        "best_epoch": best.epoch,
        "device": str(device_of_choice()),
        "precision": str(trainer.precision),
    }
    signal = components.stop.signal
    if components.teacher is not None:
        facts["teacher"] = dict(components.teacher.facts)
    if facts["ended"] == "interrupted" and signal is not None:
        facts["signal"] = signal.name
    return facts


def _how_it_ended(components: Components, trainer: L.Trainer, epochs: int) -> str:
    if trainer.current_epoch >= epochs and not components.checkpoints.stopped_inside:
        return "complete"
    if components.stop.signal is not None:
        return "interrupted"
    return "max_time" if components.deadline.share_used() >= 1 else "patience"


def write_onnx(
    home: Path, model: EmbeddingModel, transform: EvalTransform, table: ImageTable, fingerprint: str, say: Say
) -> None:
    """Write ``model.onnx``, checked on eight images; without it the kNN command uses PyTorch.

    Args:
        home: the run directory, with the model saved.
        model: that was saved.
        transform: how it wants its images.
        table: N images, of which eight are looked at.
        fingerprint: of the model.
        say: called with a line where the file is not written.
    """
    try:
        from metric_face.models import export_onnx

        images = np.stack([transform(path) for path in table.sample_paths(8)])
        export_onnx(EmbeddingOnly(model), home / "model.onnx", images, fingerprint=fingerprint)
        record_onnx(home)
    except MissingExtraError:
        pass  # reported before the training
    except (ImportError, ModelMismatchError) as error:  # also a package that is there and does not load
        say(f"model.onnx is not written, the kNN command uses PyTorch: {error}")
