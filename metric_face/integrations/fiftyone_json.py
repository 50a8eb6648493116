"""Embeddings and findings as FiftyOne's JSON, and back with what was tagged there; fiftyone is not needed here.

``fiftyone.Dataset.from_json(path)`` reads the file and ``dataset.write_json(path)`` writes it again. Labels are
``Classification``, embeddings lists of numbers, findings tags, which is where FiftyOne shows and filters them. The file
states the type of each field, without which FiftyOne takes no sample.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metric_face.data import ImageTable, file_of, text_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.files import write_text

if TYPE_CHECKING:
    from metric_face.diagnosis import Diagnosis

_FIELD = "metric_face"
_BOXED = "metric_face_path"
"""The path with its box, of samples that are a part of a file."""
_OWN = frozenset(
    {"id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at", _FIELD, _BOXED}
)
_TYPES = "fiftyone.core.fields."
_LABEL_TYPE = f"{_TYPES}EmbeddedDocumentField(fiftyone.core.labels.Classification)"


def write_fiftyone(
    embeddings: Embeddings,
    path: str | Path,
    *,
    diagnosis: "Diagnosis | None" = None,
    name: str = "metric_face",
) -> Path:
    """Write a dataset for FiftyOne.

    Args:
        embeddings: whose images, columns and vectors are written; the split of an image becomes a tag. A column whose
            name FiftyOne does not allow, such as ``a.b``, gets one that it does, ``a_b``, and its own again when it is
            read.
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
    fields = _field_names([str(one) for one in frame.columns if one not in ("path", "split")])
    samples = []
    for row, image in enumerate(embeddings.table.paths):
        split = [str(frame["split"].iloc[row])] if "split" in frame.columns else []
        labels = {field: _classification(frame[column].iloc[row]) for field, column in fields.items()}
        file = file_of(image)
        samples.append(
            {
                "filepath": str(file.absolute()),
                "tags": [*split, *dict.fromkeys(tags[row])],
                **{field: value for field, value in labels.items() if value},
                **({} if file == Path(image) else {_BOXED: str(Path(image).absolute())}),
                _FIELD: [float(number) for number in embeddings.vectors[row]],
            }
        )
    boxed = any(_BOXED in one for one in samples)
    renamed = {field: column for field, column in fields.items() if field != column}
    dataset = {
        "name": name,
        "media_type": "image",
        "sample_fields": {
            **dict.fromkeys(fields, _LABEL_TYPE),
            **({_BOXED: f"{_TYPES}StringField"} if boxed else {}),
            _FIELD: f"{_TYPES}ListField({_TYPES}FloatField)",
        },
        "info": {"fingerprint": embeddings.fingerprint, "columns": renamed},
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
        info = data.get("info") or {}
        vectors = np.asarray([one[_FIELD] for one in samples], dtype=np.float32)
        frame = pd.DataFrame([_row(one) for one in samples]).rename(columns=info.get("columns") or {})
        tags = [[str(tag) for tag in one.get("tags") or []] for one in samples]
        fingerprint = str(info.get("fingerprint", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{file}: must be a dataset in FiftyOne's JSON with a field {_FIELD!r} of numbers "
            f"({type(error).__name__}: {str(error)[:80]}); write it with write_fiftyone"
        ) from None
    if vectors.ndim != 2:
        raise FileFormatError(f"{file}: must hold an embedding for each sample, found shape {vectors.shape}")
    return Embeddings(vectors, ImageTable(frame, Path()), fingerprint), tags


def _field_names(columns: list[str]) -> dict[str, str]:
    """The field of each column: no dot, no dollar, no underscore in front, none of FiftyOne's own names, none twice."""
    fields: dict[str, str] = {}
    for column in columns:
        field = column.replace(".", "_").replace("$", "").lstrip("_") or "column"
        while field in _OWN or field in fields or (field != column and field in columns):
            field += "_"
        fields[field] = column
    return fields


def _classification(value: Any) -> dict[str, Any] | None:
    return None if pd.isna(value) else {"_cls": "Classification", "tags": [], "label": text_of(value)}


def _row(sample: dict[str, Any]) -> dict[str, Any]:
    labels = {
        key: value["label"]
        for key, value in sample.items()
        if isinstance(value, dict) and value.get("_cls") == "Classification" and "label" in value
    }
    split = next((tag for tag in sample.get("tags") or [] if tag in ("train", "val", "test")), None)
    return {
        "path": sample.get(_BOXED) or sample["filepath"],
        **labels,
        **({} if split is None else {"split": split}),
    }
