"""Building an index in Milvus, and opening one: what a killed command left is recognized, and made again."""

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.search.build_shards import without
from metric_face.search.columns import Columns
from metric_face.search.kinds import Kind, Plan
from metric_face.search.milvus_client import (
    blaming_milvus,
    connect,
    drop_ours,
    is_lite,
    make_collection,
    read_about,
    rebuild_index,
    write_about,
)
from metric_face.search.milvus_places import check_collection, fields_of
from metric_face.search.milvus_store import MilvusStore
from metric_face.search.tuning import HeldOut, Recall, held_out_rows, tune
from metric_face.vectors import Metric

_CHECKED = ("build", "fingerprint", "kind", "metric", "dimensions")


def build_milvus(
    uri: str,
    collection: str,
    vectors: Floats,
    columns: Columns,
    plan: Plan,
    metric: Metric,
    recall: float,
    seed: int,
) -> tuple[MilvusStore, Recall]:
    """Put (N, D) vectors into a new collection, and find how far a search must look.

    Args:
        uri: of the database.
        collection: its name; one of ours that is there is what a killed command left, and is dropped.
        vectors: (N, D) finite float32, not prepared.
        columns: of the vectors.
        plan: the kind and its sizes.
        metric: of the search.
        recall: recall@10 to tune for.
        seed: of which queries are held out.

    Raises:
        ArgumentError: a file of Milvus Lite is asked for product quantization, which only a server has.
        OutputError: the database refuses, or the collection was made by someone else.
    """
    if is_lite(uri) and plan.kind == "ivfpq":
        raise ArgumentError(
            f"kind must be flat, ivf, hnsw or ivfsq in a file of Milvus Lite, found 'ivfpq' (milvus:{uri}); "
            "choose one of these, or a server"
        )
    client = connect(uri)
    fields = fields_of(columns)
    place: dict[str, Any] = {
        "uri": uri,
        "collection": collection,
        "build": secrets.token_hex(8),
        "fields": fields,
    }
    place["lists"] = plan.num_lists
    with blaming_milvus(f"collection {collection}: cannot be made"):
        drop_ours(client, collection)
        make_collection(client, collection, plan, metric, vectors.shape[1], columns, fields)
    nothing = np.empty(0, np.int64)
    store = MilvusStore(client, place, plan.kind, metric, vectors.shape[1], nothing, is_mapped=False)
    store.add(vectors, columns)
    store.columns = columns
    with blaming_milvus(f"collection {collection}: cannot be loaded"):
        if plan.kind == "flat":
            client.load_collection(collection)
            return store, Recall(recall, 1.0, count=len(vectors))
        rebuild_index(client, collection, plan, metric)
    held = held_out_rows(len(vectors), seed)
    reached = tune(store, HeldOut(vectors, held, metric), without(held, store), recall, len(vectors))
    return store, reached


def open_milvus(
    place: Mapping[str, Any],
    kind: Kind,
    metric: Metric,
    dimensions: int,
    keys: Ints,
    fingerprint: str,
    *,
    change: bool,
) -> MilvusStore:
    """Open the collection of an index, and compare what lies beside it with the folder.

    Raises:
        FileFormatError: the collection is incomplete, of another build or model, or lacks vectors.
        OutputError: the database cannot be reached.
    """
    name = check_collection(place["collection"])
    client = connect(place["uri"])
    with blaming_milvus(f"collection {name}: cannot be opened"):
        about = read_about(client, name)
        own = {"build": place["build"], "fingerprint": fingerprint, "kind": kind, "metric": metric}
        own["dimensions"] = dimensions
        for key in _CHECKED:
            if about.get(key) != own[key]:
                raise FileFormatError(
                    f"collection {name}: {key} must be {own[key]!r} as the folder says, found {about.get(key)!r}; "
                    "run 'metric-face index' again"
                )
        client.load_collection(name)
        held = int(client.query(name, filter="", output_fields=["count(*)"])[0]["count(*)"])
    if held < len(keys):
        raise FileFormatError(
            f"collection {name} holds {held:,} vectors, the folder says {len(keys):,}; run 'metric-face index' again"
        )
    store = MilvusStore(
        client, dict(place), kind, metric, dimensions, keys, strays=held - len(keys), is_mapped=not change
    )
    if change and store.strays:
        store.drop_unkept()
        store.strays = int(client.query(name, filter="", output_fields=["count(*)"])[0]["count(*)"]) - len(
            keys
        )
    return store


def describe(store: MilvusStore, about: Mapping[str, Any]) -> None:
    """Write the settings of an index beside its collection: with them it is complete."""
    with blaming_milvus(f"collection {store.collection}: cannot be described"):
        write_about(store.client, store.collection, {**about, "build": store.place["build"]})


def drop_replaced(place: Mapping[str, Any] | None, uri: str, kept: str) -> None:
    """Drop the collection that an index in the same folder had before, if it lay in the same database."""
    if place is None or place.get("uri") != uri or place.get("collection") == kept:
        return
    with blaming_milvus("the replaced collection cannot be dropped"):
        drop_ours(connect(uri), check_collection(place["collection"]))
