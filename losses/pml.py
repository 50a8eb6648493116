"""Losses, miners, distances and reducers of pytorch-metric-learning, by name, wherever ours are accepted."""

import difflib
import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError

from .checks import check_batch
from .dry_call import dry_call, first_line
from .triplet import TripletLoss

KINDS = {
    "loss": "losses",
    "miner": "miners",
    "mining_func": "miners",
    "distance": "distances",
    "reducer": "reducers",
    "embedding_regularizer": "regularizers",
    "weight_regularizer": "regularizers",
}
"""Which module of pytorch-metric-learning an argument of this name is looked up in."""


class PMLLoss(nn.Module):
    """A loss of pytorch-metric-learning, with its miner, called as ours: (embeddings, labels, indices).

    Its trainable parameters (the class vectors of ``ArcFaceLoss``) are this module's, so they reach the
    optimizer and the checkpoint with it. Arithmetic is float32 or better, also under autocast. With a miner
    and `indices`, mined pairs of two copies of one image are dropped; without a miner the loss builds its
    pairs itself and copies count as positives. The sampler is the one that the wrapped loss asks for.

    Args:
        loss: any object with ``loss(embeddings, labels, indices_tuple)``.
        miner: any object with ``miner(embeddings, labels)``, or None.
    """

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        self.loss = loss
        self.miner = miner

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor | Sequence[int],
        indices: Tensor | Sequence[int] | None = None,
    ) -> Tensor:
        """Return the loss () of embeddings (B, D) with labels (B,); indices (B,) name the images."""
        labels, indices = check_batch(embeddings, labels, indices)
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
            mined = None
            if self.miner is not None:
                mined = self.miner(points, labels)
                if indices is not None:
                    mined = _without_copies(mined, indices)
            value: Tensor = self.loss(points, labels, mined)
        return value

    def get_extra_state(self) -> dict[str, dict[str, Any]]:
        """What their modules keep beside parameters and buffers, such as a memory's ``queue_idx``."""
        kept = {name: _plain_attributes(module) for name, module in self.named_modules() if name}
        return {name: values for name, values in kept.items() if values}

    def set_extra_state(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up what :meth:`get_extra_state` gave."""
        for name, values in state.items():
            module = self.get_submodule(name)
            for key, value in values.items():
                setattr(module, key, value)


_PLAIN = (bool, int, float, str, Tensor, type(None))


def _plain_attributes(module: nn.Module) -> dict[str, Any]:
    """Numbers, texts and tensors that a module keeps as attributes of its own, which no state dict holds."""
    values = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in vars(module).items()
        if not key.startswith("_") and key != "training"
    }
    return {key: value for key, value in values.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(item) for key, item in value.items())
    return isinstance(value, _PLAIN)


def resolve_metric_loss(
    loss: str | nn.Module,
    arguments: Mapping[str, Any] | None = None,
    *,
    num_classes: int | None = None,
    embedding_size: int | None = None,
) -> nn.Module:
    """Return the metric loss that a name and its arguments describe, or wrap the object given.

    ``"triplet"`` is `TripletLoss`; ``"pml.NAME"`` is a loss of pytorch-metric-learning. There an argument
    called distance, reducer, miner, loss, embedding_regularizer or weight_regularizer may be a name or a
    mapping with a ``name`` and its arguments::

        loss: {metric: pml.TripletMarginLoss,
               arguments: {margin: 0.1, distance: CosineSimilarity,
                           miner: {name: BatchHardMiner, distance: CosineSimilarity}}}

    Only classes of pytorch-metric-learning can be named: a configuration never imports other code. The loss is called
    once on a few made-up vectors, so that one which asks for something else is refused here and not in a first step.

    Args:
        loss: a name, or a module (ours or theirs).
        arguments: keyword arguments of the named loss; ``miner`` is taken out.
        num_classes: C, filled in where the loss asks for it and `arguments` does not say.
        embedding_size: D, likewise.

    Returns:
        A module called as ``loss(embeddings, labels, indices)``.

    Raises:
        ArgumentError: if the name is unknown, the arguments are not the loss's, or the loss cannot be called so.
    """
    if not isinstance(loss, str):
        wrapped = _wrapped(loss, arguments)
        if embedding_size is not None:
            dry_call(wrapped, type(loss).__name__, num_classes, embedding_size)
        return wrapped
    given = dict(arguments or {})
    if loss == "triplet":
        return _made(TripletLoss, given, loss)
    if not loss.startswith("pml."):
        raise ArgumentError(f"loss must be 'triplet' or 'pml.' and a class of its losses, found {loss!r}")
    miner = given.pop("miner", None)
    kind = _class("losses", loss.removeprefix("pml."))
    asked = {key for base in kind.__mro__ for key in inspect.signature(base).parameters}  # through **kwargs
    for key, value in (("num_classes", num_classes), ("embedding_size", embedding_size)):
        if value is not None and key in asked:
            given.setdefault(key, value)
    inner = _made(kind, {key: _component(key, value) for key, value in given.items()}, loss)
    made = PMLLoss(inner, None if miner is None else _component("miner", miner))
    dry_call(made, loss, given.get("num_classes"), given.get("embedding_size", embedding_size))
    return made


def _wrapped(loss: nn.Module, arguments: Mapping[str, Any] | None) -> nn.Module:
    if not isinstance(loss, nn.Module):
        raise ArgumentError(f"loss must be a name or a torch module, found {type(loss).__name__}")
    if arguments:
        raise ArgumentError(f"arguments go with a name, found {sorted(arguments)} beside a loss object")
    theirs = type(loss).__module__.startswith("pytorch_metric_learning.")
    return PMLLoss(loss) if theirs else loss


def _component(key: str, value: Any) -> Any:
    if key not in KINDS or not isinstance(value, str | Mapping):
        return value
    given = {"name": value} if isinstance(value, str) else dict(value)
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise ArgumentError(f"{key} must be a name, or a mapping with 'name' and arguments, found {value!r}")
    inner = {k: _component(k, v) for k, v in given.items()}
    return _made(_class(KINDS[key], name.removeprefix("pml.")), inner, name)


def _class(module: str, name: str) -> type[nn.Module]:
    home = importlib.import_module(f"pytorch_metric_learning.{module}")
    known = [
        n
        for n, kind in vars(home).items()
        if inspect.isclass(kind) and issubclass(kind, nn.Module) and n[0] != "_"
    ]
    if name not in known:
        raise ArgumentError(
            f"{name[:60]!r} is no class of pytorch_metric_learning.{module}: choose from {_choice(name, known)}"
        )
    found: type[nn.Module] = getattr(home, name)
    return found


def _choice(name: str, known: list[str]) -> str:
    """The first names that there are, and those most like the wrong one."""
    close = difflib.get_close_matches(name[:60], known, n=3, cutoff=0.5)
    nearest = f", or did you mean {', '.join(close)}?" if close else ""
    return f"{sorted(known)[:4]} and {max(0, len(known) - 4)} more{nearest}"


def _made(kind: type[nn.Module], arguments: Mapping[str, Any], name: str) -> nn.Module:
    try:
        return kind(**arguments)
    except ArgumentError:
        raise
    except Exception as error:  # theirs: a wrong value may raise anything
        raise ArgumentError(f"arguments of {name} do not fit: {first_line(error)}") from error


def _without_copies(mined: tuple[Tensor, ...], indices: Tensor) -> tuple[Tensor, ...]:
    keep = indices[mined[0]] != indices[mined[1]]
    if len(mined) == 3:
        return tuple(column[keep] for column in mined)
    return mined[0][keep], mined[1][keep], *mined[2:]
