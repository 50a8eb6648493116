"""FAISS files of an index: nothing is handed to FAISS before sizes, checksums, first bytes and lengths agree.

FAISS's reader trusts what it reads.
"""

import re
import struct
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from metric_face.errors import FileFormatError
from metric_face.files import known_sha256, sha256_of
from metric_face.search.faiss_file import check_sizes
from metric_face.search.faiss_store import FaissStore
from metric_face.search.kinds import Kind
from metric_face.search.sharded_store import Shard, ShardedStore
from metric_face.search.store import Store
from metric_face.vectors import Metric

WHOLE = "index.faiss"
"""The file of an index in one piece."""
_SHARD = re.compile(r"shard-\d{5}\.faiss")
# First bytes of a FAISS file by kind; under inner product and under L2 where they differ.
_MAGIC = {
    "flat": (b"IxFI", b"IxF2"),
    "ivf": (b"IwFl",),
    "hnsw": (b"IHNf",),
    "ivfsq": (b"IwSq",),
    "ivfpq": (b"IwPQ",),
}


def shard_name(number: int) -> str:
    """The file of a shard, counted from 0."""
    return f"shard-{number:05}.faiss"


def facts_of(path: Path) -> dict[str, Any]:
    """The size and checksum of a file, as the description records them."""
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def write_store(store: Store, folder: Path) -> dict[str, dict[str, Any]]:
    """Write the FAISS files of a store into a folder; name -> size and checksum of each."""
    if not isinstance(store, FaissStore | ShardedStore):
        return {}  # a database keeps its own
    import faiss

    if isinstance(store, FaissStore):
        faiss.write_index(store.faiss, str(folder / WHOLE))
        return {WHOLE: facts_of(folder / WHOLE)}
    facts = {}
    for number, shard in enumerate(store.shards):
        path = folder / shard_name(number)
        shard.write(path)
        facts[path.name] = dict(shard.facts) if shard.facts is not None else facts_of(path)
    return facts


def read_store(
    home: Path, facts: Mapping[str, Any], kind: Kind, metric: Metric, dimensions: int, *, mmap: bool
) -> FaissStore | ShardedStore:
    """Read the FAISS files of a folder, already compared with their checksums.

    Args:
        home: the folder.
        facts: name -> size and checksum, of every file of the index.
        kind: of the index.
        metric: likewise.
        dimensions: D.
        mmap: leave the vectors on disk.

    Raises:
        FileFormatError: a file is not what the description says.
    """
    names = sorted(name for name in facts if name == WHOLE or _SHARD.fullmatch(name))

    if names == [WHOLE]:
        return read_shard(home / WHOLE, kind, metric, dimensions, mmap=mmap)
    if not names or names != [shard_name(number) for number in range(len(names))]:
        raise FileFormatError(
            f"{home / 'index.json'} must name {WHOLE} or shards from {shard_name(0)} on, found "
            f"{', '.join(names) or 'none'}; build the index again"
        )
    shards = []
    for name in names:
        read = partial(read_shard, home / name, kind, metric, dimensions)
        shards.append(
            Shard(read(mmap=mmap), home / name, facts[name], partial(read, mmap=False) if mmap else None)
        )
    return ShardedStore(shards)


def read_shard(path: Path, kind: Kind, metric: Metric, dimensions: int, *, mmap: bool) -> FaissStore:
    """Read one FAISS file; arguments as for ``read_store``."""
    return FaissStore(_read_faiss(path, kind, dimensions, mmap), kind, metric, is_mapped=mmap)


def check_file(path: Path, expected: Mapping[str, Any], verify: bool) -> None:
    """Compare a file with the size, and if ``verify`` with the checksum, that the description records."""
    if not path.is_file():
        raise FileFormatError(f"{path} is missing; copy the whole folder or build the index again")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise FileFormatError(
            f"{path} must have {expected['bytes']} bytes, found {size}: it is truncated or of another index; "
            "copy the whole folder or build the index again"
        )
    if verify and known_sha256(path) != expected["sha256"]:
        raise FileFormatError(
            f"{path} was altered or is of another index: its checksum does not match; build the index again"
        )


def _read_faiss(path: Path, kind: Kind, expected: int, mmap: bool) -> Any:
    import faiss

    with open(path, "rb") as file:
        magic, dimensions, _ = struct.unpack("<4siq", file.read(16).ljust(16, b"\0"))
    if magic not in _MAGIC[kind] or dimensions != expected:
        raise FileFormatError(
            f"{path} begins as {magic!r} of {dimensions} dimensions, which is no {kind} index of "
            f"{expected}; build the index again"
        )
    check_sizes(path)
    flags = 0
    if mmap:
        # Whole arrays can be mapped since FAISS 1.11; lists of an inverted file always could.
        whole = getattr(faiss, "IO_FLAG_MMAP_IFC", faiss.IO_FLAG_MMAP)
        flags = whole if kind in ("flat", "hnsw") else faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
    try:
        index = faiss.read_index(str(path), flags)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path} cannot be read by FAISS ({reason}); build the index again") from None
    if mmap and kind not in ("flat", "hnsw"):
        # FAISS would start 32 threads a shard at each search, to read its lists ahead: three quarters of the time of a
        # query, and 256 MiB of stacks.
        faiss.downcast_InvertedLists(index.invlists).prefetch_nthread = 0
    return index
