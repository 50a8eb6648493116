"""A CSV of predictions of ours is read as written or refused, whatever byte changes; a foreign one is believed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.embeddings.prediction_csv import read_predictions, write_predictions
from metric_face.embeddings.predictions import Predictions
from metric_face.errors import DataError

SPACE = LabelSpace((Attribute("color", ("blue", "red")), Attribute("hat", ("none", " tall, gray", "cap"))))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    tables = {a.name: rng.dirichlet(np.ones(a.num_classes), 5) for a in SPACE.attributes}
    images = np.array(["a/1.png", "ä, b.png", "x y.jpg", "007", "1e5"])
    return write_predictions(tmp_path / "run.csv", Predictions("run", images, tables), SPACE)


def _values(file: Path) -> tuple[object, ...]:
    found = read_predictions(file, SPACE)
    return found.images.tolist(), {name: table.tolist() for name, table in found.probabilities.items()}


def test_every_changed_byte_and_every_cut_is_noticed(file: Path) -> None:
    content, whole = file.read_bytes(), _values(file)
    rng = np.random.default_rng(1)
    damaged = [content[:at] for at in range(len(content))]
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(changed))
    said = []
    for bad in damaged:
        file.write_bytes(bad)
        try:
            found = _values(file)
        except DataError as error:
            said.append(str(error))
        else:
            assert found == whole
    assert len(said) > 0.9 * len(damaged)
    assert all("\n" not in line and str(file) in line for line in said)


def test_rows_and_columns_may_be_moved_and_saved_by_another_program(file: Path) -> None:
    whole = read_predictions(file, SPACE)
    frame = pd.read_csv(file, dtype={"path": str})
    frame = frame.iloc[::-1, [6, 3, 1, 5, 0, 2, 4]]
    frame.to_csv(file, index=False, sep=";")
    moved = read_predictions(file, SPACE).take(whole.images)
    for name, table in whole.probabilities.items():
        np.testing.assert_array_equal(moved.probabilities[name], table)


def test_the_messages_say_what_to_do(file: Path) -> None:
    frame = pd.read_csv(file, dtype=str)
    assert frame.columns[-1] == "crc32"
    frame.iloc[:4].to_csv(file, index=False)
    remedy = "write it again, or drop the column 'crc32' if it was changed on purpose$"
    with pytest.raises(DataError, match=rf"run\.csv: must hold 5 rows of one file, found 4; {remedy}"):
        read_predictions(file, SPACE)
    changed = frame.assign(**{"color:red": frame["color:blue"], "color:blue": frame["color:red"]})
    changed.to_csv(file, index=False)
    message = rf"run\.csv: altered, the checksum of 'a/1\.png' does not match \(5 of 5 rows\); {remedy}"
    with pytest.raises(DataError, match=message):
        read_predictions(file, SPACE)
    frame.assign(more="x").to_csv(file, index=False)
    with pytest.raises(DataError, match=r"run\.csv: altered, .*could not convert string to float"):
        read_predictions(file, SPACE)


def test_a_file_without_the_column_is_believed(file: Path) -> None:
    frame = pd.read_csv(file, dtype=str).iloc[:3, :-1]
    frame["color:blue"], frame["color:red"] = "0.25", "0.75"
    frame.to_csv(file, index=False)
    np.testing.assert_array_equal(read_predictions(file, SPACE).probabilities["color"], [[0.25, 0.75]] * 3)


def test_files_put_together_are_read(file: Path) -> None:
    whole, one = read_predictions(file, SPACE), file.read_text("utf-8").splitlines()
    rest = Predictions(
        "more", np.array(["b/1.png", "b/2.png"]), {n: t[:2] for n, t in whole.probabilities.items()}
    )
    two = write_predictions(file.with_name("more.csv"), rest, SPACE).read_text("utf-8").splitlines()
    file.write_text("\n".join([*one, *two[1:]]) + "\n", "utf-8")
    assert len(read_predictions(file, SPACE)) == 7
    file.write_text("\n".join([*one[:-1], *two[1:]]) + "\n", "utf-8")
    with pytest.raises(DataError, match="must hold 5 rows of one file, found 4"):
        read_predictions(file, SPACE)
