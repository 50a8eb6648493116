"""What a metric loss is made of: its name and arguments, and its miner, distance, reducer and memory."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from metric_face.configuring.fields import Section

LEAST_MEMORY = 16
PARTS = ("miner", "distance", "reducer", "memory")
"""The keys of a metric loss that only losses of pytorch-metric-learning have."""


def _with_name(value: Any) -> Any:
    """A name alone stands for a mapping with it; nothing for an empty one."""
    if value is None:
        return {}
    return {"name": str(value)} if isinstance(value, str) else value


def _named(value: dict[str, Any]) -> dict[str, Any]:
    if value and not (isinstance(value.get("name"), str) and value["name"]):
        raise ValueError(
            "must be a name, or a mapping with 'name' and arguments, such as {name: BatchHardMiner}"
        )
    return value


def _a_batch_or_none(value: int) -> int:
    if 0 < value < LEAST_MEMORY:
        raise ValueError(f"must be 0 (none) or at least {LEAST_MEMORY}, a small batch")
    return value


Component = Annotated[dict[str, Any], BeforeValidator(_with_name), AfterValidator(_named)]
"""A class of pytorch-metric-learning: its name, or a mapping with ``name`` and arguments."""


class MetricLossConfig(Section):
    metric: str
    """``triplet``, or a loss of pytorch-metric-learning such as ``pml.ArcFaceLoss``."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the metric loss, such as {margin: 0.3, mining: batch_hard}."""
    miner: Component = Field(default_factory=dict)
    """Of a loss of pytorch-metric-learning: which pairs or triplets of a batch count. A name of its miners, or a
    mapping with ``name`` and arguments, such as {name: MultiSimilarityMiner, epsilon: 0.2}."""
    distance: Component = Field(default_factory=dict)
    """Likewise, of its distances, such as CosineSimilarity: of the loss, and of the miner unless that names its own."""
    reducer: Component = Field(default_factory=dict)
    """Likewise, of its reducers, such as {name: ThresholdReducer, low: 0.1}."""
    memory: Annotated[int, Field(ge=0, le=1_000_000), AfterValidator(_a_batch_or_none)] = 0
    """Embeddings of earlier batches that a batch is compared with too (CrossBatchMemory); 0 is none."""


class AddedMetricConfig(MetricLossConfig):
    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Beside ``loss.metric``, which has 1; ``loss.metric_weight`` multiplies them all."""


def parts_of(loss: MetricLossConfig) -> Mapping[str, Any]:
    """The miner, distance, reducer and memory that a metric loss names."""
    return {name: getattr(loss, name) for name in PARTS if getattr(loss, name)}
