"""Without the extra ``train``, an indexed run is served, and what needs the extra says so in one line."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from metric_face.errors import MissingExtraError
from metric_face.extras import _PACKAGES, check_installed, missing_line, named_extras
from metric_face.run import Run

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
_MODULES = {
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
    "pytorch-metric-learning": "pytorch_metric_learning",
}
_WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def light(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python without the packages of the extra."""
    code = _WITHOUT.format(absent=set(_PACKAGES["train"])) + code
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return light("from metric_face.cli import main\nmain()", *words)


def names(requirements: list[str]) -> set[str]:
    return {line.partition(">")[0].partition("[")[0].strip() for line in requirements}


def test_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base, extras = names(project["dependencies"]), project["optional-dependencies"]
    train = {_MODULES.get(name, name) for name in names(extras["train"])}
    assert set(_PACKAGES["train"]) - train == {"numba"}  # umap-learn brings it
    assert train <= set(_PACKAGES["train"])
    assert not base & names(extras["train"])
    assert {"faiss-cpu", "onnxruntime", "pyarrow", "Pillow"} <= base
    assert set(_PACKAGES) <= set(extras)


def test_an_indexed_run_is_served(indexed: Run, toy: Path, tmp_path: Path) -> None:
    image = toy / "images" / "p01_0.png"
    said = command("knn", indexed.folder, image, "--show", 2)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{image}: color ")
    found = command("search", indexed.folder, image, "-k", 2)
    assert found.returncode == 0, found.stderr
    assert len(found.stdout.splitlines()) == 3
    every = command("knn", indexed.folder, toy / "images", "--csv", tmp_path / "answers.csv")
    assert every.returncode == 0, every.stderr
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 97


def test_what_is_missing_is_named_in_one_line(indexed: Run, toy: Path, tmp_path: Path) -> None:
    for words in (("train", toy, "--out", tmp_path / "run"), ("why", indexed.folder), ("audit", toy)):
        refused = command(*words)
        assert refused.returncode == 1
        last = refused.stderr.splitlines()[-1]
        assert last.startswith("error: ")
        assert last.endswith(" is not installed; pip install 'metric_face[train]'")
    assert not (tmp_path / "run").exists()


def test_public_names_say_what_they_need() -> None:
    code = (
        "import metric_face\n"
        "from metric_face import EmbeddingIndex, NeighborGraph, Predictor, Run, load_config, neighbors, search_images\n"
        "assert dir(metric_face) == sorted(metric_face.__all__)\n"
        "try:\n    metric_face.TripletLoss\n"
        "except metric_face.MetricFaceError as error:\n    print(error)\n"
    )
    done = light(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "torch is not installed; pip install 'metric_face[train]'"


def test_every_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metric_face.extraction.ray_embedder import RayEmbedder
    from metric_face.models.quantization import quantize_onnx
    from metric_face.search.milvus_client import connect

    calls = {
        "onnx": lambda: quantize_onnx(tmp_path / "a", tmp_path / "b", np.zeros((1, 3, 8, 8), np.float32)),
        "pymilvus": lambda: connect(str(tmp_path / "a.db")),
        "ray": lambda: RayEmbedder(None, None),
    }
    extras = {"onnx": "train", "pymilvus": "milvus", "ray": "ray"}
    for name, call in calls.items():
        for module in (name, f"{name}.data"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtraError) as refused:
            call()
        assert str(refused.value) == f"{name} is not installed; pip install 'metric_face[{extras[name]}]'"


def test_a_package_is_looked_for_without_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed("numpy")
    monkeypatch.setattr("metric_face.extras.find_spec", {"mtcnn": "found", "lz4": None}.get)
    with pytest.raises(
        MissingExtraError, match=r"^lz4 is not installed; pip install 'metric_face\[faces\]'$"
    ):
        check_installed("mtcnn", "lz4")
    assert "mtcnn" not in sys.modules


def test_other_missing_modules_stay_what_they_are() -> None:
    assert missing_line(ModuleNotFoundError("No module named 'timm.layers'", name="timm.layers")) == (
        "timm is not installed; pip install 'metric_face[train]'"
    )
    assert missing_line(ModuleNotFoundError("No module named 'mine'", name="mine")) is None
    assert missing_line(ModuleNotFoundError("nameless")) is None
    with pytest.raises(ModuleNotFoundError, match="mine"), named_extras():
        import mine  # noqa: F401
