"""``attribution.json``: where pairs of classes are told apart, as ``attribute --between`` found it of one model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metric_face.errors import FileFormatError
from metric_face.files.checked_files import read_json, write_json
from metric_face.files.plain_data import plain
from metric_face.files.rules import FINITE, TEXT, WHOLE, Rule, list_of, maybe

PAIRS = "attribution.json"
_VERSION, _KIND = 1, "metric_face.attribution"
_NUMBER = maybe(FINITE)
_FIELDS = {
    "label": TEXT,
    "classes": Rule("two names", lambda v: list_of(TEXT).holds(v) and len(v) == 2),
    "border": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
    "images": WHOLE,
}
_PAIR = Rule(
    f"a mapping with {', '.join(_FIELDS)}",
    lambda v: (
        isinstance(v, dict) and all(name in v and rule.holds(v[name]) for name, rule in _FIELDS.items())
    ),
)


def keep_pair(folder: Path, fingerprint: str, pair: Mapping[str, Any]) -> Path:
    """Write a pair beside those that are there; pairs of another model, and the same pair, are replaced.

    Args:
        folder: of the file.
        fingerprint: of the model.
        pair: label, classes and what was found, plain data.

    Returns:
        The file.
    """
    try:
        known = kept_pairs(folder, fingerprint)
    except FileFormatError:
        known = []  # damaged: the others can be computed again
    pairs = [one for one in known if _key(one) != _key(pair)]
    content = {"kind": _KIND, "fingerprint": fingerprint, "pairs": [*pairs, plain(pair)]}
    return write_json(folder / PAIRS, content, version=_VERSION)


def kept_pairs(folder: Path, fingerprint: str) -> list[dict[str, Any]]:
    """The pairs of a model; none where there is no file, or it is of another model.

    Raises:
        FileFormatError: the file is damaged.
    """
    file = folder / PAIRS
    if not file.is_file():
        return []
    rules = {"kind": TEXT, "fingerprint": TEXT, "pairs": list_of(_PAIR)}
    content = read_json(file, rules, version=_VERSION, remedy="remove it, and run attribute --between again")
    return list(content["pairs"]) if content["fingerprint"] == fingerprint else []


def pair_of(pairs: list[dict[str, Any]], label: str, classes: tuple[str, str]) -> dict[str, Any] | None:
    """The pair of these two classes, in either order; None where it is not there."""
    wanted = _key({"label": label, "classes": classes})
    return next((one for one in pairs if _key(one) == wanted), None)


def _key(pair: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    return str(pair["label"]), tuple(sorted(pair["classes"]))
