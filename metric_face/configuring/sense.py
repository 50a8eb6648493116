"""Rules that hold between the values of a configuration; an error names the keys and the remedy."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from metric_face.configuring.metric_schema import parts_of
from metric_face.errors import ConfigError

if TYPE_CHECKING:
    from metric_face.configuring.data_schema import SplitConfig
    from metric_face.configuring.metric_schema import MetricLossConfig
    from metric_face.configuring.schema import Config, LossConfig

MONITORS = ("val/macro_f1", "val/recall@1")
PER_ATTRIBUTE = "val/macro_f1/"
Names = TypeVar("Names", bound=Sequence[str] | None)


def distinct(values: Names) -> Names:
    """Refuse a list that names the same twice, or nothing."""
    seen: list[str] = [] if values is None else list(values)
    twice = next((value for place, value in enumerate(seen) if value in seen[:place]), None)
    if twice is not None:
        raise ValueError(f"must name each once, found {twice!r} twice")
    if "" in seen:
        raise ValueError("must hold no empty name")
    return values


def check_bins(bins: dict[str, list[float]]) -> dict[str, list[float]]:
    """Refuse cuts that are no cuts."""
    for name, cuts in bins.items():
        if not cuts or any(low >= high for low, high in pairwise(cuts)):
            raise ValueError(f"must hold ascending cuts of {name[:40]!r}, such as [30, 60]")
    return bins


def check_monitor(name: str) -> str:
    """Refuse a score that no training logs."""
    if name not in MONITORS and not (name.startswith(PER_ATTRIBUTE) and len(name) > len(PER_ATTRIBUTE)):
        raise ValueError(f"must be {', '.join(MONITORS)} or {PER_ATTRIBUTE}ATTRIBUTE")
    return name


def check_split(split: "SplitConfig") -> None:
    """Refuse shares that leave nothing to train on, and a fold that is none of the folds."""
    if split.folds is None:
        if split.val + split.test >= 1:
            raise ValueError(
                f"val={split.val:g} and test={split.test:g} must add up to less than 1; nothing is left to train on"
            )
        if split.fold:
            raise ValueError(f"fold={split.fold} needs folds; set data.split.folds as well")
    elif split.fold >= split.folds:
        raise ValueError(f"fold={split.fold} must be below folds={split.folds}")


def check_losses(config: "Config", *, has_classes: bool | None = None) -> None:
    """Refuse losses that learn nothing, and settings of a loss that is not there.

    Args:
        config: with ``loss.metric`` settled or still ``auto``.
        has_classes: whether the data have classes to predict, where that is known.

    Raises:
        ConfigError: one line with the keys and the remedy.
    """
    loss, model = config.loss, config.model
    _check_metric_losses(loss)
    if loss.metric == "none" and model.heads == "none":
        raise ConfigError("loss.metric and model.heads are both 'none': nothing would be learned; choose one")
    if loss.metric not in ("auto", "none") and not loss.metric_weight:
        raise ConfigError(
            f"loss.metric_weight=0: the metric loss {loss.metric} would train nothing; set loss.metric=none"
        )
    if model.heads != "none" and has_classes is not False and not loss.classifier_weight:
        raise ConfigError(
            "loss.classifier_weight=0: the classifiers would learn nothing; set model.heads=none to train without"
        )
    if model.head_kinds and model.heads != "attributes":
        raise ConfigError(
            f"model.head_kinds: are of a head for each attribute, and model.heads={model.heads}; set it to attributes"
        )
    if loss.f1_weight and model.heads == "none":
        raise ConfigError("loss.f1_weight: needs classifiers; set model.heads, or f1_weight=0")
    if loss.arguments and loss.metric == "none":
        raise ConfigError("loss.arguments: are of a metric loss, and loss.metric=none; set loss.metric")
    if loss.surgery != "none" and (loss.metric == "none" or model.heads == "none"):
        raise ConfigError(
            f"loss.surgery={loss.surgery}: needs a metric loss and classifiers, here is only one; set it to none"
        )
    if loss.label_smoothing and loss.classifier != "ce":
        raise ConfigError(
            f"loss.label_smoothing: is not used by loss.classifier={loss.classifier}; set it to 0"
        )
    if loss.class_balance and loss.classifier == "logit_adjusted":
        raise ConfigError("loss.class_balance: is not used by loss.classifier=logit_adjusted; set it to 0")
    if config.sampler.oversample and config.identity_batches:
        raise ConfigError(
            "sampler.oversample: is of shuffled batches, and identity batches draw labels evenly already; set "
            "sampler.batches=shuffled, or 0"
        )
    _check_mixing(config, has_classes)
    if model.weights is not None and model.pretrained is True:
        raise ConfigError("model.weights and model.pretrained: give one, a file or timm's published weights")


def _check_metric_losses(loss: "LossConfig") -> None:
    if loss.metric not in ("auto", "none", "triplet") and not _names_a_loss(loss.metric):
        raise ConfigError(
            f"loss.metric={loss.metric[:60]}: must be auto, triplet, none, or pml.NAME (pytorch-metric-learning)"
        )
    if loss.metric == "none":
        idle = next(iter([*parts_of(loss), *(["also"] if loss.also else [])]), None)
        if idle is not None:
            raise ConfigError(f"loss.{idle}: is of a metric loss, and loss.metric=none; set loss.metric")
    for number, added in enumerate(loss.also):
        if added.metric != "triplet" and not _names_a_loss(added.metric):
            raise ConfigError(f"loss.also.{number}.metric={added.metric[:60]}: must be triplet or pml.NAME")
    every: list[tuple[str, MetricLossConfig]] = [("loss", loss)]
    every += [(f"loss.also.{number}", one) for number, one in enumerate(loss.also)]
    for place, one in every:
        if one.metric == "triplet" and parts_of(one):
            part = next(iter(parts_of(one)))
            raise ConfigError(
                f"{place}.{part}: is of a loss of pytorch-metric-learning, and {place}.metric=triplet has "
                f"{place}.arguments={{mining: batch_hard, distance: cosine}}; set {place}.metric=pml.TripletMarginLoss"
            )


def _check_mixing(config: "Config", has_classes: bool | None) -> None:
    if not config.data.mixing.is_on:
        return
    if config.model.heads == "none" or has_classes is False:
        raise ConfigError(
            "data.mixing: mixes what classifiers learn, and there are none; set mixup and cutmix to 0"
        )
    if config.data.mixing.chance == 1 and config.loss.metric not in ("auto", "none"):
        raise ConfigError(
            f"data.mixing.chance=1: the metric loss {config.loss.metric} is read on clean batches only, and there "
            "would be none; set it below 1"
        )
    if config.data.mixing.chance == 1 and config.teacher.run is not None:
        raise ConfigError(
            "data.mixing.chance=1: the teacher is read on clean batches only, and there would be none; set it below 1"
        )


def _names_a_loss(metric: str) -> bool:
    return metric.startswith("pml.") and metric.removeprefix("pml.").isidentifier()


def both_sides(size: Any) -> Any:
    """A number, which a command line gives as text, stands for height and width alike."""
    is_number = not isinstance(size, bool) and str(size).isdecimal()
    return (size, size) if is_number else size
