"""Parquet files read in pieces are to the value what they are in memory, and embed as any other table does."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metric_face.data import image_rows
from metric_face.data.parquet_files import parquet_files
from metric_face.data.parquet_rows import ParquetRows
from metric_face.data.table import ImageTable
from metric_face.embedding import embed, merge_shards
from metric_face.errors import DataError
from metric_face.extraction import vector_files
from metric_face.run import Run


def rows_of(source: Path) -> ParquetRows:
    rows = ParquetRows.open(source)
    assert rows is not None
    return rows


def frame_of(rows: ParquetRows, start: int = 0, stop: int | None = None) -> pd.DataFrame:
    return pd.concat([piece.to_pandas() for piece in rows.pieces(start, stop)], ignore_index=True)


def table(count: int, first: int = 0) -> pa.Table:
    """Rows of every type that is read as text, with gaps."""
    numbers = range(first, first + count)
    return pa.table(
        {
            "path": [f"images/ä {row}.png" for row in numbers],
            " identity ": pa.array([row // 3 for row in numbers], pa.int32()),
            "age": [None if row % 5 == 0 else float(row) for row in numbers],
            "half": [row / 2 for row in numbers],
            "color": pa.array([["red", " ", "007", None][row % 4] for row in numbers]).dictionary_encode(),
            "wide": [2**53 + row for row in numbers],
            "true": [row % 2 == 0 for row in numbers],
            "tags": [[row] for row in numbers],
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of 40, 1 and 59 rows, in row groups of 7."""
    for name, (first, count) in {"b 1": (40, 1), "a": (0, 40), "c": (41, 59)}.items():
        pq.write_table(table(count, first), tmp_path / f"{name}.parquet", row_group_size=7)
    (tmp_path / "_metadata.parquet").write_bytes(b"")
    return tmp_path


def test_pieces_are_what_the_table_is_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ImageTable.read(folder)
    pq.write_table(table(100), folder / "sub.parq")
    (folder / "sub.parq").rename(folder.parent / "one.parquet")
    pd.testing.assert_frame_equal(whole.frame, ImageTable.read(folder.parent / "one.parquet").frame)
    assert list(whole.frame["age"][:3]) == [None, "1", "2"] or whole.frame["age"].isna()[0]
    assert list(whole.frame["wide"][:2]) == [str(2**53), str(2**53 + 1)]
    monkeypatch.setattr(image_rows, "PIECE", 9)
    rows = rows_of(folder)
    assert len(rows) == 100
    pd.testing.assert_frame_equal(frame_of(rows), whole.frame)
    assert {len(piece) for piece in rows.pieces()} == {9, 1}
    for start, stop in ((0, 1), (6, 8), (39, 42), (41, 100), (99, 100), (13, 77)):
        expected = whole.frame.iloc[start:stop].reset_index(drop=True)
        pd.testing.assert_frame_equal(frame_of(rows, start, stop), expected)
    assert list(rows.pieces(5, 5)) == []


def test_only_the_files_of_a_table_are_one(folder: Path, tmp_path: Path) -> None:
    assert [file.name for file in parquet_files(folder)] == ["a.parquet", "b 1.parquet", "c.parquet"]
    assert parquet_files(folder / "a.parquet") == [folder / "a.parquet"]
    other = tmp_path / "other"
    other.mkdir()
    pq.write_table(pa.table({"x": [1]}), other / "labels.parquet")
    assert parquet_files(other) == []  # a file beside class folders is no table of images
    assert parquet_files(tmp_path / "none") == []


def test_folders_named_by_a_value_are_a_column(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / f"split={split}").mkdir()
        pq.write_table(pa.table({"path": [f"{split}.png"]}), tmp_path / f"split={split}" / "0.parquet")
    assert frame_of(rows_of(tmp_path)).to_dict("list") == {
        "path": ["train.png", "val.png"],
        "split": ["train", "val"],
    }
    assert ImageTable.read(tmp_path).splits == ("train", "val")


def _damaged(folder: Path) -> None:
    (folder / "b 1.parquet").write_bytes(b"PAR1 no more")


def _no_path(folder: Path) -> None:
    pq.write_table(pa.table({"file": ["x.png"]}), folder / "a.parquet")


