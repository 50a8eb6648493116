"""What copies of images do to labels, identities and the split."""

from collections.abc import Iterator, Sequence

import pandas as pd

from metric_face.auditing.findings import DataFinding, Severity
from metric_face.auditing.label_checks import raw_labels, row_groups, varying_labels
from metric_face.auditing.remedies import REMEDIES
from metric_face.data import ImageTable, LabelSpace

_WRONG = {
    "exact": "at most one of each is right, and no model can learn both",
    "near": "where both are the same photograph, at most one is right",
}
_SEEN = {"exact": "what is the same picture", "near": "two pictures that look the same"}
_COUNTS = {
    "exact": "a copy counts twice in training and in the score",
    "near": "a copy, where it is one, counts twice in training and in the score",
}
_TESTED = {"exact": "pictures it has seen", "near": "what it has all but seen"}


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
        space: where there is one, whether the classes to be learnt differ is said as well.
        exact: groups of rows with the same bytes; near: pairs of rows with the same picture.
    """
    split = table.frame["split"] if table.splits else None
    raw = raw_labels(table, () if space is None else space.names)
    who = table.identities
    free = varying_labels(who, raw) | varying_labels(who, labels)

    def conflict(kind: str, columns: pd.DataFrame, rows: Sequence[int]) -> bool:
        """Whether labels differ that cannot: a mask may, on two pictures of one identity that are only nearly equal."""
        if kind == "near" and who is not None and len(set(who[list(rows)])) == 1:
            columns = columns[[name for name in columns.columns if str(name) not in free]]
        return _disagree(columns, rows)

    kinds = (
        ("exact", exact, "groups of files with the same content", "group of files with the same content"),
        ("near", near, "pairs of nearly equal pictures", "pair of nearly equal pictures"),
    )
    for kind, groups, words, one in kinds:
        surely: Severity = "certain" if kind == "exact" else "warning"
        differ = [g for g in groups if conflict(kind, raw, g)]
        if differ:
            names = [str(n) for n in raw.columns if any(conflict(kind, raw[[n]], g) for g in differ)]
            learnt = [g for g in differ if conflict(kind, labels, g)]
            also = "" if space is None else f" In {len(learnt)} of them the classes to be learnt differ."
            yield DataFinding(
                f"{kind}-copies-disagree",
                surely if learnt or space is None else "warning",
                f"{len(differ)} of {len(groups)} {words} have different labels ({', '.join(names)}): {_WRONG[kind]}."
                f"{also}",
                REMEDIES[f"{kind}-copies-disagree"],
                row_groups([*learnt, *(g for g in differ if g not in learnt)]),
            )
        strangers = [g for g in groups if who is not None and len(set(who[list(g)])) > 1]
        if strangers:
            yield DataFinding(
                f"{kind}-copies-of-two-identities",
                surely,
                f"{len(strangers)} of {len(groups)} {words} belong to different identities: the loss pushes apart "
                f"{_SEEN[kind]}.",
                REMEDIES[f"{kind}-copies-of-two-identities"],
                row_groups(strangers),
            )
        torn = [g for g in groups if split is not None and split.iloc[list(g)].nunique() > 1]
        if torn:
            yield DataFinding(
                f"{kind}-copies-across-splits",
                surely,
                f"{len(torn)} of {len(groups)} {words} are in two splits: the model is tested on {_TESTED[kind]}.",
                REMEDIES[f"{kind}-copies-across-splits"],
                row_groups(torn),
            )
        if groups:
            yield DataFinding(
                f"{kind}-copies",
                "note" if kind == "near" else "warning",
                f"{len(groups)} {words if len(groups) > 1 else one}: {_COUNTS[kind]}.",
                REMEDIES[f"{kind}-copies"],
                row_groups(groups),
            )


def _disagree(labels: pd.DataFrame, rows: Sequence[int]) -> bool:
    """Whether labels differ among the rows that have them."""
    return bool((labels.iloc[list(rows)].nunique() > 1).any())
