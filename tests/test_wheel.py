"""What is installed is what is in the tree, and it works away from the tree."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist, built from a copy of the tree so that nothing is left in it."""
    source = tmp_path_factory.mktemp("source") / "metric_face"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode:
        pytest.skip("needs the git checkout, to know which files belong to the project")
    for name in filter(None, tracked.stdout.decode().split("\0")):
        file, copy = ROOT / name, source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            copy.symlink_to(os.readlink(file))
        elif file.is_file():
            copy.write_bytes(file.read_bytes())
    made = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--sdist",
            "--no-isolation",
            "--outdir",
            str(made),
            str(source),
        ],
        check=True,
        capture_output=True,
    )
    return made


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def shipped(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_twine_takes_both(built: Path) -> None:
    pytest.importorskip("twine", reason="make docs installs it")
    files = sorted(map(str, built.iterdir()))
    assert [Path(file).suffix for file in files] == [".whl", ".gz"]
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_a_wheel_made_from_the_sdist_holds_the_same(built: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path / "again"),
    ]
    subprocess.run([*command, str(next(tmp_path.glob("metric_face-*")))], check=True, capture_output=True)
    assert shipped(next((tmp_path / "again").glob("*.whl"))) == shipped(wheel)


def test_the_wheel_holds_exactly_the_modules_of_the_tree(wheel: Path) -> None:
    here = {
        f"metric_face/{file.relative_to(ROOT / 'metric_face')}"
        for file in (ROOT / "metric_face").rglob("*.py")
    }
    here |= {
        f"metric_face/{name}/{file.name}"
        for name in ("samplers", "losses")
        for file in (ROOT / name).glob("*.py")
    }
    assert {name for name in shipped(wheel) if name.endswith(".py")} == here


def test_the_wheel_holds_what_is_no_module(wheel: Path) -> None:
    names = shipped(wheel)
    assert "metric_face/py.typed" in names
    for folder in ("pages", "recipes"):
        here = {
            f"metric_face/{folder}/{file.name}"
            for file in (ROOT / "metric_face" / folder).iterdir()
            if file.is_file()
        }
        assert here <= names


def test_nothing_else_is_installed_at_the_top(wheel: Path) -> None:
    assert {name.split("/")[0] for name in shipped(wheel)} == {"metric_face"}


def test_it_works_away_from_the_tree(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere, beside files that would shadow `samplers` and `losses` as packages of their own."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "losses.py").write_text("raise ImportError('the user file was imported')")
    (tmp_path / "samplers.py").write_text("raise ImportError('the user file was imported')")
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], '.']\n"
        "import metric_face\n"
        "assert metric_face.__file__.startswith(sys.argv[1]), metric_face.__file__\n"
        "for name in metric_face.__all__: getattr(metric_face, name)\n"
        "from metric_face.losses import TripletLoss\n"
        "from metric_face.samplers import RandomIdentitySampler\n"
        "from metric_face.config import recipes\n"
        "assert recipes()\n"
        "print(len(RandomIdentitySampler([0, 0, 1, 1], 2, 2)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"


def test_the_public_names_are_these() -> None:
    import metric_face

    assert set(metric_face.__all__) == {
        "EmbeddingIndex",
        "EmbeddingModel",
        "Embeddings",
        "FocalLoss",
        "Gallery",
        "ImageTable",
        "JointLoss",
        "KNNClassifier",
        "LabelSpace",
        "LinearProbe",
        "LogitAdjustedCrossEntropy",
        "MetricFaceError",
        "NeighborGraph",
        "Predictor",
        "RandomIdentitySampler",
        "Run",
        "SoftF1Loss",
        "TripletLoss",
        "attribute",
        "attribute_classes",
        "audit",
        "audit_batches",
        "build_index",
        "diagnose",
        "embed",
        "embed_backbone",
        "evaluate",
        "evaluate_pairs",
        "evaluate_queries",
        "export",
        "extract",
        "find_faces",
        "fit",
        "fit_folds",
        "fuse",
        "gallery_metrics",
        "gradient_conflict",
        "load_config",
        "merge_shards",
        "neighbors",
        "plot_map",
        "probe",
        "project",
        "recipes",
        "run_demo",
        "search_images",
        "split_by_identity",
        "verification_metrics",
        "visualize",
        "what_if",
        "write_attribution",
        "write_report",
    }


def test_the_doors_ship(wheel: Path) -> None:
    here = {
        f"metric_face/{file.relative_to(ROOT / 'metric_face')}"
        for file in (ROOT / "metric_face").rglob("*.pyi")
    }
    assert len(here) > 10
    assert here <= shipped(wheel)
