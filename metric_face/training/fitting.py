"""fit: from a configuration to a run directory."""

import logging
import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, RichProgressBar

from metric_face import __version__
from metric_face.config import Config, dump_config, load_config
from metric_face.configuring import parse_duration
from metric_face.data import EvalTransform, ImageTable, PreparedData, reopen_data
from metric_face.errors import ConfigError, FileFormatError, MissingExtraError, ModelMismatchError
from metric_face.files import begin_run, check_run, seal_run
from metric_face.models import (
    EmbeddingModel,
    EmbeddingOnly,
    device_of_choice,
    load_backbone,
    save_model,
    training_dtype,
    vouch_for_onnx,
)
from metric_face.run import Run
from metric_face.training.callbacks import Deadline
from metric_face.training.checkpoint_file import CheckedFiles, read_checkpoint
from metric_face.training.checkpoints import Checkpoints, Start, chosen_checkpoint, find_start
from metric_face.training.conflict_callback import ConflictCallback
from metric_face.training.csv_log import RunLog
from metric_face.training.feasible import monitored
from metric_face.training.loaders import train_loader, validation_loader
from metric_face.training.manners import process_kept
from metric_face.training.module import TrainingModule
from metric_face.training.objective import build_objective
from metric_face.training.readiness import Readiness, get_ready
from metric_face.training.resuming import settings_to_resume
from metric_face.training.run_folder import hold_run_folder
from metric_face.training.stopping import GracefulStop

Say = Callable[[str], object]


@process_kept()
def fit(
    config: Config | Mapping[str, Any] | str | Path,
    folder: str | Path = "runs/latest",
    *,
    resume: bool = False,
    data: PreparedData | None = None,
    quiet: bool = False,
    say: Say = lambda line: None,
    checking: Callable[[int, int], object] | None = None,
) -> Run:
    """Train an embedding and write a run.

    Args:
        config: a configuration, a mapping, a YAML file or the name of a recipe.
        folder: the run directory; one that holds a run already is refused, unless ``resume``.
        resume: go on with an interrupted run exactly where its last checkpoint was; the configuration is the
            run's own, and what ``config`` may change is how long it trains, ``trainer.epochs`` and
            ``trainer.max_time``, and what changes no weight. A run without a checkpoint starts over.
        data: images prepared before, as :func:`prepare_data` gives them.
        quiet: no progress bar.
        say: called with each line that a person should know of.
        checking: called with (images checked, images in all) before training starts.

    Returns:
        The run, with the best weights in place. A training ended by Ctrl-C or its ``max_time`` returns what was
        learnt; ``run.facts["ended"]`` says how it ended, and ``run.facts["signal"]`` by which signal. A signal
        before the first step, or after the last, is left to the process's own handler.

    Raises:
        ConfigError: the configuration, or the folder, is not usable.
        DataError: the images are not.
        FileFormatError: there is nothing to resume, or its checkpoints are damaged.
        TrainingError: the loss or a gradient is not finite.
        OutputError: the folder holds something else, or another training writes it.
    """
    with hold_run_folder(folder) if _rank() == 0 else nullcontext():
        return _fit(config, Path(folder), resume, data, quiet, say, checking)


