"""What is known of the points of a map, column by column, and which columns make a readable picture."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import column_of
from metric_face.errors import ArgumentError
from metric_face.pages.joint_colors import JointColors
from metric_face.pages.palette import MOST_CATEGORIES, NEUTRAL, Shades, categories, nested, ordered

_MOST_PANELS = 12
_MOST_PER_SIDE = 6


@dataclass(frozen=True, eq=False)  # compared as a thing: arrays have no single truth
class Column:
    """One thing known of N points: a class, or a value.

    Attributes:
        name: as it is shown.
        values: (N,) int64 codes, -1 for unknown, where there are classes; else float32, NaN for unknown.
        classes: C names in the order of the codes, or None for a value.
        ordered: whether the classes have an order, such as age groups.
        ramp: colors of a value: ``value``, or ``alarm`` where only high ones matter.
        note: a sentence that says what the column is, or "".
        group: the heading under which a reader chooses it; "" for the labels.
        joint: hue, shade and shape of each class, where the classes are of several attributes; else None.
        leading: codes of the classes that have colors where there are too many for all; the largest where empty.
        links: pairs of classes that mix, as (code, code, share of the neighbors in the embedding).
    """

    name: str
    values: NDArray[Any]
    classes: tuple[str, ...] | None = None
    ordered: bool = False
    ramp: Literal["value", "alarm"] = "value"
    note: str = ""
    group: str = ""
    joint: JointColors | None = None
    leading: tuple[int, ...] = ()
    links: tuple[tuple[int, int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.classes is None:
            return
        codes = self.values
        if not np.issubdtype(codes.dtype, np.integer) or (
            codes.size and (codes.min() < -1 or codes.max() >= len(self.classes))
        ):
            raise ArgumentError(
                f"column {self.name!r}: codes must be integers from -1 to {len(self.classes) - 1}, the last of its "
                f"{len(self.classes)} classes; found {codes.dtype} up to {codes.max(initial=-1)}; name every class"
            )

    @classmethod
    def of(cls, name: str, raw: ArrayLike, **settings: Any) -> Self:
        """Make a column of an array: floating numbers are values, anything else names classes.

        Args:
            name: as it is shown.
            raw: (N,); None and NaN are unknown.
            settings: ``ordered``, ``ramp``, ``note`` or ``group``.
        """
        array = column_of(np.asarray(raw) if isinstance(raw, list | tuple) else raw)
        if np.issubdtype(array.dtype, np.floating):
            return cls(name, array.astype(np.float32), **settings)
        known = np.array([item is not None and item == item for item in array.tolist()], dtype=bool)
        found, codes = np.unique(array[known], return_inverse=True)
        names = [str(item) for item in found.tolist()]
        if found.dtype.kind not in "iub":
            order = sorted(range(len(names)), key=lambda place: natural(names[place]))
            codes, names = np.argsort(order)[codes], [names[place] for place in order]
        values = np.full(len(array), -1, dtype=np.int64)
        values[known] = codes
        return cls(name, values, tuple(names), **settings)

    @property
    def neutral(self) -> bool:
        """Whether the classes are too many for colors of their own, so that ``leading`` have them alone."""
        return self.joint is None and not self.ordered and self.num_classes > MOST_CATEGORIES

    def colored(self) -> tuple[int, ...]:
        """The codes of the classes that have colors."""
        if not self.neutral:
            return tuple(range(self.num_classes))
        if self.leading:
            return self.leading[:MOST_CATEGORIES]
        counts = np.bincount(self.values[self.values >= 0], minlength=self.num_classes)
        return tuple(int(code) for code in np.argsort(-counts, kind="stable")[:MOST_CATEGORIES])

    def shades(self) -> Shades:
        """The color of each class."""
        if self.joint is not None:
            steps = len(self.joint.shades)
            grid = nested(len(self.joint.hues), steps)
            at = [hue * steps + shade for hue, shade, _ in self.joint.places]
            return Shades(tuple(grid.light[k] for k in at), tuple(grid.dark[k] for k in at))
        if self.ordered:
            return ordered(self.num_classes)
        colors = {code: place for place, code in enumerate(self.colored())}
        known = categories(len(colors))
        light, dark = (
            tuple(theme[colors[code]] if code in colors else gray[0] for code in range(self.num_classes))
            for theme, gray in ((known.light, NEUTRAL.light), (known.dark, NEUTRAL.dark))
        )
        return Shades(light, dark)

    def shapes(self) -> tuple[int, ...]:
        """The shape of each class, a place in ``SHAPES``."""
        return tuple(shape for *_, shape in self.joint.places) if self.joint else (0,) * self.num_classes

    @property
    def range(self) -> tuple[float, float]:
        """The ends of a value's ramp: 0 to 1 where all lie there."""
        known = self.values[np.isfinite(self.values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)

    @property
    def is_class(self) -> bool:
        return self.classes is not None

    @property
    def num_classes(self) -> int:
        return len(self.classes or ())

    def text(self, row: int) -> str:
        """The value of one row as a reader sees it."""
        value = self.values[row]
        if self.classes is None:
            return "" if np.isnan(value) else f"{value:.3g}"
        return self.classes[value] if value >= 0 else ""


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key in which numbers within names count as numbers: 0, 1, 2, 10."""
    pieces = re.split(r"([0-9]+)", name)
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in pieces if piece]


@dataclass(frozen=True)
class MapView:
    """Which columns a map shows by its color, and which by its panels."""

    hue: Column | None
    rows: Column | None = None
    cols: Column | None = None


def as_columns(columns: "Mapping[str, ArrayLike | Column] | Sequence[Column]", n: int) -> list[Column]:
    """Read columns handed over as a mapping of arrays or as Columns.

    Raises:
        ArgumentError: a column has not N rows, or two have one name.
    """
    if isinstance(columns, Mapping):
        made = [item if isinstance(item, Column) else Column.of(key, item) for key, item in columns.items()]
    else:
        made = list(columns)
    for column in made:
        if column.values.shape != (n,):
            raise ArgumentError(
                f"columns: {column.name!r} must have one value for each of the {n} points; "
                f"found shape {column.values.shape}; take it from the same table"
            )
    names = [column.name for column in made]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ArgumentError(f"columns: each name must stand once; found {twice!r} twice; rename one")
    return made


def choose_view(columns: Iterable[Column]) -> MapView:
    """Choose color and panels: hue by the attribute with an order, panels by the two smallest others.

    A joint class with hues, shades and shapes is one map. Without one, three age groups in six panels of mask x gender
    can be read.
    Without an ordered attribute the hue is the largest one that there are colors for. Only labels are chosen: columns
    under a heading of their own are what was made of them.
    """
    columns = list(columns)
    joint = next((column for column in columns if column.joint is not None), None)
    if joint is not None:
        return MapView(joint)
    known = [column for column in columns if column.num_classes > 1 and not column.group]
    hue = next((column for column in known if column.ordered), None)
    if hue is None:
        fitting = [column for column in known if column.num_classes <= MOST_CATEGORIES]
        hue = max(fitting, key=lambda column: column.num_classes, default=known[0] if known else None)
    others = sorted(
        (
            column
            for column in known
            if column is not hue and column.num_classes <= _MOST_PER_SIDE and not _tells(column, hue)
        ),
        key=lambda column: column.num_classes,
    )[:2]
    if len(others) == 2 and others[0].num_classes * others[1].num_classes <= _MOST_PANELS:
        return MapView(hue, rows=others[0], cols=others[1])
    return MapView(hue, cols=others[0] if others else None)


def _tells(column: Column, other: Column | None) -> bool:
    """Whether a column's class already settles the other's, as a joint class does: its panels would repeat the hue."""
    if other is None:
        return False
    pairs = column.values * (other.num_classes + 1) + other.values
    return len(np.unique(pairs)) == len(np.unique(column.values))


def crossed(first: Column, second: Column) -> Column:
    """The column whose classes are the pairs of two columns' classes."""
    pairs = [f"{a} · {b}" for a in first.classes or () for b in second.classes or ()]
    unknown = (first.values < 0) | (second.values < 0)
    codes = np.where(unknown, -1, first.values * second.num_classes + second.values)
    return Column(f"{first.name} × {second.name}", codes, tuple(pairs), ordered=False)
