"""A neighbor graph as one ``.npz`` file: header, positions and similarities, with a checksum; nothing is unpickled."""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Floats, Ints
from metric_face.errors import FileFormatError
from metric_face.files import write_atomically

_FORMAT = "metric_face.NeighborGraph"
_VERSION = 2  # the checksum covers the header too
# What a damaged archive makes zipfile and NumPy raise: a flipped bit may announce encryption, another version, a
# compression that does not exist, or an array larger than memory.
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    RecursionError,
    AttributeError,
)


def write_graph(
    path: str | os.PathLike[str], facts: Mapping[str, Any], ids: Ints, similarities: Floats
) -> Path:
    """Write the file, whole or not at all."""
    ids, similarities = np.ascontiguousarray(ids), np.ascontiguousarray(similarities)
    header = {"format": _FORMAT, "version": _VERSION, **facts}
    header["sha256"] = _checksum(header, ids, similarities)

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), ids=ids, similarities=similarities)

    return write_atomically(path, write)


def read_graph(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Ints, Floats]:
    """Return the header, the (N, k) positions and the (N, k) similarities of a file.

    Raises:
        FileFormatError: the file is missing, truncated, altered or not a neighbor graph.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(str(file["header"]))
            if not isinstance(header, dict) or header.get("format") != _FORMAT:
                raise FileFormatError(
                    f"{path} is not a neighbor graph; give a file that NeighborGraph.save wrote"
                )
            if header["version"] != _VERSION:
                raise FileFormatError(
                    f"{path} has version {header['version']}, this program reads {_VERSION}; build it again"
                )
            ids, similarities, expected = file["ids"], file["similarities"], header.pop("sha256")
    except FileNotFoundError:
        raise FileFormatError(f"{path} does not exist; build the neighbor graph and save it there") from None
    except _DAMAGE as error:
        raise FileFormatError(
            f"{path} is truncated or not a neighbor graph ({error}); build it again"
        ) from None
    is_graph = ids.dtype == np.int64 and similarities.dtype == np.float32 and ids.ndim == 2
    if not is_graph or ids.shape != similarities.shape or _checksum(header, ids, similarities) != expected:
        raise FileFormatError(f"{path} was altered: its checksum does not match; build it again")
    return header, ids, similarities


def _checksum(header: Mapping[str, Any], ids: Ints, similarities: Floats) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    digest.update(f"{ids.dtype}{ids.shape}{similarities.dtype}{similarities.shape}".encode())
    digest.update(np.ascontiguousarray(ids).data)
    digest.update(np.ascontiguousarray(similarities).data)
    return digest.hexdigest()
