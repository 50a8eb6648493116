"""From plain arrays to a context: every length checked, labels and identities encoded."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.diagnosis.coding import column, encode, identity_codes, mapped, predicted, same_length
from metric_face.diagnosis.context import HELD_OUT_NAMES, TRAIN_NAMES, Context
from metric_face.diagnosis.measures.arms import arms_of
from metric_face.errors import ArgumentError
from metric_face.missing import column_of
from metric_face.vectors import as_vectors

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"
"""Name of the attribute where labels are one plain array."""


def context_of(
    embeddings: Any,
    labels: Any,
    identities: Any = None,
    *,
    classes: Any = None,
    split: Any = None,
    validation: Any = None,
    predictions: Any = None,
    probabilities: Any = None,
    neutral: Any = None,
    images: Any = None,
    log: "pd.DataFrame | None" = None,
    batches: Sequence[Any] | None = None,
    promised: int | None = None,
    transforms: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    raw_values: Mapping[str, Any] | None = None,
    cuts: Mapping[str, Sequence[float]] | None = None,
    unlabeled: Any = None,
    unlabeled_identities: Any = None,
    runs: Mapping[str, Sequence[float]] | Sequence[Any] | None = None,
    head: Mapping[str, Any] | None = None,
    look_ahead: Callable[[], Any] | None = None,
    seed: int = 0,
) -> Context:
    """Check plain arrays and make a context of them.

    Args:
        embeddings: (N, D) vectors of all labeled images.
        labels: (N,) integers or strings, none missing; or a mapping of attribute names to such arrays, or a data
            frame of them.
        identities: (N,) integers or strings, none missing; or None.
        classes: names of the classes, in the order of integer codes; a mapping where ``labels`` is one.
        split: (N,) names of the parts, such as ``train`` and ``val``.
        validation: (N,) booleans, True for held-out images; instead of ``split``.
        predictions: (N,) predicted classes (a mapping where ``labels`` is one), coded as the labels are; -1 or an
            empty string where there is none. Out-of-fold probes predict where this is missing.
        probabilities: (N, C), or a mapping of such; instead of ``predictions``.
        neutral: (N, D0) vectors of a backbone that never saw these labels.
        images: N paths, or (N, H, W[, 3]) uint8.
        log: one row for each thing logged; columns as in :mod:`.training_log`.
        batches: what training drew: a list of batches of row numbers, or a list of epochs of such.
        promised: batches that an epoch announced.
        transforms: ``train`` and ``evaluation``: callables on a PIL image, or lists of descriptions.
        settings: facts of the set-up, as in :mod:`.basics`.
        raw_values: (N,) continuous values behind binned attributes, by attribute.
        cuts: ascending cuts of those.
        unlabeled: (M, D) vectors of the images to be predicted.
        unlabeled_identities: (M,) who is on them, where that is known.
        runs: macro F1 of several seeds for the arms ``metric``, ``head`` and ``both`` of equal budget; or the runs
            themselves (or their folders), each of which says which losses it had.
        head: classifier weights (C, D) by attribute.
        look_ahead: measures what a step along one loss does to the other, as :mod:`.look_ahead` does for a run.
        seed: of every draw.

    Returns:
        The context.

    Raises:
        ArgumentError: an array of another length or kind than stated, or a label or identity that is missing.
    """
    vectors = as_vectors(embeddings)
    count = len(vectors)
    labels = mapped(labels)
    single = not isinstance(labels, Mapping)
    given = {LABEL: labels} if single else dict(labels)
    names = ({LABEL: classes} if single else dict(classes)) if classes is not None else {}
    codes: dict[str, Ints] = {}
    known: dict[str, tuple[str, ...]] = {}
    for attribute, values in given.items():
        codes[attribute], known[attribute] = encode(attribute, values, names.get(attribute), count)
    if not codes:
        raise ArgumentError("labels must name at least one attribute, found an empty mapping")
    said = _said(predictions, probabilities, codes, known, single, count)
    context = Context(
        vectors,
        codes,
        known,
        identity_codes(identities, count),
        identities_known=identities is not None,
        split=_split(split, validation, count),
        predictions=said,
        neutral=None if neutral is None else _vectors(neutral, "neutral", count),
        images=None if images is None else same_length(images, "images", count),
        log=log,
        batches=_epochs(batches, count),
        promised=promised,
        transforms=transforms,
        settings=dict(settings or {}),
        raw_values={a: _raw(a, v, codes, count) for a, v in (raw_values or {}).items()},
        cuts={a: tuple(float(c) for c in v) for a, v in (cuts or {}).items()},
        unlabeled=None if unlabeled is None else as_vectors(unlabeled, "unlabeled", vectors.shape[1]),
        unlabeled_identities=_unlabeled(unlabeled, unlabeled_identities),
        arms=None if runs is None else arms_of(runs),
        head=None if head is None else {a: np.asarray(w, dtype=np.float64) for a, w in head.items()},
        look_ahead=look_ahead,
        seed=seed,
    )
    if not len(context.evaluated):
        raise ArgumentError(
            "predictions must cover at least one held-out image, found none; leave them out or add some"
        )
    return context


def _split(split: Any, validation: Any, count: int) -> NDArray[np.str_] | None:
    if split is not None and validation is not None:
        raise ArgumentError("split and validation must not both be given; validation is the short form")
    if validation is not None:
        held = same_length(np.asarray(validation), "validation", count)
        if held.dtype.kind != "b":
            raise ArgumentError(f"validation must be booleans, found {held.dtype}; True for held-out images")
        return np.where(held, "val", "train")
    if split is None:
        return None
    parts: NDArray[np.str_] = column(split, "split", count).astype(str)
    if not np.isin(parts, (*TRAIN_NAMES, *HELD_OUT_NAMES)).any():
        raise ArgumentError(
            f"split must name splits such as 'train' and 'val', found {', '.join(np.unique(parts)[:3].tolist())}"
        )
    return parts


def _said(
    predictions: Any,
    probabilities: Any,
    codes: Mapping[str, Ints],
    names: Mapping[str, tuple[str, ...]],
    single: bool,
    count: int,
) -> dict[str, Ints] | None:
    if probabilities is not None:
        tables = {LABEL: probabilities} if single else dict(probabilities)
        chances = {
            a: same_length(np.asarray(p, dtype=np.float64), f"probabilities[{a!r}]", count)
            for a, p in tables.items()
        }
        predictions = {
            a: np.where(np.isfinite(p).all(axis=1), np.nan_to_num(p).argmax(axis=1), -1)
            for a, p in chances.items()
        }
        predictions = predictions[LABEL] if single else predictions
    if predictions is None:
        return None
    given = {LABEL: predictions} if single else dict(predictions)
    missing = [a for a in codes if a not in given]
    if missing:
        raise ArgumentError(
            f"predictions must cover every attribute of the labels, found none of {missing[0]!r}"
        )
    said = {}
    for attribute in codes:
        said[attribute] = predicted(attribute, given[attribute], names[attribute], count)
    return said


def _epochs(batches: Sequence[Any] | None, count: int) -> list[list[Ints]] | None:
    if batches is None or not len(batches):
        return None
    first = batches[0]
    nested = len(first) > 0 and np.ndim(first[0]) > 0
    epochs = batches if nested else [batches]
    read = [[np.asarray(batch, dtype=np.int64) for batch in epoch] for epoch in epochs]
    for epoch in read:
        for batch in epoch:
            if len(batch) and (batch.min() < 0 or batch.max() >= count):
                raise ArgumentError(f"batches must hold row numbers below {count}, found {int(batch.max())}")
    return read


def _raw(attribute: str, values: Any, codes: Mapping[str, Ints], count: int) -> Doubles:
    if attribute not in codes:
        raise ArgumentError(f"raw_values must be of attributes in labels, found {attribute!r}")
    try:
        array: Doubles = np.asarray(column_of(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"raw_values[{attribute!r}] must be numbers, found {error}") from None
    same_length(array, f"raw_values[{attribute!r}]", count)
    return array


def _unlabeled(vectors: Any, identities: Any) -> Ints | None:
    if vectors is None or identities is None:
        return None
    return identity_codes(identities, len(getattr(vectors, "vectors", vectors)), "unlabeled_identities")


def _vectors(vectors: Any, name: str, count: int) -> Floats:
    return np.asarray(same_length(as_vectors(vectors, name), name, count))
