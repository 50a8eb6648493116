"""The card beside a model's weights: architecture, transform, label space and fingerprint. Needs no torch."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metric_face.errors import FileFormatError
from metric_face.files import (
    DIGEST,
    FINITE,
    MAPPING,
    TEXT,
    Rule,
    list_of,
    maybe,
    read_json,
    remedy_of,
    write_json,
)

FORMAT = 2
"""With the label space in the fingerprint, and a checksum of the whole; format 1 had neither."""
_ATTRIBUTE = Rule(
    "an attribute: name, classes, cuts",
    lambda value: (
        MAPPING.holds(value)
        and value.keys() == {"name", "classes", "cuts"}
        and TEXT.holds(value["name"])
        and list_of(TEXT).holds(value["classes"])
        and maybe(list_of(FINITE)).holds(value["cuts"])
    ),
)
_RULES = {
    "architecture": MAPPING,
    "transform": Rule(
        "lists of numbers, or texts, by name",
        lambda value: MAPPING.holds(value) and all(isinstance(one, list | str) for one in value.values()),
    ),
    "label_space": maybe(list_of(_ATTRIBUTE)),
    "sha256": DIGEST,
    "onnx": maybe(DIGEST),
    "fingerprint": TEXT,
}


def read_card(folder: Path) -> dict[str, Any]:
    """Read and check ``model.json``.

    Raises:
        FileFormatError: it is missing, no JSON, altered or of another format.
    """
    file = folder / "model.json"
    if not file.exists():
        raise FileFormatError(f"{file}: missing; is this the folder of a finished run?")
    remedy = remedy_of(folder)
    card = read_json(file, _RULES, version=FORMAT, remedy=remedy, maybes={"start": maybe(MAPPING)})
    if card["fingerprint"] != fingerprint_of(card):
        raise FileFormatError(f"{file}: altered, its fingerprint does not match; {remedy}")
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> str:
    """Write ``model.json``; return the fingerprint of the model."""
    fingerprint = fingerprint_of(card)
    own = {key: value for key, value in card.items() if key not in ("format", "checksum")}
    write_json(folder / "model.json", {"onnx": None, **own, "fingerprint": fingerprint}, version=FORMAT)
    return fingerprint


def fingerprint_of(card: Mapping[str, Any]) -> str:
    """A hash of weights, architecture, transform and label space: what an index knows its model by."""
    essence = {key: card.get(key) for key in ("architecture", "transform", "label_space", "sha256")}
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]
