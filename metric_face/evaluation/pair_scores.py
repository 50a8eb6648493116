"""evaluate_pairs: verification on pairs of images."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Bools, Doubles
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation.pairs import ImagePairs, drawn_pairs, every_pair, read_pairs
from metric_face.evaluation.protocol_inputs import (
    Source,
    embeddings_of,
    labels_of,
    opened_source,
    trained_rows,
    with_identity,
)
from metric_face.metrics import RATES, VerificationMetrics, verification_metrics
from metric_face.plurals import counted
from metric_face.vectors import Metric, as_vectors, blocks, check_directions, check_metric


@dataclass(frozen=True)
class PairScores:
    """How well pairs of one identity are told from pairs of two.

    Attributes:
        verification: rates, EER, accuracy, with intervals over identities.
        identities: on the images of the pairs.
        images: of the pairs.
        notes: what was left out, drawn or assumed, a line each.
    """

    verification: VerificationMetrics
    identities: int
    images: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain data, for JSON."""
        return asdict(self)


def evaluate_pairs(
    source: Source,
    pairs: ImagePairs | str | Path = "drawn",
    *,
    metric: Metric = "cosine",
    rates: tuple[float, ...] = RATES,
    identity: str = "identity",
    split: str | None = None,
    seed: int = 0,
) -> PairScores:
    """Verify pairs of images: ROC, true-positive rates at false-accept rates, EER, accuracy over ten folds.

    Args:
        source: a run or its folder, a folder of embeddings, or embeddings.
        pairs: a file, as :func:`read_pairs` takes it; ``drawn``: ten folds of whole identities with 300 genuine and 300
            impostor pairs each, as LFW has them; ``all``: every pair, a million of each kind at most, without folds.
        metric: ``cosine``, ``inner_product`` or ``euclidean``.
        rates: false-accept rates.
        identity: column of identities; of class folders that are identities ``label``.
        split: as for :func:`evaluate_queries`; default, with a file, every image.
        seed: of drawing and resampling.

    Returns:
        The rates with intervals over identities.

    Raises:
        ArgumentError: the table has no identities to make pairs by, or too few; or no such column.
        DataError: the file of pairs is wrong.

    Example:
        >>> found = metric_face.evaluate_pairs("runs/first", "pairs.txt")
        >>> found.verification.accuracy.value
        0.874
    """
    check_metric(metric)
    is_file = not isinstance(pairs, ImagePairs) and pairs not in ("all", "drawn")
    source = opened_source(source)
    embeddings = embeddings_of(source, "all" if split is None and is_file else split)
    left_out: list[str] = []
    if identity != "identity":
        embeddings = with_identity(embeddings, identity, left_out)
        names = labels_of(embeddings.table, identity, "identity")
        embeddings = replace(embeddings, table=embeddings.table.with_column("identity", names))
    if isinstance(pairs, ImagePairs):
        chosen = pairs
        if len(chosen.identities) != len(embeddings):
            raise ArgumentError(
                f"pairs must be of the {len(embeddings):,} images evaluated, found pairs of a table of "
                f"{len(chosen.identities):,}; give the same split"
            )
    elif pairs == "all":
        chosen = every_pair(embeddings.table, seed=seed)
    elif pairs == "drawn":
        chosen = drawn_pairs(embeddings.table, seed=seed)
    else:
        chosen = read_pairs(pairs, embeddings.table, seed=seed)
    found = verification_metrics(
        similarities(embeddings, chosen, metric),
        chosen.same,
        chosen.identities[chosen.first],
        chosen.identities[chosen.second],
        folds=chosen.folds,
        rates=rates,
        seed=seed,
    )
    shown = np.unique(np.concatenate([chosen.first, chosen.second]))
    notes = (*left_out, *chosen.notes, *_of_training(chosen, trained_rows(source, embeddings.table)))
    return PairScores(found, len(np.unique(chosen.identities[shown])), len(shown), notes)


def _of_training(pairs: ImagePairs, trained: Bools) -> list[str]:
    seen = int((trained[pairs.first] | trained[pairs.second]).sum())
    if not seen:
        return []
    return [
        f"{seen:,} of {counted(len(pairs), 'pairs')} show images that the model was trained on, which it tells apart "
        "better than new ones; split val leaves them out"
    ]


def similarities(embeddings: Embeddings, pairs: ImagePairs, metric: Metric) -> Doubles:
    """(P,) similarities of pairs in float64: cosine, inner product, or negative distance."""
    vectors = as_vectors(embeddings.vectors, "vectors")
    if metric == "cosine":
        check_directions(vectors, "vectors")
    near = np.empty(len(pairs))
    for rows in blocks(len(pairs), 2 * vectors.shape[1]):
        left, right = (vectors[at[rows]].astype(np.float64) for at in (pairs.first, pairs.second))
        if metric == "euclidean":
            near[rows] = -np.linalg.norm(left - right, axis=1)
            continue
        near[rows] = np.einsum("nd,nd->n", left, right)
        if metric == "cosine":
            near[rows] /= np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return near
