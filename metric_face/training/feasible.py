"""What a configuration asks of these data, checked before anything is written or trained."""

from typing import TYPE_CHECKING

import numpy as np

from metric_face.batches import METRIC, ShuffledBatches, label_columns, make_sampler
from metric_face.config import Config
from metric_face.configuring import PER_ATTRIBUTE
from metric_face.errors import ConfigError
from metric_face.processes import this_process
from metric_face.training.head_kinds import check_head_kinds

if TYPE_CHECKING:
    from metric_face.data import PreparedData
    from metric_face.samplers import RandomIdentitySampler

LEAST_REACHED = 0.01
"""Share of its weight that a loss must reach before the training ends."""


def check_feasible(config: Config, data: "PreparedData") -> list[str]:
    """Refuse settings that would fail after an epoch, or would train nothing.

    Args:
        config: settled.
        data: the images, split.

    Returns:
        What should be known, one line each.

    Raises:
        ConfigError: the monitored score, the metric loss or the schedule cannot be had.
    """
    train, val = data.table.in_split("train"), data.table.in_split("val")
    monitored(config, data)
    check_head_kinds(config, data.space)
    codes = label_columns(train, data.space, config)
    if len(val) and monitored(config, data) == "val/recall@1":
        labels = label_columns(val, data.space, config).get(METRIC)
        if labels is None or np.unique(labels).size == labels.size:
            raise ConfigError(
                "trainer.monitor=val/recall@1: no two validation images share a label, so there is nothing to find; "
                "choose val/macro_f1, or another split"
            )
    if config.trainer.frozen:
        has_heads = data.space is not None and config.model.heads != "none"
        if config.model.embedding_size is None and not has_heads:
            raise ConfigError(
                "trainer.frozen: without a projection and without heads nothing is left to train; set "
                "model.embedding_size"
            )
    sampler = make_sampler(train, codes, config)
    if any(one.metric != "triplet" or one.arguments for one in config.loss.metric_losses):
        _check_metric_loss(config, int(codes[METRIC].max()) + 1, sampler)
    return check_schedule(config, len(sampler))


def _check_metric_loss(
    config: Config, num_classes: int, sampler: "RandomIdentitySampler | ShuffledBatches"
) -> None:
    """Refuse a metric loss that cannot be built, or whose memory does not hold the images of a step."""
    from metric_face.training.metric_term import build_metric_loss, memory_of

    memory = memory_of(build_metric_loss(config.loss, num_classes, config.model.embedding_size or 8))
    if not memory:
        return
    images = sampler.epoch_batches(0).shape[1] * max(this_process().world_size, config.trainer.devices, 1)
    if memory < images:
        raise ConfigError(
            f"loss.memory={memory}: must hold at least the {images} images of a step; take more, or smaller batches"
        )


def monitored(config: Config, data: "PreparedData") -> str:
    """The score that the best checkpoint is chosen by.

    Raises:
        ConfigError: no such score is logged with these classifiers.
    """
    name = config.trainer.monitor
    has_heads = data.space is not None and config.model.heads != "none"
    if name == "val/macro_f1" and not has_heads:
        return "val/recall@1"  # without a classifier there is no F1 of a head
    if name.startswith(PER_ATTRIBUTE):
        known = data.space.names if has_heads and data.space is not None else ()
        if name.removeprefix(PER_ATTRIBUTE) not in known:
            found = f"; the attributes are {', '.join(known)}" if known else "; there are no classifiers"
            raise ConfigError(f"trainer.monitor={name}: must name an attribute that is predicted{found}")
    return name


def check_schedule(config: Config, batches: int) -> list[str]:
    """Compare ramps, accumulation and averaging with the steps that there will be.

    Args:
        config: settled.
        batches: of an epoch.

    Returns:
        What should be known, one line each.

    Raises:
        ConfigError: an epoch has fewer batches than a step takes, or a loss never comes to count.
    """
    accumulate = config.optimizer.accumulate
    if accumulate > batches:
        raise ConfigError(
            f"optimizer.accumulate={accumulate}: must be at most {batches}, the batches of an epoch; take fewer"
        )
    steps, lines = -(-batches // accumulate) * config.trainer.epochs, []
    ramps = []
    if config.loss.metric != "none":
        ramps.append(("metric", config.loss.metric_ramp))
    if config.loss.f1_weight:
        ramps.append(("f1", config.loss.f1_ramp))
    for name, ramp in ramps:
        reached = batches * config.trainer.epochs / (ramp + 1)  # a ramp counts batches
        if reached < LEAST_REACHED:
            raise ConfigError(
                f"loss.{name}_ramp={ramp}: the loss would reach {reached:.2g} of its weight in the "
                f"{batches * config.trainer.epochs:,} batches of this training; shorten the ramp"
            )
        if reached < 1:
            lines.append(
                f"loss.{name}_ramp={ramp}: the loss reaches {reached:.0%} of its weight in this training"
            )
    share = averaged_start(config, steps)
    if share > 0.5:
        lines.append(
            f"trainer.ema={config.trainer.ema:g}: after {steps:,} steps the averaged weights are still {share:.0%} "
            "those of the first step; lower it or train longer"
        )
    return lines


def averaged_start(config: Config, steps: int) -> float:
    """Weight that the first weights still have in the averaged ones after ``steps``; 0 without averaging."""
    return config.trainer.ema**steps if config.trainer.ema else 0.0
