"""The scripts in ``examples/`` run on drawn data, from another folder."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from metric_face.run import Run

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run_example(name: str, *words: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *words],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_script_is_listed() -> None:
    listed = (ROOT / "examples/README.md").read_text("utf-8")
    scripts = sorted(file.name for file in (ROOT / "examples").iterdir() if file.suffix != ".md")
    assert scripts
    assert [name for name in scripts if name not in listed] == []


def test_the_map_of_vectors(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    kinds = np.arange(90) % 3
    np.save(tmp_path / "vectors.npy", np.eye(8)[kinds] * 3 + generator.normal(size=(90, 8)))
    pd.DataFrame({"kind": [f"한글 {kind}" for kind in kinds]}).to_csv(tmp_path / "labels.csv", index=False)
    printed = run_example("visualize_vectors.py", "vectors.npy", "labels.csv", "map.png", folder=tmp_path)
    assert "purity of neighbors" in printed
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.width > 800


def test_the_service_answers_an_image_and_refuses_what_is_none(indexed: Run, toy: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, ROOT / "examples/knn_service.py", indexed.folder, "0"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        address = f"http://{server.stdout.readline().split()[-1]}"
        image = (toy / "images/p00_0.png").read_bytes()
        with urllib.request.urlopen(address, data=image) as reply:
            answer = json.load(reply)
        assert answer["predicted"]["color"] == "red"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, data=b"no image")
        with refused.value:
            assert refused.value.code == 400
            assert "the image" in json.load(refused.value)["error"]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_the_loop_learns(toy: Path, tmp_path: Path) -> None:
    printed = run_example("own_training_loop.py", toy / "images.csv", "--epochs", "3", folder=tmp_path)
    lines = printed.splitlines()
    assert lines[0] == "batches: as promised"
    losses = [float(line.split()[-1]) for line in lines[1:]]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
