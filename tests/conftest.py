"""Fixtures that many tests share: small pictures that a model can learn, made anew for every session."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# Before anything loads huggingface_hub, which reads them once: no test asks the network or finds a user's weights.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_CACHE"] = os.devnull
os.environ["TORCH_HOME"] = os.devnull

import numpy as np
import pandas as pd
import pytest
from PIL import Image

if TYPE_CHECKING:
    from metric_face.run import Run

COLORS = {"red": (200, 60, 50), "blue": (50, 80, 200)}


def draw_toy(
    folder: Path, identities: int = 24, each: int = 4, size: int = 32, seed: int = 0
) -> pd.DataFrame:
    """Draw squares and discs in two colors: color belongs to the identity, shape varies, age is the brightness."""
    generator = np.random.default_rng(seed)
    rows = []
    y, x = np.mgrid[:size, :size]
    for identity in range(identities):
        color = list(COLORS)[identity % 2]
        age = int(generator.integers(18, 80))
        center = generator.uniform(0.4, 0.6, 2) * size
        for number in range(each):
            shape = "disc" if (identity + number) % 3 else "square"
            inside = np.hypot(x - center[0], y - center[1]) < size / 4
            if shape == "square":
                inside = np.maximum(abs(x - center[0]), abs(y - center[1])) < size / 4
            pixels = np.full((size, size, 3), age + 60.0)
            pixels[inside] = COLORS[color]
            pixels += generator.normal(0, 12, pixels.shape)
            name = f"images/p{identity:02d}_{number}.png"
            (folder / "images").mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name)
            rows.append(
                {"path": name, "identity": f"p{identity:02d}", "color": color, "shape": shape, "age": age}
            )
    frame = pd.DataFrame(rows)
    frame.to_csv(folder / "images.csv", index=False)
    return frame


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images.csv: 24 identities x 4 images of 32 px; columns color, shape, age. Read it only."""
    folder = tmp_path_factory.mktemp("toy")
    draw_toy(folder)
    return folder


@pytest.fixture(scope="session")
def indexed(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A run of seconds on the toy images, with its ONNX file, embeddings and index. Read it only."""
    from metric_face.extraction import extract
    from metric_face.inference.index_building import build_index
    from metric_face.training.fitting import fit
    from tests.training_cases import tiny_config

    folder = tmp_path_factory.mktemp("indexed") / "run"
    run = fit(tiny_config(toy, trainer__export_onnx=True), folder, quiet=True)
    # The kNN command computes in float32; where a processor has bf16, "auto" would differ by its rounding.
    extract(run, run.table, folder=folder / "embeddings", precision="fp32")
    build_index(run).save(folder / "index")
    return run


@pytest.fixture(scope="session")
def documentation(
    tmp_path_factory: pytest.TempPathFactory,
) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    """The folder of the built documentation, and how its build ended; links, anchors and docstrings are checked."""
    pytest.importorskip("mkdocs", reason="pip install 'metric_face[docs]'")
    folder = tmp_path_factory.mktemp("documentation") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "METRIC_FACE_DOCS_RUN": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return folder, done
