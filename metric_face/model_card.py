"""The card beside a model's weights: architecture, transform, label space and fingerprint. Needs no torch."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metric_face.errors import FileFormatError

FORMAT = 1


def read_card(folder: Path) -> dict[str, Any]:
    """Read and check ``model.json``.

    Raises:
        FileFormatError: it is missing, no JSON, or of another format.
    """
    file = folder / "model.json"
    try:
        card = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise FileFormatError(f"{file}: missing; is this the folder of a finished run?") from None
    except ValueError:
        raise FileFormatError(f"{file}: not JSON; restore it or train again") from None
    if (
        not isinstance(card, dict)
        or card.get("format") != FORMAT
        or card.get("fingerprint") != fingerprint_of(card)
    ):
        raise FileFormatError(f"{file}: altered, or not of format {FORMAT}; restore it or train again")
    return card


def fingerprint_of(card: Mapping[str, Any]) -> str:
    """A hash of weights, architecture and transform: what an index knows its model by."""
    essence = {key: card.get(key) for key in ("architecture", "transform", "sha256")}
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]
