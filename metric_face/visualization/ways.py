"""Ways to look at a map beside its labels: purity of neighbors, mistakes, split and density, and how one is named."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError
from metric_face.pages import Column, page_words
from metric_face.visualization.faithfulness import neighbor_purity
from metric_face.visualization.map_measures import measures_of

_SPLITS = ("train", "val", "test")
_CLOSEST = 10  # neighbors whose similarity is the density


def ways_to_look(
    ids: ArrayLike,
    similarities: ArrayLike,
    targets: Mapping[str, NDArray[np.integer]],
    *,
    predicted: Mapping[str, NDArray[np.integer]] | None = None,
    split: ArrayLike | None = None,
    lang: str = "en",
) -> dict[str, Column]:
    """Columns that are measured rather than given, by the key that ``--color-by`` takes.

    Args:
        ids: (N, K) neighbors in the embedding space, -1 for none.
        similarities: (N, K) theirs, greatest first.
        targets: (N,) codes, -1 for unknown, by the name of what there is to predict; ``joint`` stands for the others
            where it is there, else the first one does.
        predicted: the same as predicted, by the same names; None where nothing predicts.
        split: (N,) of each image; left out where it is one alone.
        lang: ``en`` or ``ko``.

    Returns:
        ``purity``, ``mistakes``, ``split`` and ``density``, as far as they are known.
    """
    words = page_words(lang)
    near, made = np.asarray(ids), {}
    main = "joint" if "joint" in targets else next(iter(targets), None)
    if main is not None and main != "identity":  # whose neighbors are all of others: it would be 0 everywhere
        name = words["joint"] if main == "joint" else main
        purity = neighbor_purity(near, targets[main])
        made["purity"] = Column(words["way_purity"].format(name=name), purity, note=words["purity_note"])
    for target, codes in (predicted or {}).items():
        if target in targets:
            key = "mistakes" if target == main else f"mistakes:{target}"
            name = words["joint"] if target == "joint" else target
            made[key] = _mistakes(targets[target], codes, words["way_mistakes"].format(name=name), words)
    made |= _split(split, words)
    density = density_of(near, np.asarray(similarities, dtype=np.float32))
    made["density"] = Column(words["way_density"], density, note=words["density_note"])
    return {key: replace(column, group=words["ways"]) for key, column in made.items()}


def column_of_way(
    wanted: str, labels: list[Column], ways: Mapping[str, Column], measured: Mapping[str, Any], lang: str
) -> Column:
    """The column that ``color_by`` names: a label, a way to look, or ``purity:age`` of one attribute.

    It is there: ``check_color_by`` was asked before.
    """
    known = _given(labels, lang) | dict(ways)
    for name, one in measured.items():
        known |= dict(zip(_kinds(name), measures_of(name, one, lang), strict=True))
    return known[wanted]


def check_color_by(
    wanted: str, labels: list[Column], ways: Iterable[str], measured: Iterable[str], lang: str
) -> None:
    """Refuse a column that there is not, before a map is laid out.

    Raises:
        ArgumentError: there is none of that name.
    """
    known = [*_given(labels, lang), *ways, *(kind for name in measured for kind in _kinds(name))]
    if wanted not in known:
        raise ArgumentError(f"color_by={wanted!r}: must be one of {', '.join(known)}; choose one of them")


def _given(labels: list[Column], lang: str) -> dict[str, Column]:
    """The labels by the names of the command, which are not those of a language."""
    words = page_words(lang)
    keys = {words[key]: key for key in ("joint", "identity")}
    return {keys.get(column.name, column.name): column for column in labels}


def _kinds(name: str) -> list[str]:
    return [f"{kind}:{name}" for kind in ("purity", "mismatch", "distortion")]


def _mistakes(
    codes: NDArray[np.integer], predicted: NDArray[np.integer], name: str, words: Mapping[str, Any]
) -> Column:
    wrong = np.where(codes < 0, -1, (codes != predicted).astype(np.int64))
    return Column(name, wrong, (words["right"], words["wrong"]), note=words["mistakes_note"])


def _split(split: ArrayLike | None, words: Mapping[str, Any]) -> dict[str, Column]:
    if split is None:
        return {}
    given = np.asarray(split).astype(str)
    there = [name for name in _SPLITS if (given == name).any()]
    if len(there) < 2:
        return {}
    codes = np.full(len(given), -1, dtype=np.int64)
    for code, name in enumerate(there):
        codes[given == name] = code
    return {"split": Column(words["way_split"], codes, tuple(there), note=words["split_note"])}


def density_of(ids: NDArray[np.integer], similarities: Floats) -> Floats:
    """(N,) mean similarity to the closest neighbors, NaN without any."""
    there = (ids >= 0) & np.isfinite(similarities)
    order = np.argsort(~there, axis=1, kind="stable")[:, :_CLOSEST]
    kept, values = (np.take_along_axis(array, order, axis=1) for array in (there, similarities))
    count = kept.sum(axis=1)
    total = np.where(kept, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
