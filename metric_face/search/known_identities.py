"""KnownIdentities: the identities of an index, numbered once; a search only looks up those it excludes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError
from metric_face.missing import is_missing
from metric_face.search.exact import Exclusion
from metric_face.vectors import group_codes


@dataclass(frozen=True)
class KnownIdentities:
    """Who is on each of N vectors.

    Attributes:
        kind: of the column's values.
        codes: (N,) numbers from 0; a missing value has one of its own.
        numbers: identity -> its number.
        sizes: (identities + 1,) vectors of each number, and 0 for an identity that none of them has.
    """

    kind: np.dtype[Any]
    codes: Ints
    numbers: dict[Any, int]
    sizes: Ints

    @classmethod
    def of(cls, column: NDArray[Any]) -> "KnownIdentities":
        """Number the (N,) values of a column."""
        codes = group_codes(column)[0]
        _, first = np.unique(codes, return_index=True)
        names = zip(column[first].tolist(), codes[first].tolist(), strict=True)
        numbers = {name: number for name, number in names if not is_missing(name)}
        return cls(column.dtype, codes, numbers, np.append(np.bincount(codes), 0).astype(np.int64))

    def excluded(self, identities: NDArray[Any]) -> Exclusion:
        """The vectors that each of Q queries may not find, by its identity (Q,); a missing one excludes none.

        Raises:
            ArgumentError: numbers are given for text, or text for numbers.
        """
        if (identities.dtype.kind in "iufb") != (self.kind.kind in "iufb"):
            raise ArgumentError(
                f"exclude must hold identities as the index does, {self.kind}, found {identities.dtype}, "
                "which equals none of them; convert one of the two"
            )
        absent = len(self.sizes) - 1
        asked = [self.numbers.get(name, absent) for name in identities.tolist()]
        return Exclusion(np.array(asked, np.int64), self.codes, self.sizes)
