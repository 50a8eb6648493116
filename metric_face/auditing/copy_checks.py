"""What copies of images do to labels, identities and the split."""

from collections.abc import Iterator, Sequence

import pandas as pd

from metric_face.auditing.findings import DataFinding, Severity
from metric_face.auditing.label_checks import row_groups, varying_labels
from metric_face.auditing.label_columns import raw_labels
from metric_face.data import ImageTable, LabelSpace


def check_copies(
    table: ImageTable,
    labels: pd.DataFrame,
    space: LabelSpace | None,
    exact: list[tuple[int, ...]],
    near: list[tuple[int, int]],
) -> Iterator[DataFinding]:
    """Copies whose labels disagree, copies in two splits, and how many there are.

    Args:
        table: N images.
        labels: (N, A) in words.
        space: where there is one, whether the classes to be learned differ is reported as well.
        exact: groups of rows with the same bytes; near: pairs of rows with the same picture.
    """
    split = table.frame["split"] if table.splits else None
    raw = raw_labels(table, () if space is None else space.names)
    identity_of = table.identities
    free = varying_labels(identity_of, raw) | varying_labels(identity_of, labels)

    def conflict(kind: str, columns: pd.DataFrame, rows: Sequence[int]) -> bool:
        """Whether labels differ that cannot: a mask may, on two pictures of one identity that are only nearly equal."""
        if kind == "near" and identity_of is not None and len(set(identity_of[list(rows)])) == 1:
            columns = columns[[name for name in columns.columns if str(name) not in free]]
        return _disagree(columns, rows)

    for kind, groups in (("exact", exact), ("near", near)):
        of = {"groups": len(groups)}
        surely: Severity = "certain" if kind == "exact" else "warning"
        differ = [g for g in groups if conflict(kind, raw, g)]
        if differ:
            names = [str(n) for n in raw.columns if any(conflict(kind, raw[[n]], g) for g in differ)]
            learned = [g for g in differ if conflict(kind, labels, g)]
            yield DataFinding(
                f"{kind}-copies-disagree",
                surely if learned or space is None else "warning",
                f"{kind}-copies-disagree",
                of | {"count": len(differ), "names": names, "learned": len(learned)},
                row_groups([*learned, *(g for g in differ if g not in learned)]),
                also=() if space is None else ("copies-learned",),
            )
        unrelated = [g for g in groups if identity_of is not None and len(set(identity_of[list(g)])) > 1]
        torn = [g for g in groups if split is not None and split.iloc[list(g)].nunique() > 1]
        for name, found in (("of-two-identities", unrelated), ("across-splits", torn)):
            if found:
                key = f"{kind}-copies-{name}"
                yield DataFinding(key, surely, key, of | {"count": len(found)}, row_groups(found))
        if groups:
            yield DataFinding(
                f"{kind}-copies",
                "note" if kind == "near" else "warning",
                f"{kind}-copies" if len(groups) > 1 else f"{kind}-copy",
                of,
                row_groups(groups),
            )


def _disagree(labels: pd.DataFrame, rows: Sequence[int]) -> bool:
    """Whether labels differ among the rows that have them."""
    return bool((labels.iloc[list(rows)].nunique() > 1).any())
