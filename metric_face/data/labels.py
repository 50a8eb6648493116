"""LabelSpace: the attributes of an image, the joint class they make, and what a model's heads say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import Bools, Doubles
from metric_face.data.attribute import COMPETITION, Attribute, Codes, obvious_attributes
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, DataError
from metric_face.missing import missing_rows
from metric_face.probabilities import softmax

_JOINT = " / "  # between the names that make a joint class


@dataclass(frozen=True)
class LabelSpace:
    """The attributes of a table and the joint class they make.

    The joint class counts like a number whose digits are the attributes, the first the most significant: with
    mask 3 x gender 2 x age 3 it is mask * 6 + gender * 3 + age.
    """

    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) != len(names):
            raise ArgumentError(
                f"attributes={list(names)}: needs one or more, each once; name the columns to predict"
            )

    @classmethod
    def of(
        cls,
        table: ImageTable,
        attributes: Sequence[str] | None = None,
        bins: Mapping[str, Sequence[float]] | None = None,
    ) -> Self:
        """Declare the label space of a table.

        Args:
            table: whose values name the classes, in sorted order (``mask`` of the competition in its own order).
            attributes: the columns to predict, in the joint class's order; default the competition's three where
                the table has them, else ``label``, else refused.
            bins: the cuts of the continuous ones, such as ``{"age": [30, 60]}``.

        Raises:
            ArgumentError: no attribute is given and none is obvious, or bins name a column that is not an attribute.
            DataError: the table has no such column, or the column is empty.
        """
        bins = dict(bins or {})
        if attributes is None:
            attributes = obvious_attributes(table)
            if tuple(attributes) == COMPETITION:
                bins.setdefault("age", (30, 60))
        stray = set(bins) - set(attributes)
        if stray:
            raise ArgumentError(
                f"bins: {', '.join(sorted(stray))} must be among the attributes {', '.join(attributes)}"
            )
        return cls(tuple(Attribute.of(table, name, bins.get(name)) for name in attributes))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of classes of each attribute."""
        return tuple(one.num_classes for one in self.attributes)

    @property
    def num_classes(self) -> int:
        """Number of joint classes."""
        return int(np.prod(self.sizes))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """The C joint classes in words, such as ``wear / male / <30``."""
        codes = self.split_joint(np.arange(self.num_classes))
        columns = [attribute.decode(codes[attribute.name]) for attribute in self.attributes]
        return tuple(_JOINT.join(names) for names in zip(*columns, strict=True))

    def __getitem__(self, name: str) -> Attribute:
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise ArgumentError(
            f"attribute {name!r}: the label space has {', '.join(self.names)}; name one of these"
        )

    def encode(self, table: ImageTable) -> dict[str, Codes]:
        """The N codes of each attribute.

        Raises:
            DataError: a column is missing, or a value is empty or unknown; the row is named.
        """
        return {one.name: one.encode(table.column(one.name)) for one in self.attributes}

    def has_labels(self, table: ImageTable) -> Bools:
        """(N,) whether an image has a label of every attribute; images of a test split may have none."""
        lacking = np.stack([missing_rows(table.column(name)) for name in self.names])
        return ~np.asarray(lacking.any(axis=0), dtype=bool)

    def joint(self, codes: Mapping[str, Codes]) -> Codes:
        """The N joint classes of N codes per attribute."""
        return np.ravel_multi_index([codes[name] for name in self.names], self.sizes).astype(np.int64)

    def split_joint(self, joint: Codes) -> dict[str, Codes]:
        """The codes per attribute of N joint classes: the way back."""
        digits = np.unravel_index(joint, self.sizes)
        return {name: digit.astype(np.int64) for name, digit in zip(self.names, digits, strict=True)}

    @property
    def target_names(self) -> tuple[str, ...]:
        """What is predicted: the attributes and, where there are several, the class they make, ``joint``."""
        return (*self.names, "joint") if len(self.names) > 1 and "joint" not in self.names else self.names

    def has_heads(self, logits: Mapping[str, Any]) -> bool:
        """Whether the heads of a model predict every attribute: a head of each, or one of the joint class."""
        return set(self.names) <= set(logits) or "joint" in logits

    def head_classes(self, logits: Mapping[str, NDArray[Any]]) -> dict[str, Codes]:
        """The likeliest class of every target.

        Args:
            logits: head -> (N, C).

        Returns:
            Target -> (N,) codes. A head of the joint class decides all attributes; heads of the attributes together
            decide the joint class.

        Raises:
            ArgumentError: there is neither a head of each attribute nor one of the joint class.
        """
        if self._has_own_heads(logits):
            codes = {name: logits[name].argmax(axis=1).astype(np.int64) for name in self.names}
        else:
            codes = self.split_joint(logits["joint"].argmax(axis=1))
        return codes | {name: self.joint(codes) for name in self.target_names if name not in codes}

    def head_probabilities(self, logits: Mapping[str, NDArray[Any]]) -> dict[str, Doubles]:
        """Probabilities (N, C) of each attribute: of its head, or a head of the joint class summed over the others.

        Raises:
            ArgumentError: as :meth:`head_classes`.
        """
        if self._has_own_heads(logits):
            return {name: softmax(logits[name]) for name in self.names}
        cube = softmax(logits["joint"]).reshape(-1, *self.sizes)
        axes = range(1, cube.ndim)
        return {
            name: cube.sum(axis=tuple(axis for axis in axes if axis != own))
            for own, name in zip(axes, self.names, strict=True)
        }

    def joint_probabilities(self, logits: Mapping[str, NDArray[Any]]) -> Doubles:
        """Probabilities (N, joint classes): of their own head, or the product over attributes taken as independent.

        Raises:
            ArgumentError: as :meth:`head_classes`.
        """
        if not self._has_own_heads(logits):
            return softmax(logits["joint"])
        likely = self.head_probabilities(logits)
        product = likely[self.names[0]]
        for name in self.names[1:]:  # the last attribute runs fastest
            product = (product[:, :, None] * likely[name][:, None, :]).reshape(len(product), -1)
        return product

    def _has_own_heads(self, logits: Mapping[str, Any]) -> bool:
        if not self.has_heads(logits):
            raise ArgumentError(
                f"embeddings must carry logits of {', '.join(self.names)} or of joint, "
                f"found {', '.join(logits) or 'none'}; use a run trained with a classifier"
            )
        return set(self.names) <= set(logits)

    def labels(self, table: ImageTable, name: str) -> tuple[Codes, tuple[str, ...]]:
        """The codes and the class names behind one choice of label.

        Args:
            table: N images.
            name: an attribute, ``joint``, or ``identity``.

        Returns:
            Codes (N,) and the names of the classes.
        """
        if name == "joint":
            return self.joint(self.encode(table)), self.joint_names
        if name == "identity":
            return identity_labels(table)
        return self[name].encode(table.column(name)), self[name].classes

    def class_names(self, columns: Mapping[str, Any], name: str) -> list[str]:
        """The class names of N items by their columns; of a value that is no class yet, the name of a new class.

        Args:
            columns: column -> (N,) raw values.
            name: an attribute, or ``joint``.

        Raises:
            DataError: a value is missing, or not a number where bins need one.
        """
        if name in self.names:
            return self[name].names_of(columns[name])
        each = [attribute.names_of(columns[attribute.name]) for attribute in self.attributes]
        return [_JOINT.join(names) for names in zip(*each, strict=True)]

    def to_dict(self) -> list[dict[str, Any]]:
        """The label space as plain data, for JSON."""
        return [
            {"name": a.name, "classes": list(a.classes), "cuts": None if a.cuts is None else list(a.cuts)}
            for a in self.attributes
        ]

    @classmethod
    def from_dict(cls, data: Sequence[Mapping[str, Any]]) -> Self:
        """The way back from :meth:`to_dict`."""
        return cls(
            tuple(
                Attribute(
                    item["name"],
                    tuple(item["classes"]),
                    None if item["cuts"] is None else tuple(item["cuts"]),
                )
                for item in data
            )
        )


def identity_labels(table: ImageTable) -> tuple[Codes, tuple[str, ...]]:
    """The codes (N,) of the identities and their names.

    Raises:
        DataError: the table has no identities.
    """
    identities = table.identities
    if identities is None:
        raise DataError(
            "label 'identity': the table has no column 'identity'; choose an attribute or 'joint'"
        )
    codes, names = pd.factorize(identities, sort=True)
    return codes.astype(np.int64), tuple(map(str, names))
