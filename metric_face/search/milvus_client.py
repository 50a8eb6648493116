"""The client of Milvus, and the collections that an index makes with it."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from metric_face.errors import FileFormatError, MetricFaceError, OutputError
from metric_face.extras import named_extras
from metric_face.search.columns import Columns
from metric_face.search.kinds import LINKS, Plan
from metric_face.search.milvus_places import ABOUT, KEY, MOST_TEXT, VECTOR
from metric_face.vectors import Metric

TOKEN = "METRIC_FACE_MILVUS_TOKEN"
"""The environment variable that holds a server's token, or USER:PASSWORD; it is never written down."""
_CHUNK = 15_000  # characters of the settings in one row: at most four bytes each
_TYPES = {"flat": "FLAT", "ivf": "IVF_FLAT", "hnsw": "HNSW", "ivfsq": "IVF_SQ8", "ivfpq": "IVF_PQ"}


@contextmanager
def blaming_milvus(what: str) -> Iterator[None]:
    """Say in one line what the database refused.

    Raises:
        OutputError: in place of an error of the client.
    """
    from pymilvus.exceptions import MilvusException

    # What it logs is the same error at length; the line below says it.
    logs = [logging.getLogger(name) for name in ("pymilvus", "milvus_lite")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except MetricFaceError:
        raise
    except MilvusException as error:
        reason = " ".join(str(getattr(error, "message", "") or error).split())[:200]
        raise OutputError(f"{what}: {reason}") from None
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def connect(uri: str) -> Any:
    """Open a database.

    Raises:
        MissingExtraError: pymilvus is not installed.
        OutputError: it cannot be reached, or another process has the file open.
    """
    with named_extras():
        from pymilvus import MilvusClient
    is_file = is_lite(uri)
    remedy = "no other process may have it open" if is_file else f"check the address and ${TOKEN}"
    with blaming_milvus(f"milvus:{uri}: cannot be opened ({remedy})"):
        return MilvusClient(uri, token=os.environ.get(TOKEN, ""), timeout=None if is_file else 20)


def is_lite(uri: str) -> bool:
    """Whether a database is a file, which Milvus Lite opens, and no server."""
    return "://" not in uri


def make_collection(
    client: Any,
    name: str,
    plan: Plan,
    metric: Metric,
    dimensions: int,
    columns: Columns,
    fields: Mapping[str, str],
) -> None:
    """Make an empty collection for the vectors, with a field for each column."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field(KEY, DataType.INT64, is_primary=True)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dimensions)
    for column, field in fields.items():
        kind = columns[column].dtype.kind
        if kind == "O":
            schema.add_field(field, DataType.VARCHAR, max_length=MOST_TEXT, nullable=True)
        else:
            of_kind = {"f": DataType.DOUBLE, "i": DataType.INT64, "b": DataType.BOOL}[kind]
            schema.add_field(field, of_kind, nullable=kind == "f")
    index = _index_params(client, plan, metric)
    client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")


def _index_params(client: Any, plan: Plan, metric: Metric) -> Any:
    index = client.prepare_index_params()
    lists = {"nlist": plan.num_lists}
    settings = {"hnsw": {"M": LINKS, "efConstruction": 100}, "ivf": lists, "ivfsq": lists}
    settings["ivfpq"] = {**lists, "m": plan.code_bytes, "nbits": 8}
    index.add_index(
        VECTOR,
        index_type=_TYPES[plan.kind],
        metric_type="L2" if metric == "euclidean" else "IP",
        params=settings.get(plan.kind, {}),
    )
    return index


def rebuild_index(client: Any, name: str, plan: Plan, metric: Metric) -> None:
    """Build the index over all that was inserted, and load it.

    An index beside the inserts is built in the background, and until it is there a search compares all vectors, and
    a measure of it is then one of an exact answer. Dropping an index waits for what runs, and loading one builds it.
    """
    client.release_collection(name)
    for index in client.list_indexes(name, field_name=VECTOR):
        client.drop_index(name, index)
    client.create_index(name, _index_params(client, plan, metric))
    client.load_collection(name)


def drop_ours(client: Any, name: str) -> None:
    """Drop a collection and its settings, if they are there and were made by us.

    Raises:
        OutputError: a collection of this name was made by someone else.
    """
    for each in (name, name + ABOUT):
        if not client.has_collection(each):
            continue
        fields = [field["name"] for field in client.describe_collection(each)["fields"]]
        if KEY not in fields:
            raise OutputError(
                f"collection {each}: was not made by metric_face, so it is not dropped; rename it"
            )
        client.drop_collection(each)


def write_about(client: Any, name: str, about: Mapping[str, Any]) -> None:
    """Write the settings of an index beside its collection; what was there before is replaced."""
    from pymilvus import DataType

    beside = name + ABOUT
    if client.has_collection(beside):
        drop_ours_alone(client, beside)
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field(KEY, DataType.INT64, is_primary=True)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=2)  # a collection needs one
    schema.add_field("text", DataType.VARCHAR, max_length=MOST_TEXT)
    index = client.prepare_index_params()
    index.add_index(VECTOR, index_type="FLAT", metric_type="L2", params={})
    client.create_collection(beside, schema=schema, index_params=index, consistency_level="Strong")
    text = json.dumps(about, ensure_ascii=False)
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    rows = [{KEY: number, VECTOR: [0.0, 0.0], "text": chunk} for number, chunk in enumerate(chunks)]
    rows.append({KEY: -1, VECTOR: [0.0, 0.0], "text": str(len(chunks))})  # the last: with it they are whole
    for row in rows:
        client.insert(beside, [row])
    client.flush(beside)


def drop_ours_alone(client: Any, beside: str) -> None:
    """Drop the collection of settings, and nothing else."""
    fields = [field["name"] for field in client.describe_collection(beside)["fields"]]
    if KEY not in fields:
        raise OutputError(
            f"collection {beside}: was not made by metric_face, so it is not dropped; rename it"
        )
    client.drop_collection(beside)


def read_about(client: Any, name: str) -> dict[str, Any]:
    """Read the settings that lie beside a collection.

    Raises:
        FileFormatError: they are missing or not whole: the collection was not finished.
    """
    beside = name + ABOUT
    unfinished = (
        f"collection {name} is incomplete, as a killed command leaves one; run 'metric-face index' again"
    )
    if not client.has_collection(name) or not client.has_collection(beside):
        raise FileFormatError(unfinished)
    client.load_collection(beside)
    rows = client.query(beside, filter=f"{KEY} >= -1", output_fields=[KEY, "text"], limit=16_384)
    texts = {row[KEY]: row["text"] for row in rows}
    count = int(texts.pop(-1, -1))
    if len(texts) != count:
        raise FileFormatError(unfinished)
    about: dict[str, Any] = json.loads("".join(texts[number] for number in range(count)))
    return about
