"""Predictions as CSV: read in whichever form a run wrote them, written in one, and the submission."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.data import Template, read_csv_text, refuse_repeated
from metric_face.embeddings.predictions import Predictions
from metric_face.embeddings.row_checks import verified, with_checks
from metric_face.errors import DataError
from metric_face.files import shown, write_text

if TYPE_CHECKING:
    import pandas as pd

    from metric_face.data import Attribute, LabelSpace

MOST_BYTES = 2**31
"""Of a CSV of predictions."""
_KEYS = ("ImageID", "path", "image")


def read_predictions(path: str | Path, space: "LabelSpace") -> Predictions:
    """Read a CSV of predictions; the file's stem is the run's name.

    The first of the columns ``ImageID``, ``path``, ``image`` names the image. For each attribute there is either
    a column of class names or codes under the attribute's name, or one column of probabilities for each class,
    ``attribute:class`` (or ``attribute:code``). A column ``ans`` of joint classes stands for all attributes. The
    checksums that :func:`write_predictions` adds are compared where they are there.

    Args:
        path: the file.
        space: the attributes and their classes.

    Raises:
        DataError: a column is missing, a class is unknown, a probability is not one, or a row is altered.
    """
    file = Path(path)
    frame = _read_text(file, space)
    key = next((column for column in _KEYS if column in frame.columns), None)
    if key is None or frame[key].isna().any():
        raise DataError(
            f"{file}: needs a column {', '.join(_KEYS)} without gaps; found {', '.join(frame.columns)[:120]}"
        )
    frame = verified(frame, key, str(file))
    tables: dict[str, Doubles] = {}
    for attribute in space.attributes:
        columns = [_column_of(frame, attribute.name, code, c) for code, c in enumerate(attribute.classes)]
        if all(column is not None for column in columns):
            tables[attribute.name] = _read_probabilities(frame[columns], f"{file}: {attribute.name}")
        elif attribute.name in frame.columns:
            codes = _read_classes(frame[attribute.name], attribute, file)
            tables[attribute.name] = np.eye(attribute.num_classes)[codes]
        elif "ans" in frame.columns:
            joint = _whole(frame["ans"], space.num_classes, f"{file}: ans")
            tables[attribute.name] = np.eye(attribute.num_classes)[space.split_joint(joint)[attribute.name]]
        else:
            raise DataError(
                f"{file}: needs a column {attribute.name!r}, or {attribute.name}:CLASS for every class, or 'ans'; "
                f"found {', '.join(frame.columns)[:120]}"
            )
    return Predictions(file.stem, frame[key].to_numpy(dtype=str), tables)


def write_predictions(path: str | Path, predictions: Predictions, space: "LabelSpace") -> Path:
    """Write probabilities as ``path, attribute:class, ..., crc32``, which :func:`read_predictions` reads back."""
    import pandas as pd

    columns: dict[str, Any] = {"path": predictions.images}
    for attribute in space.attributes:
        for code, name in enumerate(attribute.classes):
            values = predictions.probabilities[attribute.name][:, code]
            columns[f"{attribute.name}:{name}".strip()] = [f"{value:.9g}" for value in values]
    return write_text(path, with_checks(pd.DataFrame(columns), "path").to_csv(index=False))


def write_submission(path: str | Path, predictions: Predictions, space: "LabelSpace") -> Path:
    """Write ``ImageID,ans``: the file name of each image and its joint class, in the order of the images.

    Raises:
        DataError: file names repeat.
    """
    import pandas as pd

    names = [image.replace("\\", "/").rsplit("/", 1)[-1] for image in predictions.images]
    refuse_repeated(names)
    joint = space.joint(predictions.codes())
    return write_text(path, pd.DataFrame({"ImageID": names, "ans": joint}).to_csv(index=False))


def fill_template(
    path: str | Path, predictions: Predictions, space: "LabelSpace", template: Template, default: int
) -> list[str]:
    """Write a row for each id of a template, in its order: the joint class of the image that it names.

    Args:
        path: where.
        predictions: of the images.
        space: the attributes.
        template: the ids.
        default: the joint class of an id that names no image.

    Returns:
        The ids that got the default.

    Raises:
        DataError: an id names two images.
    """
    joint = space.joint(predictions.codes())
    place = template.match(predictions.images.tolist())
    text, missing = template.filled({name: int(joint[at]) for name, at in place.items()}, default)
    write_text(path, text)
    return missing


def _read_text(file: Path, space: "LabelSpace") -> "pd.DataFrame":
    if not file.is_file():
        raise DataError(f"{file}: must be a CSV of predictions, found no such file; check the path")
    if (size := file.stat().st_size) > MOST_BYTES:
        raise DataError(
            f"{file}: must have at most {MOST_BYTES:,} bytes, found {size:,}; is it a CSV of predictions?"
        )
    try:
        frame, _ = read_csv_text(file, (*_KEYS, *space.names))
    except DataError as error:
        reason = str(error).removeprefix(f"{file}: ")
        raise DataError(f"{file}: must be a CSV of predictions; {reason}") from None
    if frame.empty:
        raise DataError(
            f"{file}: must be a CSV of predictions, found no rows; write it with 'metric-face embed --csv'"
        )
    return frame


def _column_of(frame: "pd.DataFrame", attribute: str, code: int, name: str) -> str | None:
    found = (column for column in (f"{attribute}:{name}", f"{attribute}:{code}") if column in frame.columns)
    return next(found, None)


def _read_probabilities(frame: "pd.DataFrame", where: str) -> Doubles:
    try:
        table = frame.to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: probabilities must be numbers, found {shown(str(error), 80)}") from None
    sums = table.sum(axis=1)
    bad = ~(np.isfinite(table).all(axis=1) & (table >= 0).all(axis=1) & (np.abs(sums - 1) < 1e-3))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{where}: probabilities must be at least 0 and sum to 1, found {table[row].tolist()} in row {row}"
        )
    normalized: Doubles = table / sums[:, None]
    return normalized


def _read_classes(series: "pd.Series", attribute: "Attribute", file: Path) -> Ints:
    """Codes or class names; names first, as a class may be called 0."""
    series = series.fillna("")
    if set(series) <= set(attribute.classes):
        codes: Ints = series.map(attribute.classes.index).to_numpy(dtype=np.int64)
        return codes
    if series.map(_is_whole).all():
        return _whole(series, attribute.num_classes, f"{file}: {attribute.name}")
    unknown = next(value for value in series if value not in attribute.classes)
    raise DataError(
        f"{file}: {attribute.name} must be one of {', '.join(attribute.classes)}, found {shown(unknown)}"
    )


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"\s*\d{1,18}\s*", text, re.ASCII) is not None


def _whole(series: "pd.Series", classes: int, where: str) -> Ints:
    series = series.fillna("")
    bad = next((text for text in series if not _is_whole(text) or int(text) >= classes), None)
    if bad is not None:
        raise DataError(f"{where} must be whole numbers 0..{classes - 1}, found {bad[:60] or repr(bad)}")
    return series.map(int).to_numpy(dtype=np.int64)
