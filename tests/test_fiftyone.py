"""Embeddings to FiftyOne and back: types of fields, names that it allows, and the real package where it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metric_face.data import ImageTable
from metric_face.embeddings import Embeddings
from metric_face.integrations import read_fiftyone, write_fiftyone

DEFAULTS = {"filepath", "tags"}
"""Fields that every dataset of FiftyOne has, of those that we write."""


@pytest.fixture
def odd(tmp_path: Path) -> Embeddings:
    """Six images, one of them a box in a file, with columns that FiftyOne would refuse or take for its own."""
    names = [f"é {row}.png" for row in range(6)]
    names[1] += "#xywh=1,2,30,40"
    columns = {
        "age": [20, 31, None, 44, 50, 61],
        "sex": ["f", "m", "f", None, "m", "f"],
        **{name: list("abcdef") for name in ("tags", "id", "a.b", "a_b", "_own", "$", "in words")},
        "split": ["train", "val", "test", "train", "val", "train"],
    }
    frame = pd.DataFrame({"path": [str(tmp_path / name) for name in names], **columns})
    vectors = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    return Embeddings(vectors, ImageTable(frame, Path()), "0123")


def same(again: Embeddings, given: Embeddings) -> None:
    """Vectors, paths with boxes, labels as text and the split are what they were."""
    assert np.array_equal(again.vectors, given.vectors)
    assert again.fingerprint == given.fingerprint
    assert again.table.paths == given.table.paths
    found, wanted = again.table.frame, given.table.frame
    assert set(found.columns) == set(wanted.columns)
    assert found["age"].fillna("").tolist() == ["20", "31", "", "44", "50", "61"]
    for name in set(wanted.columns) - {"age"}:
        assert found[name].fillna("").tolist() == wanted[name].fillna("").tolist(), name


def test_each_field_has_a_type_and_a_name_that_is_allowed(odd: Embeddings, tmp_path: Path) -> None:
    file = write_fiftyone(odd, tmp_path / "x.json")
    data = json.loads(file.read_text("utf-8"))
    used = {field for sample in data["samples"] for field in sample} - DEFAULTS
    assert used == set(data["sample_fields"])
    assert not any(name.startswith("_") or set(name) & set(".$") for name in used)
    assert not used & {"id", "metadata", "created_at", "last_modified_at"}
    types = {kind for field, kind in data["sample_fields"].items() if not field.startswith("metric_face")}
    assert types == {
        "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Classification)",
    }
    assert data["samples"][1]["filepath"] == str(tmp_path / "é 1.png")
    same(read_fiftyone(file)[0], odd)


def opened(file: Path) -> Any:
    """The file as a dataset of FiftyOne itself."""
    fiftyone = pytest.importorskip("fiftyone")
    try:
        fiftyone.list_datasets()
    except (fiftyone.core.config.FiftyOneConfigError, ConnectionError, OSError) as error:
        pytest.skip(f"FiftyOne has no database here: {str(error)[:100]}")
    return fiftyone.Dataset.from_json(str(file), name=f"metric_face {file.parent}", progress=False)


@pytest.mark.filterwarnings("ignore")  # those of its own packages
def test_fiftyone_takes_the_file_and_what_it_tags_comes_back(odd: Embeddings, tmp_path: Path) -> None:
    dataset = opened(write_fiftyone(odd, tmp_path / "x.json"))
    try:
        assert len(dataset) == 6
        assert [one["sex"] and one["sex"].label for one in dataset] == ["f", "m", "f", None, "m", "f"]
        np.testing.assert_array_equal(np.array(dataset.first()["metric_face"], np.float32), odd.vectors[0])
        sample = dataset.first()
        sample.tags.append("wrong")
        sample.save()
        dataset.write_json(str(tmp_path / "y.json"))
    finally:
        dataset.delete()
    again, tags = read_fiftyone(tmp_path / "y.json")
    same(again, odd)
    assert tags == [["train", "wrong"], ["val"], ["test"], ["train"], ["val"], ["train"]]
