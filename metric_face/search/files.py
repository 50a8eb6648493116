"""The folder of an index: ``index.faiss`` or shards, ``labels.parquet``, and ``index.json`` with all checksums."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import FileFormatError
from metric_face.files import (
    parse_json,
    write_text,
)
from metric_face.search.columns import Columns
from metric_face.search.faiss_reading import WHOLE, check_file, facts_of, read_store, write_store
from metric_face.search.faiss_store import FaissStore
from metric_face.search.kinds import Kind
from metric_face.search.milvus_build import open_milvus
from metric_face.search.milvus_store import MilvusStore
from metric_face.search.store import Store
from metric_face.search.tuning import Recall
from metric_face.vectors import Metric

_FORMAT = "metric_face.EmbeddingIndex"
_VERSION = 1
_LABELS = "labels.parquet"
_ID, _SLOT = "__id__", "__slot__"
_OWN = ("recall", "mmap", "store")  # fields of a description that are read apart


@dataclass(frozen=True)
class Description:
    """What ``index.json`` says of an index, besides the sizes and checksums of its files."""

    kind: Kind
    metric: Metric
    dimensions: int
    count: int
    fingerprint: str
    recall: Recall
    search: Mapping[str, int]
    transform: Mapping[str, Any] | None
    metadata: Mapping[str, Any]
    mmap: bool = False
    store: Mapping[str, Any] | None = None


def write_index_files(new: Path, description: Description, store: Store, ids: Ints, columns: Columns) -> None:
    """Write the files of an index into a folder, the description last."""
    extra = {_ID: ids}
    if isinstance(store, FaissStore) and store.slots is not None:
        extra[_SLOT] = store.slots
    if isinstance(store, MilvusStore):
        extra[_SLOT] = store.keys
    files = write_store(store, new)
    columns.write(new / _LABELS, extra)
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        **asdict(description),
        "columns": list(columns),
        "has_slots": _SLOT in extra,
        "files": files | {_LABELS: facts_of(new / _LABELS)},
    }
    content["checksum"] = _checksum(content)
    write_text(new / "index.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_index_folder(
    folder: str | os.PathLike[str], *, mmap: bool | None, verify: bool, change: bool = False
) -> tuple[Description, Store, Ints, Columns]:
    """Read the files, each checked before it is used.

    Args:
        folder: of the index.
        mmap: leave the vectors on disk; None does as the description says.
        verify: compare checksums, and not only sizes.
        change: the index is read to be changed: one in one piece then comes into memory.

    Raises:
        FileFormatError: names the file and what is wrong with it.
    """
    home = Path(folder)
    content = _read_json(home)
    try:
        files = dict(content["files"])
        labels = files.pop(_LABELS)
        for name, facts in {_LABELS: labels, **files}.items():
            check_file(home / name, facts, verify)
        description = Description(
            recall=Recall(**content["recall"]),
            mmap=bool(content.get("mmap", False)),
            store=content.get("store"),
            **{field: content[field] for field in Description.__annotations__ if field not in _OWN},
        )
        extra = [_ID, _SLOT] if content["has_slots"] else [_ID]
        named = list(content["columns"])
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{home / 'index.json'} lacks what an index needs ({error}); build the index again"
        ) from None
    columns, apart = Columns.read(home / _LABELS, extra)
    if columns.length != description.count or list(columns) != named:
        raise FileFormatError(
            f"{home / _LABELS} holds {columns.length} rows of {list(columns)}, index.json says "
            f"{description.count} of {named}; build the index again"
        )
    if description.store is not None:
        return description, _of_database(home, description, apart, columns, change), apart[_ID], columns
    mmap = description.mmap if mmap is None else mmap
    mmap = mmap and not (change and WHOLE in files)
    store = read_store(home, files, description.kind, description.metric, description.dimensions, mmap=mmap)
    if isinstance(store, FaissStore):
        store.slots = apart.get(_SLOT)
        _check_slots(home, store)
    elif store.knob is not None:
        store.effort = description.search[store.knob]  # the shards were written before it was chosen
    if len(store) != description.count or store.dimensions != description.dimensions:
        place = home / WHOLE if WHOLE in files else home
        raise FileFormatError(
            f"{place} holds {len(store)} vectors of {store.dimensions} dimensions, index.json says "
            f"{description.count} of {description.dimensions}; build the index again"
        )
    return description, store, apart[_ID], columns


def _of_database(
    home: Path, description: Description, apart: Mapping[str, Ints], columns: Columns, change: bool
) -> MilvusStore:
    keys = apart.get(_SLOT)
    if keys is None or not bool((np.diff(keys) > 0).all()) or description.store is None:
        raise FileFormatError(f"{home / _LABELS} must hold ascending keys; build the index again")
    store = open_milvus(
        description.store,
        description.kind,
        description.metric,
        description.dimensions,
        keys,
        description.fingerprint,
        change=change,
    )
    store.effort = description.search.get(store.knob, 0) if store.knob is not None else 0
    store.columns = columns
    return store


def _check_slots(home: Path, store: FaissStore) -> None:
    held = store.faiss.ntotal
    if store.slots is not None and not bool(((store.slots >= 0) & (store.slots < held)).all()):
        raise FileFormatError(
            f"{home / _LABELS} points beyond the {held} vectors of {WHOLE}; build the index again"
        )


def stored_place(folder: str | os.PathLike[str]) -> Mapping[str, Any] | None:
    """Where the index of a folder lies in a database; None where it does not, or cannot be read."""
    try:
        place = _read_json(Path(folder)).get("store")
    except FileFormatError:
        return None
    return place if isinstance(place, dict) else None


def _read_json(home: Path) -> dict[str, Any]:
    path = home / "index.json"
    if not path.exists():
        raise FileFormatError(f"{home} holds no index (no index.json); build one and save it there")
    content = parse_json(path, remedy="build the index again")
    if content.get("format") != _FORMAT:
        raise FileFormatError(
            f"{path} describes no index of metric_face; give a folder that EmbeddingIndex.save wrote"
        )
    if content.get("version") != _VERSION:
        raise FileFormatError(
            f"{path} has version {content.get('version')}, this program reads {_VERSION}; update metric_face"
        )
    if content.pop("checksum", None) != _checksum(content):
        raise FileFormatError(f"{path} was altered: its checksum does not match; build the index again")
    if content.get("kind") not in get_args(Kind) or content.get("metric") not in get_args(Metric):
        raise FileFormatError(
            f"{path} names the kind {content.get('kind')!r} and the metric {content.get('metric')!r}, which this "
            "program does not know; update metric_face"
        )
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
