"""Attribute: one column to predict, its classes, and the codes of its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Ints, column_of
from metric_face.data.label_parsing import in_order, number_of, text_of
from metric_face.data.readers import MASKS
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, DataError
from metric_face.missing import is_missing, missing_rows

Codes = Ints

COMPETITION = ("mask", "gender", "age")
_KNOWN_ORDERS = {"mask": MASKS, "gender": ("male", "female")}


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

    @classmethod
    def of(cls, table: ImageTable, name: str, cuts: Sequence[float] | None = None) -> Self:
        """The attribute of a table's column, binned where cuts are given, else of the values that are there.

        Raises:
            ArgumentError: the cuts are not ascending numbers.
            DataError: the table has no such column, or it is empty.
        """
        if cuts is not None:
            table.column(name)
            return cls.binned(name, cuts)
        column = column_of(table.column(name))
        texts = set(_texts(name, column[~missing_rows(column)]))
        if not texts:
            raise DataError(f"column {name!r}: must hold values; all rows are empty")
        known = _KNOWN_ORDERS.get(name, ())
        return cls(name, known if texts <= set(known) else tuple(in_order(texts)))

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def is_ordered(self) -> bool:
        """Whether the order of its classes means something: bins, or numbers."""
        return self.cuts is not None or all(number_of(name) is not None for name in self.classes)

    def encode(self, values: "pd.Series | Sequence[Any] | NDArray[Any]") -> Codes:
        """Turn N raw values into N codes.

        Raises:
            DataError: a value is missing, not a number where bins need one, or not a known class.
        """
        column = self._present(values)
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

    def names_of(self, values: "pd.Series | Sequence[Any] | NDArray[Any]") -> list[str]:
        """The class name of each of N raw values; a value that is no class yet is the name of a new one.

        Raises:
            DataError: a value is missing, or not a number where bins need one.
        """
        if self.cuts is not None:
            return [str(name) for name in self.decode(self.encode(values))]
        return _texts(self.name, self._present(values))

    def _present(self, values: "pd.Series | Sequence[Any] | NDArray[Any]") -> NDArray[Any]:
        """The values as an array; none of them missing."""
        column = column_of(values)
        lacking = np.flatnonzero(missing_rows(column))
        if len(lacking):
            raise DataError(
                f"row {lacking[0]}: '{self.name}' must not be empty; fill it in or drop the row (counted from 0)"
            )
        return column

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


def obvious_attributes(table: ImageTable) -> tuple[str, ...]:
    """The default columns to predict: the competition's three, or ``label``.

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


def _texts(name: str, values: "Sequence[Any] | NDArray[Any]", first: int = 0) -> list[str]:
    """Text of each of the values, which begin at row ``first``."""
    texts = []
    for row, value in enumerate(values.tolist() if isinstance(values, np.ndarray) else values):
        try:
            texts.append(text_of(value))
        except DataError as error:
            raise DataError(f"row {first + row}: '{name}' {error}; give one value an image") from None
    return texts
