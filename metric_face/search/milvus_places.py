"""Where an index lies in Milvus: the database that ``--store`` names, and names that the database takes."""

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metric_face.errors import ArgumentError
from metric_face.missing import is_missing
from metric_face.search.columns import Columns
from metric_face.search.where import as_kind, listed

KEY, VECTOR = "metric_face_key", "vector"
"""The primary key and the vector of a collection of ours; no other collection is dropped."""
ABOUT = "_about"
"""What the name of the collection beside, with the settings, ends in."""
MOST_TEXT = 65_535
"""Bytes of a text that a field of Milvus takes."""
_SCHEME = "milvus:"
_ENDLESS = (float("inf"), float("-inf"))  # no column holds them
_NAME = re.compile(r"metric_face_[0-9a-f]{16}_[ab]")


def uri_of(store: str) -> str:
    """Read ``milvus:FILE_OR_URI``: the absolute path of a file of Milvus Lite, or the address of a server.

    Raises:
        ArgumentError: another store, a file that does not end in ``.db``, or an address with a password.
    """
    place = store.removeprefix(_SCHEME) if isinstance(store, str) else ""
    if not isinstance(store, str) or not store.startswith(_SCHEME) or not place.strip():
        raise ArgumentError(f"store must be milvus:FILE.db or milvus:http://HOST:PORT, found {store!r}")
    if "://" in place:
        address = urlsplit(place)
        if address.username or address.password:
            raise ArgumentError(
                "store must name a server without a password, since it is written down; "
                "set METRIC_FACE_MILVUS_TOKEN to USER:PASSWORD or a token"
            )
        if address.scheme not in ("http", "https", "tcp") or not address.hostname:
            raise ArgumentError(f"store must name a server as http://HOST:PORT, found {place!r}")
        return place
    if not place.endswith(".db"):
        raise ArgumentError(f"store must name a file that ends in .db, found {place!r}")
    path = Path(os.path.realpath(place))
    if not path.parent.is_dir():
        raise ArgumentError(f"store {place!r} must lie in a folder that exists; make {path.parent}")
    return str(path)


def collection_for(folder: str | os.PathLike[str], other_than: str | None) -> str:
    """The collection that an index in a folder is built in: one of two, which take turns."""
    where = f"{platform.node()}:{os.path.realpath(folder)}"
    base = "metric_face_" + hashlib.sha256(os.fsencode(where)).hexdigest()[:16]
    return f"{base}_b" if other_than == f"{base}_a" else f"{base}_a"


def check_collection(name: Any) -> str:
    """Return the name of a collection if it is one that we give, else raise ``ArgumentError``."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ArgumentError(f"collection must be one that metric_face made, found {name!r}")
    return name


def fields_of(columns: Columns) -> dict[str, str]:
    """Column -> its field in the database, which takes no names but plain ones."""
    return {name: f"c{number}" for number, name in enumerate(columns)}


def values_of(columns: Columns, fields: Mapping[str, str]) -> dict[str, list[Any]]:
    """Field -> the values of a column as Milvus takes them; None where one is missing.

    Raises:
        ArgumentError: a text is longer than Milvus takes.
    """
    values: dict[str, list[Any]] = {}
    for name, field in fields.items():
        column = columns[name]
        listed_values = column.tolist()
        if column.dtype.kind == "f":
            listed_values = [None if is_missing(value) else value for value in listed_values]
        if column.dtype.kind == "O":
            longest = max(
                (len(str(value).encode()) for value in listed_values if value is not None), default=0
            )
            if longest > MOST_TEXT:
                raise ArgumentError(
                    f"labels: column {name!r} must hold texts of at most {MOST_TEXT:,} bytes in Milvus, found one of "
                    f"{longest:,}; shorten it"
                )
        values[field] = listed_values
    return values


def expression(where: Mapping[str, Any], columns: Columns, fields: Mapping[str, str]) -> str:
    """The condition of Milvus that chooses what :func:`rows_where` does.

    Args:
        where: column -> a value, or a list of values of which any will do; checked already.
        columns: of the index.
        fields: column -> field.
    """
    parts = []
    for name, wanted in where.items():
        field, kind = fields[name], columns[name].dtype.kind
        given = listed(wanted)
        present = [value for value in given if not is_missing(value) and value not in _ENDLESS]
        terms = []
        if present:
            literals = [_literal(name, value, kind) for value in present]
            terms.append(
                " or ".join(f"{field} == {literal}" for literal in literals)
                if kind == "b"
                else f"{field} in [{', '.join(literals)}]"
            )
        if len(present) < len(given):
            terms.append(f"{field} is null" if kind in "Of" else "metric_face_key < 0")
        parts.append("(" + " or ".join(terms or ["metric_face_key < 0"]) + ")")
    return " and ".join(parts)


def _literal(name: str, value: Any, kind: str) -> str:
    if kind != "O":
        number = as_kind(name, value, kind)
        return str(number).lower() if isinstance(number, bool) else repr(number)
    text = str(value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
