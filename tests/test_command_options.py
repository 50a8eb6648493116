"""Options that every command takes, the short ones of train, and run folders that count up."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from metric_face import __version__
from metric_face.cli.run_folders import folder_to_train, newest_run
from metric_face.config import load_config
from metric_face.errors import ConfigError
from tests.test_cli import COMMANDS

ROOT = Path(__file__).parents[1]
SET = (
    "--set",
    "data.attributes=[color]",
    "--set",
    "model.pretrained=false",
    "--set",
    "trainer.export_onnx=false",
)
TINY = (*SET, "--backbone", "test_resnet", "--size", "32", "--epochs", "1", "--batch-size", "8")


def command(folder: Path, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metric_face", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )


def test_the_version(tmp_path: Path) -> None:
    for option in ("--version", "-V"):
        done = command(tmp_path, option)
        assert (done.returncode, done.stdout) == (0, f"metric-face {__version__}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_quiet_and_verbose_on_demand(name: str) -> None:
    options = {word for parameter in COMMANDS[name].params for word in parameter.opts}
    assert {"-q", "--quiet", "-v", "--verbose"} <= options


def test_verbose_shows_where_and_quiet_keeps_errors(tmp_path: Path) -> None:
    plain, verbose, quiet = (
        command(tmp_path, "evaluate", "absent", *words) for words in ((), ("-v",), ("--quiet",))
    )
    assert plain.returncode == verbose.returncode == quiet.returncode == 1
    assert "Traceback" not in plain.stderr
    assert "Traceback" in verbose.stderr
    assert quiet.stderr == plain.stderr
    assert quiet.stderr.startswith("error: absent")


def test_no_color_means_no_color(tmp_path: Path) -> None:
    """On a terminal, where help and tables have colors otherwise."""
    shown = {}
    for no_color in ("", "1"):
        ours, theirs = pty.openpty()
        variables = {"NO_COLOR": no_color} if no_color else {}
        bare = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        subprocess.run(
            [sys.executable, "-m", "metric_face", "train", "--help"],
            stdout=theirs,
            stderr=theirs,
            timeout=100,
            env={**bare, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables},
        )
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:  # the end of what a closed terminal gives
            pass
        os.close(ours)
        shown[no_color] = text.decode()
    color = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-7]|4[0-7]|9[0-7]|38|48)(?:;[0-9]+)*m")
    assert color.search(shown[""])
    assert "--epochs" in re.sub(r"\x1b\[[0-9;]*m", "", shown["1"])
    assert not color.search(shown["1"])


@pytest.mark.slow
def test_a_training_takes_the_next_number_and_says_its_epochs(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "4").mkdir(parents=True)
    done = command(tmp_path, "train", toy / "images.csv", *TINY)
    assert done.returncode == 0, done.stderr
    assert "run directory: runs/5" in done.stderr
    epochs = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in epochs] == ["epoch 1 of 1"]
    config = load_config(tmp_path / "runs" / "5" / "config.yaml")
    assert (config.trainer.epochs, config.model.backbone) == (1, "test_resnet")
    assert (config.data.size, config.sampler.batch_size) == ((32, 32), 8)


@pytest.mark.slow
def test_a_start_that_fails_leaves_nothing(toy: Path, tmp_path: Path) -> None:
    for words in ((), ("--out", "deep/down/run")):
        done = command(tmp_path, "train", toy / "images.csv", "--set", "data.attributes=[nope]", *words, "-q")
        assert done.returncode == 1
        assert [line[:7] for line in done.stderr.splitlines()] == ["error: "]
        assert list(tmp_path.iterdir()) == []


def test_without_a_name_the_newest_run_is_opened(tmp_path: Path) -> None:
    for name in ("latest", "3"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").write_text("nonsense: 1\n")
    os.utime(tmp_path / "runs" / "latest" / "config.yaml", (1, 1))
    assert "runs/3" in command(tmp_path, "evaluate").stderr
    assert "runs/latest" in command(tmp_path, "evaluate", "runs/latest").stderr


def test_a_setting_is_given_once(tmp_path: Path) -> None:
    done = command(tmp_path, "train", "absent.csv", "--epochs", "3", "--set", "trainer.epochs=4")
    assert done.returncode == 1
    assert done.stderr == "error: --epochs 3: --set trainer.epochs is given too; leave one out\n"
    done = command(tmp_path, "train", "absent.csv", "--size", "big")
    assert done.stderr.splitlines()[-1].startswith("error: data.size='big': ")
    done = command(tmp_path, "train", "absent.csv", "--time", "soon")
    assert "such as 45s, 30m" in done.stderr
    done = command(tmp_path, "train", "absent.csv", "--epochs", "many")
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_the_newest_run_is_the_one_begun_last(tmp_path: Path) -> None:
    assert newest_run(tmp_path / "runs") == tmp_path / "runs" / "latest"
    for number, name in enumerate(("10", "9", "latest", "folds/fold-0", "empty")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if name != "empty":
            file = tmp_path / "runs" / name / "config.yaml"
            file.touch()
            os.utime(file, (number, number))
    assert newest_run(tmp_path / "runs") == tmp_path / "runs" / "folds"


def test_two_trainings_at_once_take_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    (tmp_path / "runs" / "007").mkdir(parents=True)
    with folder_to_train(None, False) as one, folder_to_train(None, False) as two:
        assert [one, two] == [Path("runs/8"), Path("runs/9")]
        (two / "config.yaml").touch()
    assert sorted(os.listdir("runs")) == ["007", "9"]
    with folder_to_train(None, True) as resumed, folder_to_train(Path("mine"), False) as named:
        assert [resumed, named] == [Path("runs/9"), Path("mine")]
    monkeypatch.setenv("WORLD_SIZE", "2")
    with folder_to_train(None, False) as shared:
        assert shared == Path("runs/latest")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trainer": {"max_time": 1}}, "trainer.max_time=1: input should be a valid string, such as 30m"),
        ({"trainer": {"epochs": "abc"}}, "unable to parse string as an integer, such as 10"),
        ({"trainer": {"frozen": "perhaps"}}, "such as false"),
        ({"optimizer": {"lr": "fast"}}, "unable to parse string as a number, such as 0.001"),
    ],
)
def test_an_error_of_kind_shows_an_example(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(values)
    assert str(refused.value).endswith(message)


def test_commands_complete_in_a_shell(tmp_path: Path) -> None:
    asked = {"COMP_WORDS": "metric-face vis", "COMP_CWORD": "1", "_METRIC_FACE_COMPLETE": "complete_bash"}
    program = "import sys; sys.argv = ['metric-face']; from metric_face.cli.entry import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, **asked, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.split() == ["visualize"]
