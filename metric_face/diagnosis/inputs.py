"""From plain arrays to a context: every length checked, labels and identities encoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Floats, Ints, column_of
from metric_face.diagnosis.coding import column, encode, identity_codes, mapped, predicted, same_length
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.facts import HELD_OUT_NAMES, TRAIN_NAMES
from metric_face.diagnosis.known import Known
from metric_face.diagnosis.measures.arms import arms_of
from metric_face.errors import ArgumentError
from metric_face.vectors import as_vectors

LABEL = "label"
"""Name of the attribute where labels are one plain array."""


@dataclass(frozen=True)
class _Labels:
    """The labels of every attribute as codes.

    Attributes:
        codes: (N,) classes of each attribute.
        names: names of the classes of each attribute.
        single: whether they were given as one plain array; predictions then are too.
        count: N.
    """

    codes: dict[str, Ints]
    names: dict[str, tuple[str, ...]]
    single: bool
    count: int

    def by_attribute(self, values: Any) -> dict[str, Any]:
        """Something given in the form of the labels, by attribute."""
        return {LABEL: values} if self.single else dict(values)


def context_of(embeddings: Any, labels: Any, identities: Any = None, **known: Unpack[Known]) -> Context:
    """Check plain arrays and make a context of them.

    Args:
        embeddings: (N, D) vectors of all labeled images.
        labels: (N,) integers or strings, none missing; or a mapping of attribute names to such arrays, or a data
            frame of them.
        identities: (N,) integers or strings, none missing; or None.
        **known: whatever else is known, as listed at :class:`.known.Known`.

    Returns:
        The context.

    Raises:
        ArgumentError: an unknown argument, an array of another length or kind than stated, or a label or identity
            that is missing.
    """
    for name in known:
        if name not in Known.__annotations__:
            raise ArgumentError(
                f"arguments must be among {', '.join(sorted(Known.__annotations__))}, found {name!r}"
            )
    vectors = as_vectors(embeddings)
    encoded = _encoded(labels, known.get("classes"), len(vectors))
    context = Context(
        vectors,
        encoded.codes,
        encoded.names,
        identity_codes(identities, len(vectors)),
        identities_known=identities is not None,
        **_of_images(known, encoded),
        **_of_predictions(known, encoded),
        **_of_training(known, len(vectors)),
        **_of_unlabeled(known, vectors.shape[1]),
        seed=known.get("seed", 0),
    )
    if not len(context.evaluated):
        raise ArgumentError(
            "predictions must cover at least one held-out image, found none; leave them out or add some"
        )
    return context


def _encoded(labels: Any, classes: Any, count: int) -> _Labels:
    labels = mapped(labels)
    single = not isinstance(labels, Mapping)
    given = {LABEL: labels} if single else dict(labels)
    names = ({LABEL: classes} if single else dict(classes)) if classes is not None else {}
    if not given:
        raise ArgumentError("labels must name at least one attribute, found an empty mapping")
    found = {a: encode(a, values, names.get(a), count) for a, values in given.items()}
    return _Labels(
        {a: c for a, (c, _) in found.items()}, {a: n for a, (_, n) in found.items()}, single, count
    )


def _of_images(known: Known, labels: _Labels) -> dict[str, Any]:
    """The split, the images, their neutral vectors and the values behind their labels."""
    neutral, images = known.get("neutral"), known.get("images")
    return {
        "split": _split(known.get("split"), known.get("validation"), labels.count),
        "neutral": None if neutral is None else _vectors(neutral, "neutral", labels.count),
        "images": None if images is None else same_length(images, "images", labels.count),
        "raw_values": {a: _raw(a, v, labels) for a, v in (known.get("raw_values") or {}).items()},
        "cuts": {a: tuple(float(c) for c in v) for a, v in (known.get("cuts") or {}).items()},
    }


def _of_predictions(known: Known, labels: _Labels) -> dict[str, Any]:
    """Probabilities and predicted classes; these are the largest probabilities where only those were given."""
    predictions, probabilities = known.get("predictions"), known.get("probabilities")
    chances = None
    if probabilities is not None:
        chances = {
            a: same_length(np.asarray(p, dtype=np.float64), f"probabilities[{a!r}]", labels.count)
            for a, p in labels.by_attribute(probabilities).items()
        }
    if predictions is not None:
        given = labels.by_attribute(predictions)
    elif chances is not None:
        given = {
            a: np.where(np.isfinite(p).all(axis=1), np.nan_to_num(p).argmax(axis=1), -1)
            for a, p in chances.items()
        }
    else:
        return {}
    missing = [a for a in labels.codes if a not in given]
    if missing:
        raise ArgumentError(
            f"predictions must cover every attribute of the labels, found none of {missing[0]!r}"
        )
    codes = {a: predicted(a, given[a], labels.names[a], labels.count) for a in labels.codes}
    return {"predictions": codes, "probabilities": chances}


def _of_training(known: Known, count: int) -> dict[str, Any]:
    """What the training left: its log, batches, transforms, settings, classifiers and the runs beside it."""
    runs, head = known.get("runs"), known.get("head")
    return {
        "log": known.get("log"),
        "batches": _epochs(known.get("batches"), count),
        "promised": known.get("promised"),
        "transforms": known.get("transforms"),
        "settings": dict(known.get("settings") or {}),
        "arms": None if runs is None else arms_of(runs),
        "head": None if head is None else {a: np.asarray(w, dtype=np.float64) for a, w in head.items()},
        "look_ahead": known.get("look_ahead"),
    }


def _of_unlabeled(known: Known, width: int) -> dict[str, Any]:
    """The images to be predicted, and their identities where both are known."""
    vectors, identities = known.get("unlabeled"), known.get("unlabeled_identities")
    if vectors is None:
        return {}
    checked = as_vectors(vectors, "unlabeled", width)
    if identities is None:
        return {"unlabeled": checked}
    codes = identity_codes(identities, len(checked), "unlabeled_identities")
    return {"unlabeled": checked, "unlabeled_identities": codes}


def _split(split: Any, validation: Any, count: int) -> NDArray[np.str_] | None:
    if split is not None and validation is not None:
        raise ArgumentError("split and validation must not both be given; validation is the short form")
    if validation is not None:
        held = same_length(column_of(validation), "validation", count)
        if held.dtype.kind != "b":
            raise ArgumentError(f"validation must be booleans, found {held.dtype}; True for held-out images")
        return np.where(held, "val", "train")
    if split is None:
        return None
    names: NDArray[np.str_] = column(split, "split", count).astype(str)
    if not np.isin(names, (*TRAIN_NAMES, *HELD_OUT_NAMES)).any():
        raise ArgumentError(
            f"split must name splits such as 'train' and 'val', found {', '.join(np.unique(names)[:3].tolist())}"
        )
    return names


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


def _raw(attribute: str, values: Any, labels: _Labels) -> Doubles:
    if attribute not in labels.codes:
        raise ArgumentError(f"raw_values must be of attributes in labels, found {attribute!r}")
    try:
        array: Doubles = np.asarray(column_of(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"raw_values[{attribute!r}] must be numbers, found {error}") from None
    same_length(array, f"raw_values[{attribute!r}]", labels.count)
    return array


def _vectors(vectors: Any, name: str, count: int) -> Floats:
    return np.asarray(same_length(as_vectors(vectors, name), name, count))
