"""Vectors are the model's, whatever the batches; on disk they survive a kill without losing or doubling a row."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from metric_face.data.images import ImageError
from metric_face.data.table import ImageTable
from metric_face.data.transforms import EvalTransform
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.extraction import extract as extract_as_the_device_likes
from metric_face.extraction import vector_files
from metric_face.models.embedding_model import EmbeddingModel
from tests.conftest import draw_toy

TRANSFORM = EvalTransform((32, 32))

# The oracle is in float32; "auto" is bf16 where the processor computes in it.
extract = partial(extract_as_the_device_likes, precision="fp32")


@pytest.fixture(scope="module")
def model() -> EmbeddingModel:
    torch.manual_seed(0)
    return EmbeddingModel("test_resnet", {"color": 2}, embedding_size=8).eval()


def expected(model: EmbeddingModel, table: ImageTable) -> np.ndarray:
    """One image at a time, through the transform as it is."""
    with torch.inference_mode():
        return np.concatenate(
            [model.embed(torch.from_numpy(TRANSFORM(path))[None]).numpy() for path in table.paths]
        )


@pytest.mark.parametrize("batch_size", [1, 7, 200])
def test_vectors_are_the_model_s_in_table_order(toy: Path, model: EmbeddingModel, batch_size: int) -> None:
    table = ImageTable.read(toy).take(np.arange(30))
    seen: list[tuple[int, int]] = []
    made = extract(
        model, table, transform=TRANSFORM, batch_size=batch_size, progress=lambda d, n: seen.append((d, n))
    )
    np.testing.assert_allclose(made.vectors, expected(model, table), atol=2e-5)
    assert made.logits["color"].shape == (30, 2)
    assert seen[-1] == (30, 30)


def test_on_disk_and_in_memory_are_the_same(toy: Path, model: EmbeddingModel, tmp_path: Path) -> None:
    table = ImageTable.read(toy)
    kept = extract(model, table, transform=TRANSFORM, folder=tmp_path / "e")
    np.testing.assert_array_equal(kept.vectors, extract(model, table, transform=TRANSFORM).vectors)
    again = Embeddings.load(tmp_path / "e")
    np.testing.assert_array_equal(again.vectors, kept.vectors)
    assert list(again.table.frame["path"]) == list(table.frame["path"])


def test_another_model_does_not_go_on_with_these_rows(
    toy: Path, model: EmbeddingModel, tmp_path: Path
) -> None:
    table = ImageTable.read(toy)
    stop_after(tmp_path, model, table, 40)
    other = EmbeddingModel("test_resnet", {"color": 2}, embedding_size=8).eval()
    made = extract(other, table, transform=TRANSFORM, folder=tmp_path / "e")
    np.testing.assert_allclose(made.vectors, expected(other, table), atol=2e-5)


def stop_after(folder: Path, model: EmbeddingModel, table: ImageTable, rows: int) -> None:
    """Interrupt an extraction, with a note after every batch."""

    def interrupt(done: int, total: int) -> None:
        if done >= rows:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_files, "STRIDE", 1)
        with pytest.raises(KeyboardInterrupt):
            extract(model, table, transform=TRANSFORM, folder=folder / "e", batch_size=8, progress=interrupt)


def test_an_interrupted_call_goes_on(
    toy: Path, model: EmbeddingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = ImageTable.read(toy)
    stop_after(tmp_path, model, table, 40)
    first: list[int] = []
    made = extract(
        model,
        table,
        transform=TRANSFORM,
        folder=tmp_path / "e",
        batch_size=8,
        progress=lambda d, n: first.append(d),
    )
    assert first[0] == 48  # rows up to 40 were not computed again
    np.testing.assert_allclose(made.vectors, expected(model, table), atol=2e-5)


@pytest.mark.slow
def test_a_killed_process_loses_and_doubles_nothing(tmp_path: Path, model: EmbeddingModel) -> None:
    draw_toy(tmp_path / "data", identities=60, each=5)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    script = tmp_path / "work.py"
    script.write_text(
        "import sys, time, torch\n"
        "from metric_face.extraction import extract, vector_files\n"
        "from metric_face.data.table import ImageTable\n"
        "from metric_face.data.transforms import EvalTransform\n"
        "from metric_face.models.embedding_model import EmbeddingModel\n"
        "vector_files.STRIDE = 8\n"
        "home = sys.argv[1]\n"
        "model = EmbeddingModel('test_resnet', {'color': 2}, embedding_size=8).eval()\n"
        "model.load_state_dict(torch.load(home + '/weights.pth', weights_only=True))\n"
        "extract(model, ImageTable.read(home + '/data'), transform=EvalTransform((32, 32)), batch_size=8,\n"
        "        precision='fp32', folder=home + '/e', progress=lambda d, n: time.sleep(0.05))\n"
    )
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    note = tmp_path / ".e.metric_face" / "progress.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (note.is_file() and json.loads(note.read_text())["rows"] >= 64):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "e").exists()  # half a result is never taken for a whole one
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    made = Embeddings.load(tmp_path / "e")
    np.testing.assert_allclose(made.vectors, expected(model, ImageTable.read(tmp_path / "data")), atol=2e-5)


def test_damaged_embeddings_are_refused(toy: Path, model: EmbeddingModel, tmp_path: Path) -> None:
    extract(model, ImageTable.read(toy), transform=TRANSFORM, folder=tmp_path / "e")
    file = tmp_path / "e" / "vectors.npy"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(FileFormatError, match=r"vectors\.npy: truncated or altered"):
        Embeddings.load(tmp_path / "e")
    with pytest.raises(FileFormatError, match="holds no embeddings; run 'metric-face embed' first"):
        Embeddings.load(tmp_path)


def test_what_cannot_be_embedded_is_reported(toy: Path, model: EmbeddingModel) -> None:
    table = ImageTable.read(toy).take([0, 1])
    with pytest.raises(ArgumentError, match="a bare model needs the EvalTransform"):
        extract(model, table)
    lost = table.with_column("path", ["images/p00_0.png", "images/gone.png"])
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        extract(model, lost, transform=TRANSFORM)
