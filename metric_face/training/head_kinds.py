"""What heads that are no softmax need to know of the training images: the numbers behind bins, and their range."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from metric_face.arrays import Doubles
from metric_face.config import Config
from metric_face.data import ImageTable, LabelSpace
from metric_face.errors import ConfigError


def head_kinds(
    config: Config, space: LabelSpace | None, numbers: Mapping[str, Doubles]
) -> dict[str, dict[str, Any]]:
    """The arguments of the heads that are no softmax, by name, as the model keeps them.

    Args:
        config: settled.
        space: the attributes.
        numbers: of the training images, as :func:`head_numbers` gives them.
    """
    kinds: dict[str, dict[str, Any]] = {
        name: {"kind": kind} for name, kind in config.model.head_kinds.items() if kind != "softmax"
    }
    for name, values in numbers.items():
        cuts = space[name].cuts if space is not None else None
        kinds[name] |= {
            "cuts": list(cuts or ()),
            "center": float(np.median(values)),
            "spread": spread_of(values),
        }
    return kinds


def head_numbers(config: Config, space: LabelSpace | None, train: ImageTable) -> dict[str, Doubles]:
    """The numbers (N,) of the training images, of each attribute that a regression head learns."""
    wanted = [name for name, kind in config.model.head_kinds.items() if kind == "regression"]
    return {name: space[name].numbers(train.column(name)) for name in wanted if space is not None}


def spread_of(values: Doubles) -> float:
    """The standard deviation of numbers (N,); 1 where they are all the same."""
    return float(values.std()) or 1.0


def check_head_kinds(config: Config, space: LabelSpace | None) -> None:
    """Refuse kinds of heads for what is no attribute, has no order, or no numbers.

    Raises:
        ConfigError: names the attribute, and those that there are.
    """
    for name, kind in config.model.head_kinds.items():
        if space is None or name not in space.names:
            found = ", ".join(space.names) if space is not None else "none"
            raise ConfigError(
                f"model.head_kinds: {name[:40]!r} must be one of the attributes that are predicted, {found}"
            )
        if kind == "ordinal" and not space[name].is_ordered:
            raise ConfigError(
                f"model.head_kinds: ordinal needs classes in an order, and those of {name!r} are names; give it "
                "data.bins, or softmax"
            )
        if kind == "regression" and space[name].cuts is None:
            raise ConfigError(
                f"model.head_kinds: regression learns the numbers behind bins, and {name!r} has none; give it "
                "data.bins, or another kind"
            )