def _other_type(folder: Path) -> None:
    pq.write_table(pa.table({"path": ["x"], "color": [[1]]}), folder / "c.parquet")


def _outside(folder: Path) -> None:
    pq.write_table(pa.table({"path": ["a.png", "../x.png"], " identity ": [1, 2]}), folder / "c.parquet")


def _empty_path(folder: Path) -> None:
    pq.write_table(pa.table({"path": ["a.png", " "], " identity ": [1, 2]}), folder / "c.parquet")


def _no_row(folder: Path) -> None:
    for name in ("a", "b 1", "c"):
        pq.write_table(table(0), folder / f"{name}.parquet")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_damaged, r"b 1\.parquet: cannot be read as a table of these files \(.*\); write it again"),
        (_other_type, r"c\.parquet: cannot be read as a table of these files"),
        (_outside, r"in the rows from 0 on: path '\.\./x\.png': a relative path must stay inside"),
        (_empty_path, "in the rows from 0 on: row 42: 'path' must not be empty"),
        (_no_row, "needs at least one image; found 0 rows"),
    ],
)
def test_what_is_wrong_is_one_line_before_any_work(folder: Path, harm: object, said: str) -> None:
    harm(folder)  # type: ignore[operator]
    with pytest.raises(DataError, match=said) as caught:
        rows_of(folder).check()
    assert "\n" not in str(caught.value)


def test_a_file_without_paths_is_named(tmp_path: Path) -> None:
    _no_path(tmp_path)
    with pytest.raises(DataError, match="needs a column 'path'; its columns are file"):
        rows_of(tmp_path / "a.parquet")


@pytest.fixture
def photos(indexed: Run, tmp_path: Path) -> Path:
    """The toy images, and their table as two Parquet files beside them."""
    home = shutil.copytree(indexed.data_root / "images", tmp_path / "photos" / "images").parent
    frame = indexed.table.frame.drop(columns="split")
    for number, part in enumerate(np.array_split(np.arange(len(frame)), 2)):
        frame.iloc[part].to_parquet(home / f"{number}.parquet", index=False, row_group_size=10)
    frame.to_csv(home / "images.csv", index=False)
    return home


def test_a_folder_of_parquet_files_embeds_as_the_same_table_does(
    indexed: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"batch_size": 8, "precision": "fp32"}
    plain = embed(indexed, photos / "images.csv", folder=tmp_path / "plain", **how)  # type: ignore[arg-type]
    (photos / "images.csv").unlink()
    monkeypatch.setattr(image_rows, "PIECE", 10)
    monkeypatch.setattr(vector_files, "STRIDE", 8)

    def interrupt(done: int, total: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(indexed, photos, folder=tmp_path / "v", progress=interrupt, **how)  # type: ignore[arg-type]
    seen: list[tuple[int, int]] = []
    made = embed(indexed, photos, folder=tmp_path / "v", progress=lambda *now: seen.append(now), **how)  # type: ignore[arg-type]
    assert seen[0] == (48, 96)
    np.testing.assert_array_equal(made.embeddings.vectors, plain.embeddings.vectors)
    pd.testing.assert_frame_equal(made.embeddings.table.frame, plain.embeddings.table.frame)
    for number in (1, 2, 3):
        embed(indexed, photos, folder=tmp_path / "w", shard=f"{number}/3", **how)  # type: ignore[arg-type]
    merge_shards(indexed, photos, folder=tmp_path / "w")
    for file in (tmp_path / "v").iterdir():
        assert file.read_bytes() == (tmp_path / "w" / file.name).read_bytes()


def test_broken_images_of_a_large_table_are_left_out(indexed: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "images.csv").unlink()
    names = sorted(path.name for path in (photos / "images").iterdir())
    (photos / "images" / names[95]).unlink()
    (photos / "images" / names[1]).write_bytes(b"")
    made = embed(indexed, photos, folder=tmp_path / "v", batch_size=8, precision="fp32")
    assert (made.images, made.complete) == (94, False)
    assert made.notes[0].startswith(
        f"2 images cannot be used: images/{names[1]}, images/{names[95]}; the first: "
    )
    kept = [f"images/{name}" for row, name in enumerate(names) if row not in (1, 95)]
    assert list(made.embeddings.table.frame["path"]) == kept
