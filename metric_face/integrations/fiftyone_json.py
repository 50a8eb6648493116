"""Embeddings and findings as FiftyOne's JSON, and back with what was tagged there; fiftyone is not needed here.

``fiftyone.Dataset.from_json(path)`` reads the file and ``dataset.write_json(path)`` writes it again. Labels are
``Classification``, embeddings lists of numbers, findings tags, which is where FiftyOne shows and filters them.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metric_face.data import ImageTable
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.files import write_text

if TYPE_CHECKING:
    from metric_face.diagnosis import Diagnosis

_FIELD = "metric_face"
_OWN = frozenset(
    {"id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at", _FIELD}
)


def write_fiftyone(
    embeddings: Embeddings,
    path: str | Path,
    *,
    diagnosis: "Diagnosis | None" = None,
    name: str = "metric_face",
) -> Path:
    """Write a dataset for FiftyOne.

    Args:
        embeddings: whose images, columns and vectors are written; the split of an image becomes a tag.
        path: the file, ``.json``.
        diagnosis: of the same rows; what it found becomes tags of the rows concerned, ``finding:NAME``.
        name: of the dataset.

    Returns:
        The file.

    Raises:
        ArgumentError: the diagnosis is of another number of images.
        OutputError: the file cannot be written.
    """
    tags: list[list[str]] = [[] for _ in range(len(embeddings))]
    found = len(embeddings) if diagnosis is None else len(diagnosis.context.embeddings)
    if found != len(embeddings):
        raise ArgumentError(
            f"diagnosis must be of the {len(embeddings)} embeddings, found one of {found} images"
        )
    for finding in () if diagnosis is None else diagnosis.findings:
        rows = finding.rows if len(finding.rows) else finding.evidence
        for row in np.asarray(rows, dtype=np.int64).tolist():
            tags[row].append(f"finding:{finding.id}")
    frame = embeddings.table.frame
    columns = [str(one) for one in frame.columns if one not in ("path", "split")]
    samples = []
    for row, file in enumerate(embeddings.table.paths):
        split = [str(frame["split"].iloc[row])] if "split" in frame.columns else []
        labels = {key: _classification(frame[key].iloc[row]) for key in columns}
        samples.append(
            {
                "filepath": str(Path(file).absolute()),
                "tags": [*split, *dict.fromkeys(tags[row])],
                **{f"{key}_" if key in _OWN else key: value for key, value in labels.items() if value},
                _FIELD: [float(number) for number in embeddings.vectors[row]],
            }
        )
    dataset = {
        "name": name,
        "media_type": "image",
        "info": {"fingerprint": embeddings.fingerprint},
        "samples": samples,
    }
    return write_text(path, json.dumps(dataset, ensure_ascii=False))


def read_fiftyone(path: str | Path) -> tuple[Embeddings, list[list[str]]]:
    """Read a dataset that FiftyOne, or :func:`write_fiftyone`, wrote.

    Args:
        path: the file.

    Returns:
        Images with their labels and vectors, and the tags of each.

    Raises:
        FileFormatError: it is no such file, or its samples have no embeddings of one length.
    """
    file = Path(path)
    try:
        data = json.loads(file.read_text("utf-8"))
        samples = data["samples"]
        vectors = np.asarray([one[_FIELD] for one in samples], dtype=np.float32)
        frame = pd.DataFrame([_row(one) for one in samples])
        tags = [[str(tag) for tag in one.get("tags") or []] for one in samples]
        fingerprint = str((data.get("info") or {}).get("fingerprint", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{file}: must be a dataset in FiftyOne's JSON with a field {_FIELD!r} of numbers "
            f"({type(error).__name__}: {str(error)[:80]}); write it with write_fiftyone"
        ) from None
    if vectors.ndim != 2:
        raise FileFormatError(f"{file}: must hold an embedding for each sample, found shape {vectors.shape}")
    return Embeddings(vectors, ImageTable(frame, Path()), fingerprint), tags


def _classification(value: Any) -> dict[str, Any] | None:
    return None if pd.isna(value) else {"_cls": "Classification", "tags": [], "label": str(value)}


def _row(sample: dict[str, Any]) -> dict[str, Any]:
    labels = {
        key: value["label"]
        for key, value in sample.items()
        if isinstance(value, dict) and value.get("_cls") == "Classification" and "label" in value
    }
    split = next((tag for tag in sample.get("tags") or [] if tag in ("train", "val", "test")), None)
    return {"path": sample["filepath"], **labels, **({} if split is None else {"split": split})}
