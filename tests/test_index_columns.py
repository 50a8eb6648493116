"""Columns: every kind of label that a table can hold, joined, taken, and written without loss."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_face.errors import ArgumentError, FileFormatError
from metric_face.search.columns import Columns, columns_of

VALUES = st.one_of(
    st.lists(st.integers(-(2**62), 2**62)),
    st.lists(st.floats(allow_nan=True)),
    st.lists(st.booleans()),
    st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8")))),
)


@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_what_is_written_is_read(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("columns") / "labels.parquet"
    columns = columns_of({"a": values}, len(values))
    columns.write(path, {"__id__": np.arange(len(values))})
    read, apart = Columns.read(path, ["__id__"])
    assert (list(read), read.length) == (["a"], len(values))
    assert apart["__id__"].tolist() == list(range(len(values)))
    np.testing.assert_array_equal(read["a"], columns["a"])
    if values:
        assert read["a"].dtype == columns["a"].dtype


def test_large_integers_stay_whole():
    assert columns_of([2**53 + 1], 1)["label"].tolist() == [2**53 + 1]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pd.Series(["a", None]), object, ["a", None]),
        (pd.Series(["a", "b"], dtype="category"), object, ["a", "b"]),
        (pd.Series([1, 2], dtype="Int64"), np.int64, [1, 2]),
        (pd.Series([1, 0], dtype="int8"), np.int64, [1, 0]),
        (pd.Series([True, False]), np.bool_, [True, False]),
        (["a", float("nan")], object, ["a", None]),
        ([Path("x") / "y.jpg", "z"], object, [str(Path("x") / "y.jpg"), "z"]),
        ([np.int64(3), 4], np.int64, [3, 4]),
        ([1, "b"], object, ["1", "b"]),
        ([None, None], object, [None, None]),
    ],
)
def test_kinds_of_values(values, kind, expected):
    column = columns_of({"a": values}, 2)["a"]
    assert column.dtype == kind
    assert column.tolist() == expected


def test_missing_numbers_are_nan():
    np.testing.assert_array_equal(
        columns_of({"a": pd.Series([1, None], dtype="Int64")}, 2)["a"], [1.0, np.nan]
    )


def test_other_values_are_refused():
    with pytest.raises(
        ArgumentError, match="column 'day' must hold numbers, bools or strings, found datetime64"
    ):
        columns_of({"day": pd.to_datetime(["2024-01-01"])}, 1)
    with pytest.raises(
        ArgumentError, match=r"column 'a' must have one value for each of the 2 vectors, found shape"
    ):
        columns_of(pd.DataFrame({"a": [1, 2, 3]}), 2)
    with pytest.raises(ArgumentError, match="column 'label' must hold numbers, bools or strings, found list"):
        columns_of([[1], [2]], 2)


def test_joining_wants_the_same_columns():
    ours, theirs = columns_of({"a": [1]}, 1), columns_of({"a": ["x"]}, 1)
    with pytest.raises(ArgumentError, match="column 'a' must hold int64 as in the index, found object"):
        ours.joined(theirs)
    with pytest.raises(ArgumentError, match=r"must have the columns of the index, \['a'\], found \['b'\]"):
        ours.joined(columns_of({"b": [1]}, 1))
    assert ours.joined(columns_of({"a": [2, 3]}, 2))["a"].tolist() == [1, 2, 3]
    assert columns_of(None, 4).joined(columns_of(None, 2)).length == 6


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "labels.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(FileFormatError, match=r"labels\.parquet is not a Parquet file"):
        Columns.read(path, [])
    pd.DataFrame({"a": pd.to_datetime(["2024-01-01"])}).to_parquet(path)
    with pytest.raises(FileFormatError, match=r"labels\.parquet has no column '__id__'"):
        Columns.read(path, ["__id__"])
    with pytest.raises(FileFormatError, match=r"column 'a' has the type timestamp.*, which no index writes"):
        Columns.read(path, [])[0]["a"]


def test_a_file_of_many_row_groups_is_read(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [None if number % 7 == 0 else f"Zoë {number}" for number in range(100)]
    table = pa.table({"a": pa.array(values), "b": pa.array([number % 3 == 0 for number in range(100)])})
    pq.write_table(table, tmp_path / "labels.parquet", row_group_size=13)
    read, _ = Columns.read(tmp_path / "labels.parquet", [])
    assert read["a"].tolist() == values
    assert read["b"].tolist() == [number % 3 == 0 for number in range(100)]
