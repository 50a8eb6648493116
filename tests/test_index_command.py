"""``metric-face index`` in shards, mapped, and grown: ``knn`` answers from it as from the usual one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import metric_face
from metric_face import EmbeddingIndex
from metric_face.run import Run
from metric_face.search import CODE

pytestmark = pytest.mark.slow


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "metric_face", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "COLUMNS": "200"},
    )


def answers(run: Run, index: Path, images: list[Path]) -> list[dict]:
    done = command("knn", run.folder, *images, "--index", index, "--json")
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout, parse_float=lambda text: round(float(text), 5))
    return read["answers"]


def test_shards_and_mapped_vectors_answer_as_one_index(indexed: Run, toy: Path, tmp_path: Path) -> None:
    images = sorted((toy / "images").iterdir())[:4]
    out = tmp_path / "größe in pieces"
    done = command("index", indexed.folder, "--shards", 3, "--mmap", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["shards"], said["kind"]) == (3, "flat")
    assert len(list(out.glob("shard-*.faiss"))) == 3
    assert answers(indexed, out, images) == answers(indexed, indexed.folder / "index", images)
    # What lies there is an index, so the command may replace it, in one piece as well.
    assert command("index", indexed.folder, "--out", out).returncode == 0
    assert sorted(file.name for file in out.iterdir()) == ["index.faiss", "index.json", "labels.parquet"]


def test_more_shards_than_vectors_are_refused_in_a_line(indexed: Run, tmp_path: Path) -> None:
    for count in (0, -1, 100_000):
        done = command("index", indexed.folder, "--shards", count, "--out", tmp_path / "index")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("error: shards must be ")
    assert command("index", indexed.folder, "--shards", "many").returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_grown_index_equals_one_built_of_all(indexed: Run, tmp_path: Path) -> None:
    embeddings = indexed.embeddings()
    whole = metric_face.build_index(indexed, split="all")
    folder = tmp_path / "index"
    metric_face.build_index(indexed, split="train", folder=folder, shards=2)
    others = np.flatnonzero(embeddings.table.frame["split"] != "train")
    with EmbeddingIndex.changing(folder) as index:
        index.add(embeddings.take(others))
    grown = EmbeddingIndex.load(folder)
    assert sorted(grown.columns["path"]) == sorted(whole.columns["path"])
    place = {path: row for row, path in enumerate(whole.columns["path"].tolist())}
    rows = [place[path] for path in grown.columns["path"].tolist()]
    for name in whole.columns:
        np.testing.assert_array_equal(grown.columns[name], whole.columns[name][rows])
    assert any(name.startswith(CODE) for name in whole.columns)
    ours, theirs = (one.search(embeddings, 5) for one in (grown, whole))
    np.testing.assert_array_equal(np.array(rows)[ours.rows], theirs.rows)
    predictor = metric_face.Predictor(indexed.folder, folder)
    assert len(predictor.predict([embeddings.table.paths[0]])) == 1


def test_an_added_class_is_answered(indexed: Run, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(indexed.folder / "index", folder)
    new = indexed.embeddings().take([0])
    target = metric_face.Predictor(indexed.folder, folder).index.metadata["attributes"][0]["name"]
    table = new.table.with_column(target, ["neu"])
    with EmbeddingIndex.changing(folder) as index:
        index.remove(where={"path": str(table.frame["path"].iloc[0])})
        index.add(metric_face.Embeddings(new.vectors, table, new.fingerprint))
    answer = metric_face.Predictor(indexed.folder, folder).predict(table.paths, k=1)[0]
    assert answer.predicted[target] == "neu"
