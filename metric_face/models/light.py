"""The light model of a run: ``model.int8.onnx``, and ``model.int8.json`` with what it loses and gains. Needs no torch.

The JSON is written last and holds the checksum of the model, so one that was left by a killed export is not taken.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Floats
from metric_face.errors import FileFormatError, ModelMismatchError
from metric_face.files import (
    DIGEST,
    FINITE,
    MAPPING,
    TEXT,
    WHOLE,
    Rule,
    check_digest,
    list_of,
    read_json,
    write_json,
)
from metric_face.models.onnx import OnnxEmbedder
from metric_face.vectors import row_cosines
from metric_face.visible import shell_word

LIGHT, RECORD = "model.int8.onnx", "model.int8.json"
_FORMAT = 1
_LEAST_COSINE = 0.999
"""Between the vector of the test pattern here and where the model was measured; other roundings cost far less."""
_RULES = {
    "fingerprint": TEXT,
    "sha256": DIGEST,
    "calibration_images": WHOLE,
    "scores": list_of(MAPPING),
    "speed": MAPPING,
    "bytes": MAPPING,
    "tolerance": FINITE,
    "good": Rule("true or false", lambda value: isinstance(value, bool)),
    "reason": TEXT,
    "pattern": list_of(FINITE),
}


def write_light_record(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write ``model.int8.json`` into a folder, atomically."""
    return write_json(folder / RECORD, record, version=_FORMAT)


def read_light_record(folder: Path) -> dict[str, Any]:
    """What is known of the light model in a folder.

    Raises:
        FileFormatError: there is none, or the file is damaged.
    """
    if not (folder / RECORD).is_file():
        raise FileFormatError(
            f"{folder / RECORD}: missing; make it with `metric-face export {shell_word(folder)} --int8`"
        )
    return read_json(folder / RECORD, _RULES, version=_FORMAT, remedy=_remedy(folder))


def light_embedder(folder: Path, fingerprint: str, *, threads: int | None = None) -> OnnxEmbedder:
    """The light model of a folder, once it is the run's own, whole, and computes here as where it was measured.

    Args:
        folder: of the run.
        fingerprint: of the run's model.
        threads: as of :class:`OnnxEmbedder`.

    Raises:
        FileFormatError: there is none, or a file is damaged.
        ModelMismatchError: it was made of another model, or this processor computes it otherwise.
    """
    record = read_light_record(folder)
    if record["fingerprint"] != fingerprint:
        raise ModelMismatchError(
            f"{folder / LIGHT}: made of model {record['fingerprint']}, the run holds {fingerprint}; {_remedy(folder)}"
        )
    check_digest(folder / LIGHT, [record["sha256"]], by=RECORD, remedy=_remedy(folder))
    embed = OnnxEmbedder(folder / LIGHT, fingerprint=fingerprint, threads=threads)
    cosine = _cosine(pattern_vector(embed, embed.image_size), np.asarray(record["pattern"]))
    if not cosine >= _LEAST_COSINE:
        raise ModelMismatchError(
            f"{folder / LIGHT}: this processor computes it otherwise than where it was measured (cosine {cosine:.4f} "
            f"on a test pattern, must be at least {_LEAST_COSINE}); {_remedy(folder)}"
        )
    return embed


def pattern_vector(embed: Callable[[Floats], Floats], size: tuple[int, int]) -> Floats:
    """The vector (D,) of a pattern in closed form, by which a model that computes otherwise is known."""
    places = np.arange(3 * size[0] * size[1], dtype=np.float64).reshape(3, *size)
    vector: Floats = embed(np.sin(places * places * 1e-3).astype(np.float32)[None])[0]
    return vector


def _cosine(first: Floats, second: Any) -> float:
    return float(row_cosines(first[None], second[None])[0]) if first.shape == second.shape else float("nan")


def _remedy(folder: Path) -> str:
    return f"run `metric-face export {shell_word(folder)} --int8` again"
