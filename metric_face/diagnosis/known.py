"""Known: what a caller may state beside embeddings, labels and identities; every entry is optional."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import pandas as pd


class Known(TypedDict, total=False):
    """The keyword arguments of ``diagnose``; N images, D dimensions, C classes, M unlabeled images.

    Attributes:
        classes: names of the classes, in the order of integer codes; a mapping where ``labels`` is one.
        split: (N,) names of splits, such as ``train`` and ``val``.
        validation: (N,) booleans, True for held-out images; instead of ``split``.
        predictions: (N,) predicted classes (a mapping where ``labels`` is one), coded as the labels are; -1 or an
            empty string where there is none. Out-of-fold probes predict where this is missing.
        probabilities: (N, C), or a mapping of such; ``predictions`` are their largest where those are not given.
        neutral: (N, D0) vectors of a backbone that never saw these labels.
        images: N paths, or (N, H, W[, 3]) uint8.
        raw_values: (N,) continuous values behind binned attributes, by attribute.
        cuts: ascending cuts of those.
        log: one row for each thing logged; columns as in :mod:`.measures.training_log`.
        batches: what training drew: a list of batches of row numbers, or a list of epochs of such.
        promised: batches that an epoch announced.
        transforms: ``train`` and ``evaluation``: callables on a PIL image, or lists of descriptions.
        settings: facts of the set-up, as in :mod:`.questions.basics` and :mod:`.questions.setup`.
        runs: macro F1 of several seeds for the arms ``metric``, ``head`` and ``both`` of equal budget; or the runs
            themselves (or their folders), each of which names its losses.
        head: classifier weights (C, D) by attribute.
        look_ahead: measures what a step along one loss does to the other, as :mod:`.measures.look_ahead` does.
        unlabeled: (M, D) vectors of the images to be predicted.
        unlabeled_identities: (M,) the identities of those, where they are known.
        seed: of every draw.
    """

    classes: Any
    split: Any
    validation: Any
    predictions: Any
    probabilities: Any
    neutral: Any
    images: Any
    raw_values: Mapping[str, Any] | None
    cuts: Mapping[str, Sequence[float]] | None
    log: "pd.DataFrame | None"
    batches: Sequence[Any] | None
    promised: int | None
    transforms: Mapping[str, Any] | None
    settings: Mapping[str, Any] | None
    runs: Mapping[str, Sequence[float]] | Sequence[Any] | None
    head: Mapping[str, Any] | None
    look_ahead: Callable[[], Any] | None
    unlabeled: Any
    unlabeled_identities: Any
    seed: int
