"""embed on Ray: the same rows in the same order as here, whatever order the actors answer in."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metric_face.data.image_rows import TableRows
from metric_face.embedding import embed
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import ArgumentError, ImageError, MissingExtraError, ProcessError
from metric_face.extraction.ray_embedder import RayEmbedder, _blocks, _in_order, _start
from metric_face.extraction.writing import write_embeddings
from metric_face.run import Run

HOW = {"batch_size": 8, "precision": "fp32"}


@pytest.mark.parametrize("rows", [1, 7, 64, 1000, 5000])
@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("batch", [1, 8, 4096])
def test_blocks_hold_each_row_once_in_whole_batches(rows: int, start: int, batch: int) -> None:
    blocks = list(_blocks(range(start, start + rows), batch, 2))
    assert [row for block in blocks for row in range(*block)] == list(range(start, start + rows))
    assert all(first % batch == 0 for first, _ in blocks[1:])


def answers(spans: list[tuple[int, int]], failed: dict[int, str]) -> Iterator[dict[str, object]]:
    """What actors answer, the last block first: each vector holds its row number."""
    for start, stop in reversed(spans):
        rows = np.array([row for row in range(start, stop) if row not in failed], np.float32)
        mine = [(row, why) for row, why in failed.items() if start <= row < stop]
        yield {
            "start": start,
            "vectors": np.stack([rows, -rows], axis=1).tobytes(),
            "logits": (10 * rows).tobytes() + np.stack([20 * rows, 30 * rows], axis=1).tobytes(),
            "failed": json.dumps(mine),
        }


def test_answers_are_put_in_order() -> None:
    spans, failed = [(3, 5), (5, 8), (8, 9)], {6: "broken", 8: "lost"}
    results = list(_in_order(answers(spans, failed), spans, (2, {"a": 1, "b": 2}), skip_broken=True))
    assert [result.stop for result in results] == [5, 8, 9]
    rows = np.concatenate([result.vectors for result in results])
    np.testing.assert_array_equal(rows, [[3, -3], [4, -4], [5, -5], [7, -7]])
    np.testing.assert_array_equal(results[1].logits["a"], [[50], [70]])
    np.testing.assert_array_equal(results[1].logits["b"], [[100, 150], [140, 210]])
    assert {row: why for result in results for row, why in result.failed.items()} == failed
    with pytest.raises(ImageError, match="broken"):
        list(_in_order(answers(spans, failed), spans, (2, {"a": 1, "b": 2}), skip_broken=False))


def test_what_cannot_be_is_one_line(indexed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="--on: must be here or ray, found 'spark'"):
        embed(indexed, folder=tmp_path / "v", on="spark")
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingExtraError, match=r"^ray is not installed; pip install 'metric_face\[ray\]'"):
        RayEmbedder(indexed.model, indexed.transform)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, as if with two processors; the calls of this module share it."""
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    pytest.importorskip("ray.data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.getcwd())
        patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        patch.delenv("RAY_ADDRESS", raising=False)
        on_term = signal.getsignal(signal.SIGTERM)
        ray.init(
            address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
        )
        signal.signal(signal.SIGTERM, on_term)  # Ray sets its own, which would outlive these tests
        yield
        ray.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("actors", [1, 2])
def test_actors_give_what_this_process_gives(indexed: Run, tmp_path: Path, actors: int) -> None:
    photos = shutil.copytree(indexed.data_root / "images", tmp_path / "photos")
    names = sorted(path.name for path in photos.iterdir())
    (photos / names[17]).write_bytes(b"no image")
    here = embed(indexed, photos, folder=tmp_path / "here", **HOW)  # type: ignore[arg-type]
    there = embed(indexed, photos, folder=tmp_path / "there", on="ray", workers=actors, **HOW)  # type: ignore[arg-type]
    assert there.notes == here.notes
    one, other = (Embeddings.load(tmp_path / name) for name in ("here", "there"))
    pd.testing.assert_frame_equal(one.table.frame, other.table.frame)
    np.testing.assert_allclose(other.vectors, one.vectors, atol=1e-5)  # processes of other thread counts
    for head in one.logits:
        np.testing.assert_allclose(other.logits[head], one.logits[head], atol=1e-5)
    lost = indexed.table.with_column("path", [*indexed.table.frame["path"][:95], "images/gone.png"])
    with pytest.raises(ImageError, match=r"gone\.png"):
        write_embeddings(
            RayEmbedder(indexed.model, indexed.transform, precision="fp32", actors=actors),
            TableRows(lost),
            tmp_path / "lost",
            fingerprint=indexed.fingerprint,
        )


def test_a_cluster_that_is_not_reached_may_have_wanted_a_token(monkeypatch) -> None:
    """To an address that was given Ray sends no token unless it is told to, and says that nothing was reached."""
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    refusal: list[Exception] = []

    def init(**_: object) -> None:
        raise refusal[-1]

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    for error in (ray.exceptions.AuthenticationError("no"), ConnectionError("Failed to connect")):
        refusal.append(error)
        with pytest.raises(
            ProcessError, match=r"reached \(.*\); start the cluster, set RAY_AUTH_MODE=token if it asks"
        ):
            _start()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(ProcessError, match=r"\(Failed to connect\); start the cluster, or leave --on out"):
        _start()


@pytest.mark.slow
def test_the_command_on_ray(indexed: Run, tmp_path: Path) -> None:
    pytest.importorskip("ray.data", reason="the extra 'ray' is not installed")
    words = [sys.executable, "-m", "metric_face", "embed", indexed.folder, "--out", tmp_path / "v"]
    words += ["--data", indexed.data_root, "--on", "ray", "--workers", "1", "--precision", "fp32", "--json"]
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    kept |= {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    lost = {**kept, "RAY_ADDRESS": "not-an-address"}
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=140, env=lost)
    assert done.returncode == 1
    assert "error: RAY_ADDRESS=not-an-address: cannot be reached (" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=140, env=kept)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["images"] == 96
    stored = indexed.embeddings()
    np.testing.assert_allclose(Embeddings.load(tmp_path / "v").vectors, stored.vectors, atol=1e-5)
    assert "WARN" not in done.stderr
