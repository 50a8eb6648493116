"""One notion of a missing value, in every place that reads labels or identities."""

import numpy as np
import pandas as pd
import pytest

from metric_face.arrays import column_of
from metric_face.diagnosis.inputs import context_of
from metric_face.errors import ArgumentError
from metric_face.metrics.f1 import as_codes
from metric_face.missing import is_missing, missing_rows
from metric_face.samplers import RandomIdentitySampler
from metric_face.search.index import EmbeddingIndex
from metric_face.vectors import group_codes

ABSENT = {
    "None": None,
    "nan": float("nan"),
    "float32 nan": np.float32("nan"),
    "NaT": np.datetime64("NaT", "D"),
    "pandas NaT": pd.NaT,
    "pandas NA": pd.NA,
    "empty": "",
    "blank": " \t",
}
WORDS = ("None", "NA", "nan", "null", "0", "-")
BIG = 2**53 + 1


@pytest.mark.parametrize("name", ABSENT)
def test_a_missing_value_is_one_everywhere(name: str) -> None:
    column = np.array(["a", "b", ABSENT[name], "a"] * 3, dtype=object)
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    good = np.array(["a", "b"] * 6)
    assert is_missing(ABSENT[name])
    assert missing_rows(column).tolist() == [False, False, True, False] * 3
    assert missing_rows(list(column)).tolist() == missing_rows(pd.Series(column)).tolist()
    with pytest.raises(ArgumentError, match=r"must not be missing, found .* at row 2"):
        context_of(vectors, column)
    with pytest.raises(ArgumentError, match=r"identities must not be missing, found .* at row 2"):
        context_of(vectors, good, column)
    with pytest.raises(ArgumentError, match=r"split must not be missing, found .* at row 2"):
        context_of(vectors, good, split=["train", "val", ABSENT[name], "train"] * 3)
    with pytest.raises(ArgumentError, match=r"must not be missing, found .* at row 2"):
        RandomIdentitySampler(column, 2, 2)
    assert len(set(as_codes(column, 12).tolist())) == 2 + 3  # each equal to no other
    index = EmbeddingIndex.build(vectors, labels=column)
    assert [value is None for value in index.columns["label"].tolist()] == [False, False, True, False] * 3


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_a_label(word: str) -> None:
    assert not is_missing(word)
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    context = context_of(vectors, np.array([word, "b"] * 6, dtype=object))
    assert context.classes["label"] == tuple(sorted((word, "b")))


@pytest.mark.parametrize("make", [list, np.array, pd.Series, lambda v: pd.Series(v, dtype="object")])
def test_large_identities_stay_apart(make) -> None:
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    identities = make([BIG - 1, BIG, BIG + 1] * 4)
    assert len(np.unique(context_of(vectors, [0, 1] * 6, identities).identities)) == 3
    assert len(set(as_codes(identities, 12).tolist())) == 3
    assert len(set(group_codes(identities, [BIG] * 12)[0].tolist())) == 3


def test_large_identities_beside_a_missing_one_stay_apart() -> None:
    identities = [BIG - 1, BIG, None, float("nan")]
    assert column_of(identities).tolist()[:2] == [BIG - 1, BIG]
    codes = group_codes(identities, [BIG])
    assert codes[0][1] == codes[1][0] != codes[0][0]
    assert len(set(codes[0].tolist())) == 4


def test_unsigned_labels_do_not_wrap() -> None:
    huge = np.array([2**64 - 1, 2**64 - 2, 5] * 4, dtype=np.uint64)
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    assert len(np.unique(context_of(vectors, [0, 1] * 6, huge).identities)) == 3
    with pytest.raises(ArgumentError, match=r"must be class numbers 0..C-1, found 18446744073709551615"):
        context_of(vectors, huge)
    one, other = group_codes(huge, np.array([-1, 5]))
    assert len({*one.tolist(), *other.tolist()}) == 4
    with pytest.raises(ArgumentError, match="give them as strings"):
        EmbeddingIndex.build(vectors, labels=huge)
    with pytest.raises(ArgumentError, match="give them as strings"):
        EmbeddingIndex.build(vectors, labels=[BIG, None] * 6)


def test_what_is_no_prediction_and_what_is_a_wrong_one() -> None:
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    labels = ["a", "b"] * 6
    split = ["train"] * 6 + ["val"] * 6
    said = ["a", None, "", -1, float("nan"), "b"] * 2
    context = context_of(vectors, labels, split=split, predictions=said)
    assert context.predictions is not None
    assert context.predictions["label"].tolist() == [0, -1, -1, -1, -1, 1] * 2
    with pytest.raises(ArgumentError, match="must be among 2 classes, found 'A'"):
        context_of(vectors, labels, split=split, predictions=["A"] * 12)
    with pytest.raises(ArgumentError, match="must be among 2 classes, found 18446744073709551615"):
        context_of(vectors, labels, split=split, predictions=np.full(12, 2**64 - 1, dtype=np.uint64))


@pytest.mark.parametrize("value", [["a", "b"], ("a",), {"a": 1}, b"a"])
def test_a_list_is_no_label(value) -> None:
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    column = [value, *["a", "b"] * 5, "a"]
    with pytest.raises(ArgumentError, match="must be integers or strings, found"):
        context_of(vectors, column)


def test_a_data_frame_of_labels_is_a_mapping_of_its_columns() -> None:
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    frame = pd.DataFrame({"gender": ["m", "f"] * 6, "mask": [0, 1, 2] * 4})
    assert context_of(vectors, frame).classes == {"gender": ("f", "m"), "mask": ("0", "1", "2")}
