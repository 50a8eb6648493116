"""Ctrl-C and SIGTERM, in whatever a command is doing: the exit code that a shell expects, one line, nothing left."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from metric_face.cli.stopping import Stopped, stoppable
from metric_face.config import dump_config
from metric_face.run import Run
from metric_face.training.fitting import fit
from tests.training_cases import tiny_config

KILLED = """
import importlib, os, signal, sys
module, _, name = sys.argv[1].partition(":")
owner = importlib.import_module(module)
*path, name = name.split(".")
for step in path:
    owner = getattr(owner, step)
number, group, original, sent = int(sys.argv[2]), sys.argv[3] == "group", getattr(owner, name), []

def killed(*given, **named):
    if not sent:
        sent.append(True)
        for _ in range(2 if group else 1):  # as timeout(1) does
            (os.killpg if group else os.kill)(os.getpid(), number)
    return original(*given, **named)

setattr(owner, name, killed)
sys.argv = ["metric-face", *sys.argv[4:]]
from metric_face.cli.entry import main
main()
"""


def signaled(
    where: str, number: signal.Signals, *words: object, group: bool = False
) -> subprocess.CompletedProcess[str]:
    """A command that receives a signal where it first calls the function ``where``."""
    return subprocess.run(
        [sys.executable, "-c", KILLED, where, str(int(number)), "group" if group else "", *map(str, words)],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=200,
    )


BEGUN = "go on with: metric-face train --resume --out "
TRAINING = "metric_face.training"


@pytest.mark.parametrize(
    ("where", "said", "group"),
    [
        ("metric_face.data.preparation:find_broken", "stopped by SIGTERM; call the command again", False),
        (f"{TRAINING}.components:build_objective", BEGUN, False),
        (f"{TRAINING}.module:TrainingModule.configure_optimizers", BEGUN, True),
        (f"{TRAINING}.module:TrainingModule.training_step", BEGUN, True),
        (f"{TRAINING}.module:TrainingModule.validation_step", BEGUN, True),
        (f"{TRAINING}.finishing:save_model", BEGUN, False),
        (f"{TRAINING}.finishing:write_onnx", BEGUN, True),
    ],
)
def test_sigterm_in_each_phase_of_a_training(
    toy: Path, tmp_path: Path, where: str, said: str, group: bool
) -> None:
    (tmp_path / "tiny.yaml").write_text(
        dump_config(
            tiny_config(toy, data__workers=2 if group else 0, trainer__epochs=1, trainer__export_onnx=True)
        )
    )
    home = tmp_path / "run"
    ended = signaled(
        where, signal.SIGTERM, "train", "--config", tmp_path / "tiny.yaml", "--out", home, group=group
    )
    assert ended.returncode == 143, ended.stderr
    assert ended.stderr.count(said) == 1
    assert "Traceback" not in ended.stderr
    assert "Error" not in ended.stderr
    if said == BEGUN:
        assert fit({}, home, resume=True, quiet=True).facts["ended"] == "complete"
        assert (home / "model.onnx").is_file()
    else:
        assert not home.exists()
    assert [path.name for path in tmp_path.rglob(".*")] == []


@pytest.mark.parametrize(
    ("where", "words", "number", "code"),
    [
        ("metric_face.search.index:EmbeddingIndex.save", ["index"], signal.SIGINT, 130),
        ("metric_face.evaluation:evaluate", ["evaluate"], signal.SIGTERM, 143),
        ("metric_face.diagnosis:write_report", ["why"], signal.SIGTERM, 143),
        ("metric_face.visualization.maps:write_map", ["visualize"], signal.SIGTERM, 143),
        ("metric_face.extraction.vector_files:VectorFiles.finish", ["embed"], signal.SIGTERM, 143),
        ("metric_face.inference:Predictor.predict", ["knn", "IMAGE", "--csv", "CSV"], signal.SIGTERM, 143),
        ("metric_face.ensemble:fuse", ["fuse", "--out", "CSV"], signal.SIGTERM, 143),
    ],
)
def test_a_signal_ends_a_command_in_one_line(
    indexed: Run, tmp_path: Path, where: str, words: list[str], number: signal.Signals, code: int
) -> None:
    home = Path(shutil.copytree(indexed.folder, tmp_path / "run"))
    places = {"IMAGE": str(indexed.table.paths[0]), "CSV": str(tmp_path / "answers.csv")}
    command, *options = (places.get(word, word) for word in words)
    ended = signaled(where, number, command, home, *options)
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.splitlines()[-1] == f"stopped by {number.name}; call the command again"
    assert "Traceback" not in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert list(home.rglob(".*")) == []


def test_the_second_sigterm_of_one_timeout_does_not_break_the_clean_up() -> None:
    cleaned = []

    def work() -> None:
        with stoppable():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGTERM)
                cleaned.append(True)

    with pytest.raises(Stopped) as stopped:
        work()
    assert stopped.value.code == 143
    assert cleaned
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