def _fit(
    config: Config | Mapping[str, Any] | str | Path,
    home: Path,
    resume: bool,
    data: PreparedData | None,
    quiet: bool,
    say: Say,
    checking: Callable[[int, int], object] | None,
) -> Run:
    config = _resolve(config, home, resume)
    _quieten()
    L.seed_everything(config.seed, workers=True, verbose=False)
    begun, start = resume and (home / "config.yaml").is_file(), Start()
    if resume:
        start = find_start(home / "checkpoints", say)
    if begun:
        check_run(home)
        if start.file is None:
            say(f"{home}: stopped before its first checkpoint; starts over")
        data = reopen_data(Run(home).table, config.data)  # the images and the split that it started with
    ready = get_ready(config, data, say=say, checking=checking)
    config, data = ready.config, ready.data
    for line in (*data.dropped, *data.notes):
        say(line)
    facts: dict[str, Any] = {
        "data_root": str(data.table.root.resolve()),
        "dropped": list(data.dropped),
        "notes": list(data.notes),
        "versions": {
            "metric_face": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    if _rank() == 0:
        home.mkdir(parents=True, exist_ok=True)
        begin_run(home, facts, dump_config(config), None if begun else data.table.save)
    return _train(ready, home, start, quiet, say, facts)


def _train(
    ready: Readiness,
    home: Path,
    start: Start,
    quiet: bool,
    say: Say,
    facts: dict[str, Any],
) -> Run:
    started = time.monotonic()
    config, data, plan = ready.config, ready.data, ready.plan
    train, val, codes, val_codes, sampler = plan.train, plan.val, plan.codes, plan.val_codes, plan.sampler
    transform = EvalTransform(config.data.size, config.data.crop)
    heads = _head_sizes(data, config)
    model = EmbeddingModel(
        config.model.backbone,
        heads,
        embedding_size=config.model.embedding_size,
        neck=config.model.neck,
        dropout=config.model.dropout,
        pretrained=config.model.pretrained,
    )
    if config.model.weights is not None:
        load_backbone(model, config.model.weights)
    objective = build_objective(
        config.loss, codes, sampler.epoch_batches(0).ravel(), heads, embedding_size=model.embedding_size
    )
    loader = train_loader(train, transform, codes, sampler, config)
    deadline, stop = Deadline(parse_duration(config.trainer.max_time)), GracefulStop()
    module = TrainingModule(
        model, objective, config, data.space, deadline.share_used, log_every=min(10, len(sampler))
    )
    monitor = monitored(config, data)
    folder = home / "checkpoints"
    checkpoints = Checkpoints(folder, monitor, sampler, loader.dataset, start.best)
    callbacks: list[L.Callback] = [deadline, stop, checkpoints]
    if config.loss.probe_every:
        callbacks.append(ConflictCallback(config.loss.probe_every, 50 * config.loss.probe_every))
    if config.trainer.ema:
        callbacks.append(EMAWeightAveraging(decay=config.trainer.ema))
    if config.trainer.patience:
        callbacks.append(EarlyStopping(monitor, mode="max", patience=config.trainer.patience))
    if not quiet:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}))
    log = RunLog(home / "metrics.csv", start.step)
    device = device_of_choice()
    dtype = training_dtype(model, config.data.size, device, config.trainer.precision, say)
    trainer = L.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=_devices(config),
        strategy="ddp" if _world_size() > 1 or _devices(config) > 1 else "auto",
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        precision="bf16-mixed" if dtype == torch.bfloat16 else "32-true",
        max_epochs=config.trainer.epochs,
        accumulate_grad_batches=config.optimizer.accumulate,
        gradient_clip_val=config.optimizer.clip or None,
        callbacks=callbacks,
        plugins=[CheckedFiles()],
        logger=[log, *_loggers(config, home)],
        log_every_n_steps=module.log_every,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_progress_bar=not quiet,
        enable_model_summary=False,
        default_root_dir=home,
    )
    with stop:
        trainer.fit(
            module,
            loader,
            validation_loader(val, transform, val_codes, config),
            ckpt_path=start.file,
            weights_only=True,
        )
    if trainer.is_global_zero:
        file, best = chosen_checkpoint(folder)
        model.load_state_dict(_model_weights(read_checkpoint(file)["state_dict"]))
        fingerprint = save_model(home, model, transform, data.space)
        if config.trainer.export_onnx:
            _export(home, model, transform, fingerprint, val, say)
        facts |= {
            "ended": _how_it_ended(trainer, checkpoints, stop, deadline, config),
            "epochs": trainer.current_epoch,
            "steps": trainer.global_step,
            "seconds": round(time.monotonic() - started, 1),
            "monitor": monitor,
            "best": best.score,
            "best_epoch": best.epoch,
            "device": str(device),
            "precision": str(trainer.precision),
        }
        if facts["ended"] == "interrupted" and stop.signal is not None:
            facts["signal"] = stop.signal.name
        seal_run(home, facts)
        for floor in objective.at_floor():
            say(str(floor))
    if facts.get("ended") == "complete":
        stop.hand_on()
    return Run.open(home)


def _export(
    home: Path, model: EmbeddingModel, transform: EvalTransform, fingerprint: str, val: ImageTable, say: Say
) -> None:
    """Write ``model.onnx``, checked on real images; where that cannot be, the kNN command uses PyTorch."""
    images = np.stack([transform(path) for path in val.paths[:: max(1, len(val) // 8)][:8]])
    try:
        from metric_face.models import export_onnx

        export_onnx(EmbeddingOnly(model), home / "model.onnx", images, fingerprint=fingerprint)
        vouch_for_onnx(home)
    except MissingExtraError:
        pass  # was said before the training
    except ModelMismatchError as error:
        say(f"model.onnx is not written, the kNN command uses PyTorch: {error}")


def _resolve(config: Config | Mapping[str, Any] | str | Path, home: Path, resume: bool) -> Config:
    begun = (home / "config.yaml").is_file()
    if resume and begun:
        run = Run(home)
        return settings_to_resume(run.config, config, data_root=Path(run.facts["data_root"]))
    resolved = config if isinstance(config, Config) else load_config(config)
    if resume and not resolved.data.path:
        raise FileFormatError(f"{home}: holds no run to go on with; give the images, and it is started")
    if begun and _rank() == 0:  # others may come when the first has begun
        raise ConfigError(
            f"{home}: holds a run already; name another folder, go on with --resume, or remove it"
        )
    return resolved


def _head_sizes(data: PreparedData, config: Config) -> dict[str, int]:
    if data.space is None or config.model.heads == "none":
        if config.loss.metric == "none":
            raise ConfigError(
                "loss.metric=none: without attributes there is nothing to learn; set data.attributes"
            )
        return {}
    if config.model.heads == "joint":
        return {"joint": data.space.num_classes}
    return {attribute.name: attribute.num_classes for attribute in data.space.attributes}


def _how_it_ended(
    trainer: L.Trainer, checkpoints: Checkpoints, stop: GracefulStop, deadline: Deadline, config: Config
) -> str:
    if trainer.current_epoch >= config.trainer.epochs and not checkpoints.stopped_inside:
        return "complete"
    if stop.signal is not None:
        return "interrupted"
    return "max_time" if deadline.share_used() >= 1 else "patience"


def _model_weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix("model."): value for name, value in state.items() if name.startswith("model.")}


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _devices(config: Config) -> int:
    return config.trainer.devices or int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _loggers(config: Config, home: Path) -> list[Any]:
    return [_tensorboard(home) if name == "tensorboard" else _wandb(home) for name in config.trainer.loggers]


def _tensorboard(home: Path) -> Any:
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(home / "tensorboard", name="", version="")


def _wandb(home: Path) -> Any:
    from lightning.pytorch.loggers import WandbLogger

    return WandbLogger(save_dir=home, project="metric_face", name=home.name)


def _quieten() -> None:
    """Lightning's advice on hardware and workers is about its own use; what matters here is said by us."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning.*")
