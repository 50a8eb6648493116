"""Classes of pytorch-metric-learning by name, and what they ask for."""

import difflib
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from metric_face.errors import ArgumentError

from .dry_call import first_line

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


def pml_class(module: str, name: str) -> type[nn.Module]:
    """The class of a name.

    Args:
        module: of pytorch-metric-learning, such as ``losses``.
        name: of a class in it.

    Raises:
        ArgumentError: there is none; the nearest names are given.
    """
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


def asked_by(kind: type[nn.Module]) -> set[str]:
    """The keyword arguments that a class takes, those that it hands on included."""
    return {key for base in kind.__mro__ for key in inspect.signature(base).parameters}


def is_class_vector_loss(kind: type[nn.Module]) -> bool:
    """Whether a loss compares each image with a vector of each class, and not with other images."""
    from pytorch_metric_learning.losses import WeightRegularizerMixin

    return issubclass(kind, WeightRegularizerMixin)


def component(key: str, value: Any) -> Any:
    """What an argument holds: where it names a class of pytorch-metric-learning, an object of it.

    Args:
        key: the argument's name; :data:`KINDS` has those that hold such an object.
        value: a name, a mapping with ``name`` and arguments, or anything else, which is returned as it is.

    Raises:
        ArgumentError: the name is unknown, or the arguments do not fit.
    """
    if key not in KINDS or not isinstance(value, str | Mapping):
        return value
    given = {"name": value} if isinstance(value, str) else dict(value)
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise ArgumentError(f"{key} must be a name, or a mapping with 'name' and arguments, found {value!r}")
    inner = {k: component(k, v) for k, v in given.items()}
    return made(pml_class(KINDS[key], name.removeprefix("pml.")), inner, name)


def made(kind: type[nn.Module], arguments: Mapping[str, Any], name: str) -> nn.Module:
    """An object of a class.

    Raises:
        ArgumentError: the arguments are not the class's, or it refuses a value.
    """
    try:
        return kind(**arguments)
    except ArgumentError:
        raise
    except Exception as error:  # theirs: a wrong value may raise anything
        raise ArgumentError(f"arguments of {name} do not fit: {first_line(error)}") from error


def _choice(name: str, known: list[str]) -> str:
    """The first names that there are, and those most like the wrong one."""
    close = difflib.get_close_matches(name[:60], known, n=3, cutoff=0.5)
    nearest = f", or did you mean {', '.join(close)}?" if close else ""
    return f"{sorted(known)[:4]} and {max(0, len(known) - 4)} more{nearest}"
