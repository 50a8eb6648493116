"""A metric loss by name, with its miner, distance, reducer and memory; a configuration names one so."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from metric_face.errors import ArgumentError

from .dry_call import dry_call
from .pml import PMLLoss
from .pml_classes import asked_by, component, is_class_vector_loss, made, pml_class
from .triplet import TripletLoss


def resolve_metric_loss(
    loss: str | nn.Module,
    arguments: Mapping[str, Any] | None = None,
    *,
    miner: str | Mapping[str, Any] | None = None,
    distance: str | Mapping[str, Any] | None = None,
    reducer: str | Mapping[str, Any] | None = None,
    memory: int = 0,
    num_classes: int | None = None,
    embedding_size: int | None = None,
) -> nn.Module:
    """Return the metric loss that a name and its arguments describe, or wrap the object given.

    ``"triplet"`` is `TripletLoss`; ``"pml.NAME"`` is a loss of pytorch-metric-learning. Its miner, distance and reducer
    are names of classes there, or mappings with a ``name`` and arguments, and so are arguments that hold such a part
    (``loss``, ``embedding_regularizer``, ``weight_regularizer``)::

        resolve_metric_loss("pml.TripletMarginLoss", {"margin": 0.1}, distance="CosineSimilarity",
                            miner={"name": "BatchHardMiner"}, reducer={"name": "ThresholdReducer", "low": 0.1})

    Only classes of pytorch-metric-learning can be named: a configuration never imports other code. The loss is called
    once on a few made-up vectors, so that one which asks for something else is refused here and not in a first step.

    Args:
        loss: a name, or a module (ours or theirs).
        arguments: keyword arguments of the named loss.
        miner: which pairs or triplets of a batch count. A loss with a vector for each class has none.
        distance: of the loss, and of the miner unless that names its own.
        reducer: how the values of pairs or triplets become one.
        memory: embeddings of earlier batches that a batch is compared with too (their CrossBatchMemory); 0 is none.
        num_classes: C, filled in where the loss asks for it and `arguments` does not say.
        embedding_size: D, likewise.

    Returns:
        A module called as ``loss(embeddings, labels, indices)``.

    Raises:
        ArgumentError: if a name is unknown, the arguments are not the loss's, the parts do not go together, or the loss
            cannot be called so.
    """
    parts = {"miner": miner, "distance": distance, "reducer": reducer, "memory": memory}
    parts = {name: part for name, part in parts.items() if part}
    if not isinstance(loss, str):
        wrapped = _wrapped(loss, arguments, parts)
        if embedding_size is not None:
            dry_call(wrapped, type(loss).__name__, num_classes, embedding_size)
        return wrapped
    given = dict(arguments or {})
    if loss == "triplet":
        if parts:
            raise ArgumentError(
                f"{next(iter(parts))} is of a loss of pytorch-metric-learning, and loss is 'triplet': give it "
                "arguments mining and distance, or take pml.TripletMarginLoss"
            )
        return made(TripletLoss, given, loss)
    if not loss.startswith("pml."):
        raise ArgumentError(f"loss must be 'triplet' or 'pml.' and a class of its losses, found {loss!r}")
    kind = pml_class("losses", loss.removeprefix("pml."))
    _check_parts(kind, loss, given, parts)
    for key, value in (("num_classes", num_classes), ("embedding_size", embedding_size)):
        if value is not None and key in asked_by(kind):
            given.setdefault(key, value)
    given |= {key: parts[key] for key in ("distance", "reducer") if key in parts}
    inner = made(kind, {key: component(key, value) for key, value in given.items()}, loss)
    chosen = component("miner", _with_distance(miner, distance)) if miner else None
    built = PMLLoss(inner, chosen) if not memory else PMLLoss(_bank(inner, chosen, memory, embedding_size))
    dry_call(built, loss, given.get("num_classes"), given.get("embedding_size", embedding_size))
    return built


def _wrapped(loss: nn.Module, arguments: Mapping[str, Any] | None, parts: Mapping[str, Any]) -> nn.Module:
    if not isinstance(loss, nn.Module):
        raise ArgumentError(f"loss must be a name or a torch module, found {type(loss).__name__}")
    beside = sorted([*(arguments or {}), *parts])
    if beside:
        raise ArgumentError(f"arguments go with a name, found {beside} beside a loss object")
    theirs = type(loss).__module__.startswith("pytorch_metric_learning.")
    return PMLLoss(loss) if theirs else loss


def _check_parts(
    kind: type[nn.Module], name: str, arguments: Mapping[str, Any], parts: Mapping[str, Any]
) -> None:
    """Refuse parts that are given twice, or that a loss has no use for."""
    twice = next((part for part in parts if part in arguments), None)
    if twice is not None:
        raise ArgumentError(
            f"{twice} of {name} is given twice, beside its arguments and among them: give one"
        )
    if "miner" in arguments and "miner" not in asked_by(kind):
        raise ArgumentError(f"arguments of {name} hold a miner: give it as miner, beside the arguments")
    if is_class_vector_loss(kind):
        idle = next((part for part in ("miner", "memory") if part in parts), None)
        if idle is not None:
            what = "pairs to mine" if idle == "miner" else "other images to compare an image with"
            raise ArgumentError(
                f"{idle} does not go with {name}, which learns a vector for each class and has no {what}: leave it out"
            )


def _with_distance(
    miner: str | Mapping[str, Any], distance: str | Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The miner with the distance of the loss, unless it names its own."""
    wanted = {"name": miner} if isinstance(miner, str) else dict(miner)
    return {"distance": distance, **wanted} if distance else wanted


def _bank(inner: nn.Module, miner: Any, memory: int, embedding_size: int | None) -> nn.Module:
    kind = pml_class("losses", "CrossBatchMemory")
    arguments = {"loss": inner, "miner": miner, "memory_size": memory, "embedding_size": embedding_size}
    return made(kind, arguments, "memory")
