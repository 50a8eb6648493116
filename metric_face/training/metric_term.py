"""The metric loss that a configuration asks for: one by name, or several with weights."""

from torch import nn

from metric_face.config import LossConfig
from metric_face.errors import ArgumentError, ConfigError
from metric_face.losses import SummedLosses, resolve_metric_loss


def build_metric_loss(config: LossConfig, num_classes: int, embedding_size: int) -> nn.Module:
    """Build ``loss.metric`` with its parts, and what ``loss.also`` puts beside it.

    Args:
        config: the section ``loss``, settled, with a metric loss.
        num_classes: C, of the label that it separates.
        embedding_size: D.

    Raises:
        ConfigError: a name, an argument or a combination is refused.
    """
    built: dict[str, tuple[nn.Module, float]] = {}
    weights = [1.0, *(one.weight for one in config.also)]
    for number, one in enumerate(config.metric_losses):
        try:
            loss = resolve_metric_loss(
                one.metric,
                one.arguments,
                miner=one.miner,
                distance=one.distance,
                reducer=one.reducer,
                memory=one.memory,
                num_classes=num_classes,
                embedding_size=embedding_size,
            )
        except ArgumentError as error:
            place = "loss.metric" if number == 0 else f"loss.also.{number - 1}.metric"
            raise ConfigError(f"{place}={one.metric}: {error}") from None
        name = one.metric if one.metric not in built else f"{one.metric}-{number + 1}"
        built[name] = (loss, weights[number])
    return SummedLosses(built) if config.also else loss


def memory_of(loss: nn.Module) -> int:
    """The smallest memory of earlier embeddings in a metric loss; 0 where it has none."""
    sizes = [len(value) for name, value in loss.named_buffers() if name.endswith("embedding_memory")]
    return min(sizes, default=0)
