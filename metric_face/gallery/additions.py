"""An addition to a gallery: its columns as the index wants them, and its vectors, kept until they are in the index."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from metric_face.averaging import tta_of
from metric_face.data import ImageTable, Unseen
from metric_face.embeddings import Embeddings
from metric_face.errors import DataError, MetricFaceError
from metric_face.progress import Progress
from metric_face.run import Run
from metric_face.search import ADDED, EmbeddingIndex, files_of


def with_columns(
    table: ImageTable, index: EmbeddingIndex, values: Mapping[str, str], source: str
) -> ImageTable:
    """The table with the columns that the index answers for.

    The names of class folders are the identity, or the values of the one attribute that the index answers for, where
    it knows one of them.

    Raises:
        DataError: the table lacks such a column.
    """
    for name, value in values.items():
        table = table.with_column(name, np.full(len(table), value, object))
    attributes = index.metadata.get("attributes")
    answered = bool(index.metadata.get("targets"))
    needed = ["identity"] if attributes is None else [one["name"] for one in attributes]
    lacking = [name for name in needed if answered and name not in table.frame.columns]
    if lacking == needed[:1] and len(needed) == 1 and "label" in table.attributes:
        names, known = table.column("label").to_numpy(), index.metadata["targets"].get(needed[0], {})
        if attributes is None or set(names) & set(known.get("classes", ())):
            table, lacking = table.with_column(needed[0], names).without("label"), []
    if lacking:
        raise DataError(
            f"{source}: needs the column {lacking[0]!r}, which the index answers for, found "
            f"{', '.join(table.frame.columns)}; give a table with it, or --as {lacking[0]}=VALUE"
        )
    return table.with_column("split", np.full(len(table), ADDED, object))


def place_for(run: Run, table: ImageTable, made: str) -> Path:
    """Where the vectors of an addition, with the fingerprint of the index, are kept until they are in it."""
    text = "\n".join([made, *map(str, files_of(table))])
    return run.folder / "additions" / hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def embedded(
    run: Run,
    table: ImageTable,
    place: Path,
    made: str,
    batch_size: int,
    precision: str,
    progress: Progress,
) -> tuple[Embeddings, Unseen]:
    """The vectors of an addition, made as those of the index were; what an earlier call kept is taken as it is."""
    kept = _kept(made, table, place)
    if kept is not None:
        return kept

    from metric_face.extraction import extract  # loads PyTorch, which a listing does not need

    def work(part: ImageTable) -> Embeddings:
        return extract(
            run,
            part,
            folder=place,
            batch_size=batch_size,
            precision=precision,
            tta=tta_of(made),
            progress=progress,
        )

    return Unseen(table).look(work)


def _kept(made: str, table: ImageTable, place: Path) -> tuple[Embeddings, Unseen] | None:
    """What an earlier call embedded whole and did not live to add; None where there is none, or it is damaged."""
    try:
        stored = Embeddings.load(place)
        if stored.fingerprint != made or len(stored.state().changed):
            return None
        row_of = {name: row for row, name in enumerate(stored.table.frame["path"])}
        vectors = np.asarray(stored.vectors)
    except (MetricFaceError, OSError):
        return None
    names = table.frame["path"].tolist()
    rows = [row for row, name in enumerate(names) if name in row_of]
    lost = {name: "could not be used before" for name in names if name not in row_of}
    taken = vectors[[row_of[names[row]] for row in rows]]
    return Embeddings(taken, table.take(rows), made), Unseen(table, failed=lost)
