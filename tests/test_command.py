"""The command as a new user meets it: answers, one-line errors, exit codes, and nothing heavy before its time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metric_face.config import dump_config
from metric_face.run import Run
from metric_face.training.fitting import fit
from tests.training_cases import tiny_config

pytestmark = pytest.mark.slow
HEAVY = {"torch", "pandas", "faiss", "sklearn", "umap", "lightning", "matplotlib", "timm"}
COMMANDS = (
    "demo",
    "train",
    "embed",
    "index",
    "knn",
    "search",
    "gallery",
    "probe",
    "evaluate",
    "visualize",
    "audit",
    "why",
    "fuse",
)


def command(*words: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metric_face", *map(str, words)],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=280,
        env={**os.environ, "COLUMNS": "200"},
    )


def refused(*words: str | Path) -> str:
    """What a command that must fail prints: one line, exit code 1."""
    done = command(*words)
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def run(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with embeddings and index, made by the commands themselves."""
    folder = tmp_path_factory.mktemp("command")
    config = folder / "tiny.yaml"
    config.write_text(dump_config(tiny_config(toy, trainer__export_onnx=True, trainer__epochs=6)))
    done = command("train", "--config", config, "--out", folder / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ended"] == "complete"
    for words in (["embed"], ["index", "--reject", "f1"]):
        done = command(words[0], folder / "run", *words[1:], "--json")
        assert done.returncode == 0, done.stderr
    assert (folder / "run" / "model.onnx").is_file()
    return Run.open(folder / "run")


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    done = command("--help")
    for name in COMMANDS:
        assert f" {name} " in done.stdout
    code = (
        "import sys; sys.argv = ['metric-face', '--help']\n"
        "from metric_face.cli.entry import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(sorted({{m.split('.')[0] for m in sys.modules}} & {HEAVY | {'PIL'}}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip().endswith("[]")


def test_asking_needs_no_torch(run: Run, toy: Path) -> None:
    code = (
        "import sys\nfrom metric_face.inference.predictor import Predictor\n"
        f"print(Predictor({str(run.folder)!r}).predict([{str(toy / 'images/p00_0.png')!r}])[0].predicted['color'])\n"
        f"print(sorted({{m.split('.')[0] for m in sys.modules}} & {HEAVY - {'faiss'}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    color, loaded = done.stdout.split("\n")[:2]
    assert color in ("red", "blue", "unknown")
    assert loaded == "[]"


def test_knn_answers_in_every_form(run: Run, toy: Path, tmp_path: Path) -> None:
    image = toy / "images" / "p01_0.png"
    said = command("knn", run.folder, image, "--show", "2")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{image}: color ")
    assert len(said.stdout.splitlines()) == 3
    one = json.loads(command("knn", run.folder, image, "--json").stdout)["answers"][0]
    assert set(one["predicted"]) == {"color", "shape", "joint"}
    assert all(0 <= chance <= 1 for chance in one["probability"].values())
    listed = command("knn", run.folder, "-", "--json", stdin=f"{image}\n{image}\n").stdout.splitlines()
    assert [json.loads(line)["predicted"] for line in listed] == [one["predicted"]] * 2
    done = command("knn", run.folder, toy / "images", "-k", "3", "--csv", tmp_path / "info.csv")
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "info.csv").read_text().splitlines()
    assert rows[0] == "ImageID,ans"
    assert len(rows) == 97
    assert {row.split(",")[1] for row in rows[1:]} <= {"0", "1", "2", "3"}


def test_the_command_and_python_say_the_same(run: Run, toy: Path) -> None:
    from metric_face.inference.predictor import Predictor

    image = toy / "images" / "p02_1.png"
    by_command = json.loads(command("knn", run.folder, image, "--json").stdout)["answers"][0]
    by_torch = Predictor(run.folder, use_torch=True).predict([image])[0].to_dict()
    assert by_command["predicted"] == by_torch["predicted"]
    assert by_command["neighbors"][0]["path"] == by_torch["neighbors"][0]["path"]
    assert by_command["neighbors"][0]["similarity"] == pytest.approx(
        by_torch["neighbors"][0]["similarity"], abs=1e-4
    )


def test_evaluate_and_probe_report_every_predictor(run: Run) -> None:
    done = command("evaluate", run.folder, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {(score["predictor"], score["target"]) for score in found["scores"]} == {
        (judge, target)
        for judge in ("head", "knn", "probe", "majority")
        for target in ("color", "shape", "joint")
    }
    assert {near["label"] for near in found["retrieval"]} == {"color", "shape", "joint", "identity"}
    assert found["met_own"] == 0  # the split kept every identity in one split
    assert all(near["same_identity_excluded"] == (near["label"] != "identity") for near in found["retrieval"])
    for score in found["scores"]:
        assert score["macro_f1"]["low"] <= score["macro_f1"]["value"] <= score["macro_f1"]["high"]
    said = command("probe", run.folder)
    assert "macro F1" in said.stdout
    assert "square" in said.stdout


def test_wrong_paths_are_one_line(run: Run, tmp_path: Path) -> None:
    assert "no such file or folder" in refused("train", tmp_path / "nowhere", "--out", tmp_path / "r")
    (tmp_path / "empty").mkdir()
    assert "0 images taken" in refused("train", tmp_path / "empty", "--out", tmp_path / "r")
    assert "no such folder; give the directory that 'metric-face train' wrote" in refused(
        "embed", tmp_path / "none"
    )
    assert "no such file or folder; check the path" in refused("knn", run.folder, tmp_path / "none.jpg")


def test_a_text_named_jpg_stops_before_training_or_is_skipped(toy: Path, tmp_path: Path) -> None:
    for number, file in enumerate(sorted((toy / "images").iterdir())[:16]):
        home = tmp_path / "data" / ("red" if number % 8 < 4 else "blue")
        home.mkdir(parents=True, exist_ok=True)
        (home / file.name).write_bytes(file.read_bytes())
    (tmp_path / "data" / "red" / "note.jpg").write_text("no picture")
    line = refused("train", tmp_path / "data", "--out", tmp_path / "run")
    assert (
        "note.jpg: not an image that can be read; replace it or drop its row; --skip-broken drops and lists"
        in line
    )
    assert not (tmp_path / "run").exists()
    done = command(
        "train", tmp_path / "data", "--skip-broken", "--out", tmp_path / "run",
        "--set", "model.backbone=test_resnet", "--set", "data.size=[32,32]", "--set", "trainer.epochs=1",
        "--set", "data.workers=0", "--set", "trainer.export_onnx=false", "-q",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [f"1 image dropped; {tmp_path / 'run' / 'run.json'} lists all"]


def test_a_typo_in_the_configuration(toy: Path, tmp_path: Path) -> None:
    line = refused("train", toy, "--set", "optimizer.leaning_rate=1", "--out", tmp_path / "r")
    assert "optimizer.leaning_rate: no such key" in line
    assert command("train", toy, "--not-an-option").returncode == 2


def test_an_index_of_another_model_is_refused_by_name(run: Run, toy: Path, tmp_path: Path) -> None:
    other = fit(tiny_config(toy, seed=1, trainer__epochs=1), tmp_path / "other", quiet=True)
    line = refused("knn", other.folder, toy / "images" / "p00_0.png", "--index", run.folder / "index")
    assert run.fingerprint in line
    assert other.fingerprint in line


def test_fusing_two_runs_chooses_donors_and_says_the_gain(run: Run, tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    assert command("embed", run.folder, "--csv", one).returncode == 0
    two.write_text(one.read_text())
    done = command("fuse", one, two, "--truth", run.folder)
    assert done.returncode == 0, done.stderr
    assert "gain over" in done.stdout


def test_ctrl_c_keeps_what_was_learned_and_says_how_to_go_on(toy: Path, tmp_path: Path) -> None:
    config = tmp_path / "long.yaml"
    config.write_text(dump_config(tiny_config(toy, trainer__epochs=100_000)))
    words = ["train", "--config", str(config), "--out", str(tmp_path / "run")]
    process = subprocess.Popen([sys.executable, "-m", "metric_face", *words], stdout=-1, stderr=-1, text=True)
    deadline = time.monotonic() + 200
    while not (tmp_path / "run" / "metrics.csv").is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, beside = process.communicate(timeout=90)
    assert process.returncode == 130, beside
    assert said.startswith("interrupted: best val/macro_f1 ")
    assert f"go on with: metric-face train --resume --out {tmp_path / 'run'}" in beside
    assert "Traceback" not in beside
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_recipes_and_schema() -> None:
    assert "competition" in command("recipes").stdout
    assert 'backbone: "resnet10t"' in command("recipes", "small").stdout
    assert json.loads(command("recipes", "--schema").stdout)["properties"].keys() >= {"data", "model", "loss"}


def test_a_large_split_is_asked_by_drawn_images_and_says_so(run: Run) -> None:
    images = json.loads(command("evaluate", run.folder, "--json").stdout)["images"]
    every = json.loads(command("evaluate", run.folder, "--max-queries", "0", "--json").stdout)
    assert every["asking"] == images
    assert {one["drawing_error"] for one in every["retrieval"]} == {0.0}
    drawn = json.loads(command("evaluate", run.folder, "--max-queries", images - 3, "--json").stdout)
    assert drawn["asking"] == images - 3
    assert drawn["scores"][0] == every["scores"][0]  # heads need no neighbors
    assert all(one["queries"] + one["without_relevant"] == images - 3 for one in drawn["retrieval"])
    assert max(one["drawing_error"] for one in drawn["retrieval"]) > 0
    done = command("evaluate", run.folder, "--max-queries", images - 3)
    assert f"{images - 3} of {images} images, drawn at random, ask kNN and retrieval" in done.stdout
    refused = command("evaluate", run.folder, "--max-queries", "-1")
    assert refused.returncode == 2
    assert "--max-queries" in refused.stderr


def test_the_command_draws_as_many_as_python_does() -> None:
    import inspect

    import metric_face
    from metric_face.cli.evaluate import evaluate

    of = [
        inspect.signature(one).parameters["max_queries"].default for one in (evaluate, metric_face.evaluate)
    ]
    assert of[0] == of[1]
