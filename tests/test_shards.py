"""Shards of an extraction: disjoint, resumed alone, joined to the bit; what does not fit is one line."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metric_face.embedding import embed, merge_shards
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import ArgumentError, DataError, FileFormatError, ModelMismatchError
from metric_face.extraction.shards import RowShard
from metric_face.run import Run

BATCH = 8


@pytest.mark.parametrize("rows", [0, 1, 7, 64, 65, 1000])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("batch", [1, 8, 64])
def test_shards_hold_each_row_once_in_whole_batches(rows: int, count: int, batch: int) -> None:
    spans = [RowShard(number, count).span(rows, batch) for number in range(1, count + 1)]
    assert [row for span in spans for row in span] == list(range(rows))
    assert all(span.start % batch == 0 for span in spans if span)
    sizes = [-(-len(span) // batch) for span in spans]
    assert max(sizes) - min(sizes) <= 1


SLURM = {"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_COUNT": "4"}


@pytest.mark.parametrize(
    ("text", "environment", "read"),
    [
        ("2/4", {}, "2/4"),
        (" 1 / 1 ", {}, "1/1"),
        ("slurm", {**SLURM, "SLURM_ARRAY_TASK_STEP": "2"}, "3/4"),
        ("slurm", SLURM | {"SLURM_ARRAY_TASK_ID": "10"}, "1/4"),
    ],
)
def test_a_shard_is_read(text: str, environment: dict[str, str], read: str) -> None:
    assert str(RowShard.parse(text, environment)) == read


@pytest.mark.parametrize("text", ["", "0/4", "5/4", "2", "1/0", "-1/4", "a/b", "1/2/3", "٢/٤", "slurm"])
def test_what_is_no_shard_is_one_line(text: str) -> None:
    with pytest.raises(ArgumentError, match="--shard") as caught:
        RowShard.parse(text, {})
    assert "\n" not in str(caught.value)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def run(indexed: Run, tmp_path: Path) -> Run:
    """A run of its own, whose embeddings are still to be made."""
    home = shutil.copytree(indexed.folder, tmp_path / "a run")
    shutil.rmtree(home / "embeddings")
    return Run.open(home, data=indexed.data_root)


def plain(run: Run, folder: Path, images: Path | None = None) -> dict[str, bytes]:
    return bytes_of(embed(run, images, folder=folder, batch_size=BATCH, precision="fp32").folder)


def make(run: Run, count: int, numbers: list[int] | None = None, **changes: object) -> None:
    for number in numbers or range(1, count + 1):
        how = {"batch_size": BATCH, "precision": "fp32", **changes}
        embed(run, shard=f"{number}/{count}", **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_joined_shards_are_to_the_byte_what_one_call_writes(run: Run, tmp_path: Path, count: int) -> None:
    make(run, count, list(range(count, 0, -1)))  # 12 batches: of 20 shards some are empty
    assert not (run.folder / "embeddings").exists()
    made = merge_shards(run)
    assert (made.images, made.complete) == (96, True)
    assert bytes_of(run.folder / "embeddings") == plain(run, tmp_path / "whole")
    assert not (run.folder / "embeddings.shards").exists()
    assert [path for path in run.folder.iterdir() if path.name.startswith(".embeddings")] == []


def test_broken_images_leave_the_others_as_they_are(run: Run, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(run.data_root / "images", photos)
    names = sorted(path.name for path in photos.iterdir())[:40]
    for path in photos.iterdir():
        if path.name not in names:
            path.unlink()
    (photos / names[3]).write_bytes(b"no image")
    for name in names[8:16]:  # all of a batch, which is a shard of five
        (photos / name).write_bytes(b"no image")
    for number in range(1, 6):
        made = embed(
            run, photos, folder=tmp_path / "v", shard=f"{number}/5", batch_size=BATCH, precision="fp32"
        )
        assert (made.images, made.complete) == {1: (7, False), 2: (0, False)}.get(number, (8, True))
    merged = merge_shards(run, photos, folder=tmp_path / "v")
    whole = embed(run, photos, folder=tmp_path / "whole", batch_size=BATCH, precision="fp32")
    assert bytes_of(tmp_path / "v") == bytes_of(tmp_path / "whole")
    assert merged.notes == whole.notes
    assert whole.notes[0].startswith(f"9 images cannot be used: {names[3]}, {names[8]}, ")
    others = [row for row in range(40) if row != 3 and not 8 <= row < 16]
    kept = Embeddings.load(tmp_path / "v")
    assert list(kept.table.frame["path"]) == [names[row] for row in others]


def test_a_mended_image_is_embedded_when_the_call_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(run.data_root / "images", photos)
    first, *_ = sorted(photos.iterdir())
    kept = first.read_bytes()
    first.write_bytes(b"no image")

    def interrupt(done: int, total: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    monkeypatch.setattr("metric_face.extraction.vector_files.STRIDE", 1)
    with pytest.raises(KeyboardInterrupt):
        embed(run, photos, folder=tmp_path / "v", batch_size=BATCH, precision="fp32", progress=interrupt)
    first.write_bytes(kept)
    made = embed(run, photos, folder=tmp_path / "v", batch_size=BATCH, precision="fp32")
    assert (made.images, made.notes) == (96, ())
    assert bytes_of(tmp_path / "v") == plain(run, tmp_path / "whole", photos)


def test_a_whole_shard_is_kept_until_an_image_changes(run: Run) -> None:
    make(run, 2)
    file = run.folder / "embeddings.shards" / "1-of-2" / "shard.json"
    before = file.stat().st_mtime_ns
    make(run, 2, [1])
    assert file.stat().st_mtime_ns == before
    make(run, 2, [1], batch_size=16)
    assert file.stat().st_mtime_ns != before


def _remove(run: Run, shards: Path) -> None:
    shutil.rmtree(shards / "2-of-3")


def _damage(run: Run, shards: Path) -> None:
    file = shards / "2-of-3" / "vectors.npy"
    file.write_bytes(file.read_bytes()[:-4] + b"abcd")


def _other_settings(run: Run, shards: Path) -> None:
    make(run, 3, [2], batch_size=16)


def _interrupted(run: Run, shards: Path) -> None:
    _remove(run, shards)
    (shards / ".2-of-3.metric_face").mkdir()


def _swapped(run: Run, shards: Path) -> None:
    (shards / "2-of-3").rename(shards / "x")
    (shards / "1-of-3").rename(shards / "2-of-3")
    (shards / "x").rename(shards / "1-of-3")


def _other_table(run: Run, shards: Path) -> None:
    frame = run.table.frame.assign(color="red")
    other = Run.open(run.folder, data=run.data)
    other.__dict__["table"] = type(run.table)(frame, run.table.root)
    make(other, 3, [2])


def _two_counts(run: Run, shards: Path) -> None:
    make(run, 2, [1])


@pytest.mark.parametrize(
    ("harm", "kind", "said"),
    [
        (_remove, FileFormatError, "shard 2/3 is missing; run: metric-face embed 'RUN' --shard 2/3"),
        (
            _interrupted,
            FileFormatError,
            "shard 2/3 is not whole; it was interrupted, or is still being made; run: ",
        ),
        (
            _damage,
            FileFormatError,
            r"vectors.npy: truncated or altered, its checksum is not that of shard.json; run ",
        ),
        (
            _other_settings,
            DataError,
            "2-of-3: made of other settings than 1-of-3 (batch_size 16, not 8); run again: ",
        ),
        (_swapped, FileFormatError, "shard.json: is of shard [2, 3], not 1-of-3; run again: "),
        (_other_table, DataError, "2-of-3: made of another table than 1-of-3"),
        (
            _two_counts,
            FileFormatError,
            "holds shards of 2 and of 3; remove the folders of all but one of these",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_the_command(
    run: Run, harm: Callable[[Run, Path], None], kind: type[Exception], said: str
) -> None:
    make(run, 3)
    harm(run, run.folder / "embeddings.shards")
    with pytest.raises(kind) as caught:
        merge_shards(run)
    line = str(caught.value)
    assert said.replace("RUN", str(run.folder)) in line
    assert "\n" not in line
    assert not (run.folder / "embeddings").exists()
    if "run" in said:
        number = 1 if harm is _swapped else 2
        assert f"--shard {number}/3" in line
        assert "--batch-size 8 --precision fp32" in line


def test_shards_of_other_weights_or_none_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileFormatError, match=r"holds no shard; run first, and likewise 2/2: .* --shard 1/2"):
        merge_shards(run)
    make(run, 2)
    monkeypatch.setattr(Run, "fingerprint", "0" * 16)
    with pytest.raises(ModelMismatchError, match="the run holds 0000000000000000; run again: "):
        merge_shards(run)


def test_a_csv_belongs_to_all_of_the_shards(run: Run, tmp_path: Path) -> None:
    with pytest.raises(
        ArgumentError, match="--csv: a shard has a part of the images only; give it with --merge"
    ):
        embed(run, shard="1/2", csv=tmp_path / "x.csv")
    make(run, 2)
    merge_shards(run, csv=tmp_path / "x.csv")
    assert len(pd.read_csv(tmp_path / "x.csv")) == 96


KILLED = """
import os, signal, sys
from metric_face.embedding import embed
from metric_face.extraction import vector_files
vector_files.STRIDE = 8
stop = int(sys.argv[2])
def progress(done, total):
    if done >= stop:
        os.kill(os.getpid(), signal.SIGKILL)
embed(sys.argv[1], shard="2/2", batch_size=8, precision="fp32", progress=progress)
"""


@pytest.mark.slow
def test_a_killed_shard_goes_on(run: Run, tmp_path: Path) -> None:
    make(run, 2, [1])
    words = [sys.executable, "-c", KILLED, str(run.folder)]
    assert subprocess.run([*words, "24"]).returncode == -9
    shards = run.folder / "embeddings.shards"
    assert sorted(path.name for path in shards.iterdir()) == [".2-of-2.metric_face", "1-of-2"]
    seen: list[int] = []
    embed(
        run, shard="2/2", batch_size=BATCH, precision="fp32", progress=lambda done, total: seen.append(done)
    )
    assert seen == [32, 40, 48]  # 24 of 48 rows were not computed again
    merged = merge_shards(run).embeddings
    whole = embed(run, folder=tmp_path / "whole", batch_size=BATCH, precision="fp32").embeddings
    assert merged.table.frame.equals(whole.table.frame)
    np.testing.assert_allclose(
        merged.vectors, whole.vectors, atol=1e-5
    )  # two processes, of other thread counts
