"""The folder of an index: ``index.faiss``, ``labels.parquet``, and ``index.json`` with the checksums of both.

FAISS's reader trusts what it reads, so nothing is handed to it before its checksum, its first bytes and its
counts agree with the description.
"""

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from metric_face.arrays import Ints
from metric_face.errors import FileFormatError
from metric_face.files import (
    finish_interrupted_swap,
    parse_json,
    sha256_of,
    write_text,
)
from metric_face.search.columns import Columns
from metric_face.search.faiss_file import check_sizes
from metric_face.search.faiss_store import FaissStore
from metric_face.search.kinds import Kind
from metric_face.search.tuning import Recall
from metric_face.vectors import Metric

_FORMAT = "metric_face.EmbeddingIndex"
_VERSION = 1
_FILES = ("index.faiss", "labels.parquet")
_ID, _SLOT = "__id__", "__slot__"
# First bytes of a FAISS file by kind; under inner product and under L2 where they differ.
_MAGIC = {"flat": (b"IxFI", b"IxF2"), "ivf": (b"IwFl",), "hnsw": (b"IHNf",), "ivfpq": (b"IwPQ",)}


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


def write_index_files(
    new: Path, description: Description, store: FaissStore, ids: Ints, columns: Columns
) -> None:
    """Write the three files into an empty folder, the description last."""
    import faiss

    slots = {} if store.slots is None else {_SLOT: store.slots}
    faiss.write_index(store.faiss, str(new / "index.faiss"))
    columns.write(new / "labels.parquet", {_ID: ids, **slots})
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        **asdict(description),
        "columns": list(columns),
        "has_slots": bool(slots),
        "files": {
            name: {"bytes": (new / name).stat().st_size, "sha256": sha256_of(new / name)} for name in _FILES
        },
    }
    content["checksum"] = _checksum(content)
    write_text(new / "index.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_index_folder(
    folder: str | os.PathLike[str], *, mmap: bool, verify: bool
) -> tuple[Description, FaissStore, Ints, Columns]:
    """Read the three files, each checked before it is used.

    Raises:
        FileFormatError: names the file and what is wrong with it.
    """
    home = Path(folder)
    finish_interrupted_swap(home)
    content = _read_json(home)
    try:
        expected = [content["files"][name] for name in _FILES]
        for name, facts in zip(_FILES, expected, strict=True):
            _check_file(home / name, facts, verify)
        description = Description(
            recall=Recall(**content["recall"]),
            **{field: content[field] for field in Description.__annotations__ if field != "recall"},
        )
        extra = [_ID, _SLOT] if content["has_slots"] else [_ID]
        named = list(content["columns"])
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{home / 'index.json'} lacks what an index needs ({error}); build the index again"
        ) from None
    columns, apart = Columns.read(home / "labels.parquet", extra)
    if columns.length != description.count or list(columns) != named:
        raise FileFormatError(
            f"{home / 'labels.parquet'} holds {columns.length} rows of {list(columns)}, index.json says "
            f"{description.count} of {named}; build the index again"
        )
    faiss_index = _read_faiss(home / "index.faiss", description, mmap)
    store = FaissStore(faiss_index, description.kind, description.metric, apart.get(_SLOT))
    is_within = store.slots is None or bool((store.slots < faiss_index.ntotal).all())
    if len(store) != description.count or store.dimensions != description.dimensions or not is_within:
        raise FileFormatError(
            f"{home / 'index.faiss'} holds {faiss_index.ntotal} vectors of {faiss_index.d} dimensions, index.json says "
            f"{description.count} of {description.dimensions}; build the index again"
        )
    return description, store, apart[_ID], columns


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


def _check_file(path: Path, expected: Mapping[str, Any], verify: bool) -> None:
    if not path.is_file():
        raise FileFormatError(f"{path} is missing; copy the whole folder or build the index again")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise FileFormatError(
            f"{path} must have {expected['bytes']} bytes, found {size}: it is truncated or of another index; "
            "copy the whole folder or build the index again"
        )
    if verify and sha256_of(path) != expected["sha256"]:
        raise FileFormatError(
            f"{path} was altered or is of another index: its checksum does not match; build the index again"
        )


def _read_faiss(path: Path, description: Description, mmap: bool) -> Any:
    import faiss

    with open(path, "rb") as file:
        magic, dimensions, _ = struct.unpack("<4siq", file.read(16).ljust(16, b"\0"))
    if magic not in _MAGIC[description.kind] or dimensions != description.dimensions:
        raise FileFormatError(
            f"{path} begins as {magic!r} of {dimensions} dimensions, which is no {description.kind} index of "
            f"{description.dimensions}; build the index again"
        )
    check_sizes(path)
    flags = 0
    if mmap:
        # Whole arrays can be mapped since FAISS 1.11; lists of an inverted file always could.
        whole = getattr(faiss, "IO_FLAG_MMAP_IFC", faiss.IO_FLAG_MMAP)
        flags = (
            whole if description.kind in ("flat", "hnsw") else faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
        )
    try:
        return faiss.read_index(str(path), flags)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path} cannot be read by FAISS ({reason}); build the index again") from None
