"""The objects that a training is made of: network, loss, loaders and the callbacks that end or record it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from metric_face.config import Config
from metric_face.configuring import parse_duration
from metric_face.data import EvalTransform, LabelSpace
from metric_face.errors import ConfigError
from metric_face.losses import ranks
from metric_face.models import EmbeddingModel
from metric_face.training.before_training import Before, measure_start, resume_start
from metric_face.training.callbacks import Deadline
from metric_face.training.checkpoints import Checkpoints, Start
from metric_face.training.compiling import compiled
from metric_face.training.feasible import monitored
from metric_face.training.frozen import freeze_backbone
from metric_face.training.head_kinds import head_kinds, head_numbers
from metric_face.training.loaders import train_loader, validation_loader
from metric_face.training.module import TrainingModule
from metric_face.training.objective import build_objective
from metric_face.training.readiness import Readiness
from metric_face.training.reporting import Reporting
from metric_face.training.start_checkpoint import check_same_run, identity_of_run
from metric_face.training.starting import StartingPoint, transform_of
from metric_face.training.stopping import GracefulStop
from metric_face.training.teacher import Teacher, load_teacher
from metric_face.training.unread import freeze_unread

_EXPORT = 15.0
"""Seconds that ``model.onnx`` takes about; they are kept for it where there is a time limit."""


@dataclass(frozen=True)
class Components:
    """One training, built and not yet started.

    Attributes:
        module: the network with its joint loss.
        transform: what validation and inference do to an image.
        origin: the weights that the network starts from.
        train, val: the loaders.
        deadline, stop, checkpoints: the callbacks that know how the training ended.
        teacher: what a teacher makes of the images; None without one.
        before: what the start gives on validation; None where the backbone starts from scratch.
        started: `time.monotonic()` when the training was called.
    """

    module: TrainingModule
    transform: EvalTransform
    origin: StartingPoint
    train: DataLoader[Any]
    val: DataLoader[Any]
    deadline: Deadline
    stop: GracefulStop
    checkpoints: Checkpoints
    before: Before | None
    teacher: Teacher | None
    started: float

    def seconds(self) -> float:
        """Seconds since the training was called."""
        return time.monotonic() - self.started

    @property
    def model(self) -> EmbeddingModel:
        return self.module.model


def build_components(
    ready: Readiness, origin: StartingPoint, home: Path, start: Start, reporting: Reporting, since: float
) -> Components:
    """Build what a training needs from its checked configuration and data.

    Args:
        ready: configuration, data and plan.
        origin: the weights to start from.
        home: the run directory.
        start: where a resumed run goes on.
        reporting: where to report what the weights are, and what they give before training.
        since: ``time.monotonic()`` when the training was called, from which ``trainer.max_time`` counts.
    """
    config, plan = ready.config, ready.plan
    transform = transform_of(config)
    heads = head_sizes(ready.data.space, config)
    numbers = head_numbers(config, ready.data.space, plan.train)
    model = origin.build(config, heads, reporting.say, head_kinds(config, ready.data.space, numbers))
    teacher = load_teacher(ready, home, heads, reporting)
    objective = build_objective(
        config.loss,
        plan.codes,
        plan.sampler.epoch_batches(0).ravel(),
        heads,
        embedding_size=model.embedding_size,
        teacher=teacher,
        distilled=config.teacher,
        numbers=numbers,
    )
    if config.trainer.frozen:
        freeze_backbone(model)
    if ranks() > 1:
        freeze_unread(model, transform.size)
    before = None
    run = identity_of_run(config, plan.train, plan.val)
    if start.file is not None:
        check_same_run(start, run)
        before = resume_start(model, transform, ready, home, start.file, reporting)
    elif config.trainer.frozen or origin.trained:
        before = measure_start(model, transform, ready, home, reporting)
    if config.trainer.frozen and before is not None:
        train, val = before.train_batches(ready), before.val_batches(ready)
    else:
        train = train_loader(plan.train, transform, plan.codes, plan.sampler, config)
        val = validation_loader(plan.val, transform, plan.val_codes, config)
    deadline = Deadline(
        parse_duration(config.trainer.max_time),
        since=since,
        after=_EXPORT if config.trainer.export_onnx else 0.0,
        validation=0.0 if before is None else before.validation,
    )
    monitor = monitored(config, ready.data)
    return Components(
        module=TrainingModule(
            model,
            objective,
            config,
            ready.data.space,
            deadline.share_used,
            log_every=min(10, len(plan.sampler)),
            network=compiled(model) if config.trainer.compile and not config.trainer.frozen else None,
        ),
        transform=transform,
        origin=origin,
        train=train,
        val=val,
        deadline=deadline,
        stop=GracefulStop(),
        before=before,
        teacher=teacher,
        checkpoints=Checkpoints(
            home / "checkpoints", monitor, plan.sampler, train.dataset, start.best, run=run
        ),
        started=since,
    )


def head_sizes(space: LabelSpace | None, config: Config) -> dict[str, int]:
    """The number of classes of each head, by name.

    Raises:
        ConfigError: there are neither heads nor a metric loss, so there is nothing to learn.
    """
    if space is None or config.model.heads == "none":
        if config.loss.metric == "none":
            raise ConfigError(
                "loss.metric=none: without attributes there is nothing to learn; set data.attributes"
            )
        return {}
    if config.model.heads == "joint":
        return {"joint": space.num_classes}
    return {attribute.name: attribute.num_classes for attribute in space.attributes}
