"""What a training reads, settled before a model is built: both splits, their labels and the batches."""

from dataclasses import dataclass

from metric_face.batches import ShuffledBatches, label_columns, make_sampler
from metric_face.config import Config
from metric_face.data import Codes, ImageTable, PreparedData
from metric_face.errors import ConfigError
from metric_face.samplers import RandomIdentitySampler


@dataclass(frozen=True)
class TrainingPlan:
    """What a training reads, settled before a model is made.

    Attributes:
        train, val: the images of both splits.
        codes, val_codes: what losses and metrics read of them, as :func:`label_columns` gives it.
        sampler: the batches of ``train``.
    """

    train: ImageTable
    val: ImageTable
    codes: dict[str, Codes]
    val_codes: dict[str, Codes]
    sampler: RandomIdentitySampler | ShuffledBatches


def plan_training(data: PreparedData, config: Config) -> TrainingPlan:
    """Settle labels and batches; the audit makes the same plan, so that it refuses what a training would.

    Raises:
        DataError: a label is missing, or one that the losses need is not there.
        ArgumentError: the labels do not allow the batches that the configuration asks for.
        ConfigError: there is nothing to learn.
    """
    train, val = data.table.in_split("train"), data.table.in_split("val")
    if config.loss.metric == "none" and (data.space is None or config.model.heads == "none"):
        raise ConfigError(
            "loss.metric=none: without attributes there is nothing to learn; set data.attributes"
        )
    codes, val_codes = label_columns(train, data.space, config), label_columns(val, data.space, config)
    return TrainingPlan(train, val, codes, val_codes, make_sampler(train, codes, config))
