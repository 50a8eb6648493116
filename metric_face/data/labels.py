"""LabelSpace: the attributes of an image, their classes, and the one joint class they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import Bools, Doubles, Ints
from metric_face.data.label_text import in_order, number_of, text_of
from metric_face.data.readers import MASKS
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, DataError
from metric_face.missing import column_of, is_missing, missing_rows

Codes = Ints


@dataclass(frozen=True)
class Attribute:
    """One attribute: a name and its classes; a continuous one also has the cuts between its bins.

    Attributes:
        name: the table's column.
        classes: C names, in the order of their codes.
        cuts: C - 1 ascending values, or None; a value v has the code of the number of cuts <= v.
    """

    name: str
    classes: tuple[str, ...]
    cuts: tuple[float, ...] | None = None

    @classmethod
    def binned(cls, name: str, cuts: Sequence[float]) -> Self:
        """A continuous attribute in bins: cuts (30, 60) make the classes ``<30``, ``30-59`` and ``>=60``.

        Raises:
            ArgumentError: the cuts are not ascending numbers.
        """
        edges = tuple(float(cut) for cut in cuts)
        if not edges or any(not a < b for a, b in pairwise(edges)):
            raise ArgumentError(
                f"cuts={list(cuts)} of {name!r}: must be one or more ascending numbers, such as [30, 60]"
            )
        whole = all(edge.is_integer() for edge in edges)
        between = [f"{a:g}-{b - 1:g}" if whole else f"{a:g}-<{b:g}" for a, b in pairwise(edges)]
        return cls(name, (f"<{edges[0]:g}", *between, f">={edges[-1]:g}"), edges)

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    def encode(self, values: "pd.Series | Sequence[Any] | NDArray[Any]") -> Codes:
        """Turn N raw values into N codes.

        Raises:
            DataError: a value is missing, not a number where bins need one, or not a known class.
        """
        column = column_of(values)
        lacking = np.flatnonzero(missing_rows(column))
        if len(lacking):
            raise DataError(
                f"row {lacking[0]}: '{self.name}' must not be empty; fill it in or drop the row (counted from 0)"
            )
        if self.cuts is not None:
            return np.searchsorted(np.asarray(self.cuts), self.numbers(column), side="right").astype(np.int64)
        texts = _texts(self.name, column)
        place = {name: code for code, name in enumerate(self.classes)}
        codes = np.array([place.get(text, -1) for text in texts], dtype=np.int64)
        if (codes < 0).any():
            row = int(np.flatnonzero(codes < 0)[0])
            known = ", ".join(self.classes[:12]) + (", ..." if self.num_classes > 12 else "")
            raise DataError(f"row {row}: '{self.name}' must be one of {known}; found {texts[row]!r}")
        return codes

    def numbers(self, values: "pd.Series | Sequence[Any] | NDArray[Any]") -> Doubles:
        """The N numbers behind the raw values of a continuous attribute; NaN where a value is missing.

        Raises:
            DataError: a value is neither missing nor a finite number.
        """
        column = column_of(values)
        found = np.full(len(column), np.nan)
        for row, value in enumerate(column.tolist()):
            if is_missing(value):
                continue
            number = number_of(_texts(self.name, [value], row)[0])
            if number is None:
                raise DataError(f"row {row}: '{self.name}' must be a number to be binned; found {value!r}")
            found[row] = number
        return found

    def decode(self, codes: Codes) -> NDArray[np.object_]:
        """Turn codes into class names."""
        return np.asarray(self.classes, dtype=object)[codes]


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
        return cls(tuple(_declare(table, name, bins.get(name)) for name in attributes))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of classes of each attribute."""
        return tuple(attribute.num_classes for attribute in self.attributes)

    @property
    def num_classes(self) -> int:
        """Number of joint classes."""
        return int(np.prod(self.sizes))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """The C joint classes in words, such as ``wear / male / <30``."""
        codes = self.split_joint(np.arange(self.num_classes))
        columns = [attribute.decode(codes[attribute.name]) for attribute in self.attributes]
        return tuple(" / ".join(splits) for splits in zip(*columns, strict=True))

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
        return {
            attribute.name: attribute.encode(table.column(attribute.name)) for attribute in self.attributes
        }

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
            identities = table.identities
            if identities is None:
                raise DataError(
                    "label 'identity': the table has no column 'identity'; choose an attribute or 'joint'"
                )
            codes, names = pd.factorize(identities, sort=True)
            return codes.astype(np.int64), tuple(map(str, names))
        return self[name].encode(table.column(name)), self[name].classes

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


COMPETITION = ("mask", "gender", "age")
_KNOWN_ORDERS = {"mask": MASKS, "gender": ("male", "female")}


def obvious_attributes(table: ImageTable) -> tuple[str, ...]:
    """The columns to predict where nobody has named any: the competition's three, or ``label``.

    Raises:
        ArgumentError: the table has neither.
    """
    for obvious in (COMPETITION, ("label",)):
        if set(obvious) <= set(table.attributes):
            return obvious
    found = ", ".join(table.attributes) or "none"
    raise ArgumentError(
        f"attributes: name the columns to predict, as --set data.attributes=[NAME]; the table's columns are {found}"
    )


def _declare(table: ImageTable, name: str, cuts: Sequence[float] | None) -> Attribute:
    if cuts is not None:
        table.column(name)
        return Attribute.binned(name, cuts)
    column = column_of(table.column(name))
    texts = set(_texts(name, column[~missing_rows(column)]))
    if not texts:
        raise DataError(f"column {name!r}: must hold values; all rows are empty")
    known = _KNOWN_ORDERS.get(name, ())
    return Attribute(name, known if texts <= set(known) else tuple(in_order(texts)))


def _texts(name: str, values: "Sequence[Any] | NDArray[Any]", first: int = 0) -> list[str]:
    """Text of each of the values, which begin at row ``first``."""
    texts = []
    for row, value in enumerate(values.tolist() if isinstance(values, np.ndarray) else values):
        try:
            texts.append(text_of(value))
        except DataError as error:
            raise DataError(f"row {first + row}: '{name}' {error}; give one value an image") from None
    return texts
