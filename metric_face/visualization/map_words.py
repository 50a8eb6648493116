"""What a map says of itself: how far it may be believed, what is missing, and its numbers in a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.pages import Column
from metric_face.visualization.faithfulness import LOW, Faithfulness
from metric_face.visualization.projection import Projection

_LISTED = 40


@dataclass(frozen=True)
class ChartTable:
    """A table under a chart."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def lead(projection: Projection, words: Mapping[str, Any]) -> str:
    """What the map shows, and what its rings are."""
    if not projection.new:
        return str(words["lead"])
    counts = {"new": f"{projection.new:,}", "others": f"{projection.n - projection.new:,}"}
    return f"{words['lead']} {words['new_lead'].format(**counts)}"


def trust(
    projection: Projection, faithfulness: Mapping[str, Faithfulness], words: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Names and numbers that belong under every map."""
    figures = [(words["points"], f"{projection.n - projection.new:,}"), (words["seed"], str(projection.seed))]
    if projection.new:
        figures.insert(1, (words["new_points"], f"{projection.new:,}"))
    for name, one in faithfulness.items():
        if np.isfinite(one.label_trustworthiness):
            for measure, value in (
                ("label_trust", one.label_trustworthiness),
                ("label_continuity", one.label_continuity),
            ):
                figures.append((words["for_name"].format(measure=words[measure], name=name), f"{value:.2f}"))
    return figures


def banner(faithfulness: Mapping[str, Faithfulness], words: Mapping[str, Any]) -> str | None:
    """A warning over a map that misleads, or None."""
    misled: dict[str, list[str]] = {}  # what is wrong -> the columns it is wrong for
    for name, one in faithfulness.items():
        if one.is_low:
            faults = [words["presses"]] if one.label_trustworthiness < LOW else []
            faults += [words["parts"]] if one.label_continuity < LOW else []
            misled.setdefault(words["and"].join(faults), []).append(name)
    lines = [words["banner"].format(name=", ".join(names), fault=fault) for fault, names in misled.items()]
    return " ".join(lines) or None


def remark(n: int, shown: int, broken: int, words: Mapping[str, Any]) -> str:
    """What the reader should know of the thumbnails, or ""."""
    some = words["thumbs_some"].format(n=f"{n:,}", k=f"{shown:,}") if shown < n else ""
    return f"{some} {words['thumbs_broken'].format(n=broken) if broken else ''}".strip()


def class_table(column: Column, one: Faithfulness, words: Mapping[str, Any]) -> ChartTable:
    """A row for each class of a column: how many, and the means of what was measured; the smallest classes in one."""
    heads = [
        column.name,
        *(words[key] for key in ("number", "mean_purity", "mean_purity_2", "mean_distortion")),
    ]
    counts = np.bincount(column.values[column.values >= 0], minlength=column.num_classes)
    order = (
        range(column.num_classes)
        if column.num_classes <= _LISTED
        else np.argsort(-counts, kind="stable")[:_LISTED]
    )
    groups = [((column.classes or ())[code], column.values == code) for code in order]
    left = column.num_classes - _LISTED
    if left > 0:
        groups.append(
            (words["other_classes"].format(n=left), ~np.isin(column.values, order) & (column.values >= 0))
        )
    rows = []
    for name, rows_of in groups:
        numbers = [
            _mean(values[rows_of]) for values in (one.purity_D, one.purity_2, one.distortion, one.mismatch)
        ]
        rows.append([name, f"{rows_of.sum():,}", *numbers])
    return ChartTable(column.name, [*heads, words["share_mismatch"]], rows)


def _mean(values: NDArray[Any]) -> str:
    known = values[np.isfinite(values)]
    return f"{known.mean():.2f}" if len(known) else "–"
