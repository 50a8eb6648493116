"""Everything that is checked before a model is trained, in one list: the training and the audit both go through it."""

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from metric_face.config import Config, SamplerConfig
from metric_face.data import PreparedData, prepare_data
from metric_face.errors import ConfigError, MissingExtraError
from metric_face.processes import this_process
from metric_face.progress import Progress, Say, silent
from metric_face.samplers import random_states_kept
from metric_face.training.compiling import check_compiler
from metric_face.training.feasible import check_feasible
from metric_face.training.loggers import check_logger
from metric_face.training.teacher_run import open_teacher
from metric_face.training.training_plan import TrainingPlan, plan_training

_ONLY_WITH = {
    "identity": ("identities", "instances", "coverage", "singletons", "spread"),
    "shuffled": ("batch_size",),
}
"""Settings of ``sampler`` that only one kind of batches uses."""

_PLAIN = ("resnet10t", "resnet18", "resnet26", "resnet34", "resnet50", "tf_efficientnet_lite0")
_LEAST_SIDE = 32
"""Backbones, those of the recipes among them, and the side from which on they take images of every size: they need no
trial, for which PyTorch and timm would be loaded. The tests try them."""


@dataclass(frozen=True)
class Readiness:
    """What a training begins with.

    Attributes:
        config: settled.
        data: the images with their split.
        plan: the batches, and what is read of them.
    """

    config: Config
    data: PreparedData
    plan: TrainingPlan


def get_ready(
    config: Config,
    data: PreparedData | None = None,
    *,
    say: Say = silent,
    progress: Progress = silent,
    prepared: Callable[[PreparedData], object] = lambda data: None,
) -> Readiness:
    """Check settings, then labels, then images: what costs nothing comes first.

    Args:
        config: of a run.
        data: images prepared before; without them, those of the configuration are.
        say: called with each line that should be known of the settings.
        progress: called with (images checked, images in all).
        prepared: called with the images once they are split, before the last checks.

    Raises:
        MetricFaceError: whatever a training refuses.
    """
    for line in check_settings(config):
        say(line)
    data = data or prepare_data(
        config.data,
        progress=progress,
        first=lambda found: check_feasible(config.settled(found.space is not None), found),
    )
    prepared(data)
    config = config.settled(data.space is not None)
    for line in check_feasible(config, data):
        say(line)
    return Readiness(config, data, plan_training(data, config))


def check_settings(config: Config) -> list[str]:
    """Refuse what needs no image to be refused: processes, packages, teacher, backbone, weights.

    Published weights (``model.pretrained``) are not fetched.

    Returns:
        What should be known, one line each.

    Raises:
        ConfigError: the settings cannot be had on this machine, the teacher is no finished run, or the backbone takes
            no images of this size.
        MissingExtraError: a package that they ask for is not installed.
        ArgumentError: the backbone is not known.
        FileFormatError: ``model.weights`` cannot be read, or is of another backbone.
    """
    if config.trainer.compile:
        check_compiler()
    check_devices(config)
    open_teacher(config)
    _check_packages(config)
    _check_backbone(config)
    lines = _unused(config)
    if config.trainer.export_onnx and not all(map(_is_installed, ("onnx", "onnxscript", "onnxruntime"))):
        lines.append(
            "model.onnx will not be written: pip install 'metric_face[train]', and the kNN command starts in under a "
            "second"
        )
    return lines


def check_devices(config: Config) -> None:
    """Refuse more processes than there are GPUs, or others than a launcher started, and what works in one alone.

    Raises:
        ConfigError: ``trainer.devices`` or ``loss.surgery`` cannot be had.
    """
    wanted = config.trainer.devices
    if wanted:
        import torch

        from metric_face.models import device_of_choice

        if device_of_choice().type == "cuda" and wanted > torch.cuda.device_count():
            raise ConfigError(
                f"trainer.devices={wanted}: this machine has {torch.cuda.device_count()} GPUs; take fewer, or 0"
            )
    process = this_process()
    if wanted and process.world_size > 1 and wanted != process.local_world_size:
        raise ConfigError(
            f"trainer.devices={wanted}: the launcher started {process.local_world_size} processes on this machine; set "
            "it to 0, and the launcher decides"
        )
    if config.loss.surgery != "none" and max(process.world_size, wanted) > 1:
        raise ConfigError(
            f"loss.surgery={config.loss.surgery}: works in one process; set it to none, or train in one"
        )


def _check_packages(config: Config) -> None:
    named = [config.loss.metric, *(one.metric for one in config.loss.also)]
    theirs = next((name for name in named if name.startswith("pml.")), None)
    if theirs is not None and not _is_installed("pytorch_metric_learning"):
        raise MissingExtraError(
            f"loss.metric={theirs}: pytorch-metric-learning is not installed; "
            "pip install pytorch-metric-learning, or set loss.metric=triplet"
        )
    for name in config.trainer.loggers:
        check_logger(name, "trainer.loggers")


def _check_backbone(config: Config) -> None:
    """Make the backbone at its size and fill it with a local file; nothing is fetched but what a name stands for."""
    model, size = config.model, config.data.size
    large = size == "auto" or min(size) >= _LEAST_SIDE
    if model.backbone in _PLAIN and large and model.weights is None and model.pooling != "token":
        return
    from metric_face.training.starting import choose_start

    alone = config.model_copy(update={"model": config.model.model_copy(update={"pretrained": False})})
    settled, start = choose_start(alone, lambda line: None)
    with random_states_kept(), warnings.catch_warnings(action="ignore"):
        start.build(settled, {}, lambda line: None)


def _unused(config: Config) -> list[str]:
    """The settings of the batches that differ from their defaults and are not used."""
    sampler, default = config.sampler, SamplerConfig()
    names = [name for kind, own in _ONLY_WITH.items() if kind != sampler.batches for name in own]
    if sampler.batches == "identity" and not (sampler.identities and sampler.instances):
        names = []  # the size of a batch settles what is left open of identities and instances
    idle = [name for name in names if getattr(sampler, name) != getattr(default, name)]
    lines = []
    if idle:
        settings = ", ".join(f"sampler.{name}={getattr(sampler, name)}" for name in idle)
        lines.append(f"{settings}: not used with sampler.batches={sampler.batches}")
    if config.trainer.compile and config.trainer.frozen:
        lines.append("trainer.compile=True: not used with trainer.frozen=True, which trains no backbone")
    if config.identity_batches and not sampler.spread and config.loss.label == "identity":
        lines.append("sampler.spread=False: not used with loss.label=identity")
    return lines


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
