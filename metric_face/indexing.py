"""index_run: the index that the kNN command asks, with the k that validation chose for each target."""

from typing import Any

import numpy as np

from metric_face.asking import CODE
from metric_face.data.targets import targets_of
from metric_face.embeddings import Embeddings
from metric_face.index import EmbeddingIndex
from metric_face.k_choice import choose_k
from metric_face.knn import KNNClassifier
from metric_face.run import Run


def index_run(
    run: Run, embeddings: Embeddings | None = None, *, part: str = "train", **build: Any
) -> EmbeddingIndex:
    """Index the embeddings of a run, and choose how its neighbours vote.

    Args:
        run: a run.
        embeddings: of its images; default those stored in the run.
        part: the part to search in; ``all`` takes every image. The settings of the vote are chosen on the
            validation part against the training part in either case, so that no image votes on itself.
        build: of :meth:`EmbeddingIndex.build`, such as ``kind``, ``memory_budget`` and ``recall``.

    Returns:
        The index; its metadata holds the targets, their class names, and k, votes and temperature of each.
    """
    embeddings = embeddings if embeddings is not None else run.embeddings()
    held = embeddings if part == "all" else embeddings.part(part)
    targets = targets_of(held.table, run.space)
    columns = {name: held.table.frame[name].to_numpy() for name in held.table.frame.columns}
    columns |= {f"{CODE}{name}": codes for name, (codes, _) in targets.items()}
    metadata = {
        "root": str(held.table.root.resolve()),
        "part": part,
        "targets": {name: {"classes": list(names)} for name, (_, names) in targets.items()},
    }
    for name, settings in _vote_settings(run, embeddings).items():
        metadata["targets"][name] |= settings  # type: ignore[index]
    return EmbeddingIndex.build(
        np.ascontiguousarray(held.vectors),
        columns,
        fingerprint=run.fingerprint,
        transform=run.card["transform"],
        metadata=metadata,
        **build,
    )


def _vote_settings(run: Run, embeddings: Embeddings) -> dict[str, dict[str, Any]]:
    if run.space is None or "val" not in embeddings.table.splits:
        return {}
    gallery, queries = embeddings.part("train"), embeddings.part("val")
    known, asked = targets_of(gallery.table, run.space), targets_of(queries.table, run.space)
    depth = min(100, len(gallery))
    first = next(iter(known.values()))[0]
    ids, similarities = KNNClassifier(depth).fit(gallery.vectors, first).search(queries.vectors, depth)
    settings = {}
    for name in known:
        best = choose_k(ids, similarities, known[name][0], asked[name][0]).best
        settings[name] = {
            "k": best.k,
            "votes": best.votes,
            "temperature": best.temperature,
            "val_macro_f1": best.macro_f1,
        }
    return settings
