"""The command settles OpenMP before it is loaded, the import of the package never does, and the user comes first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metric_face.cli.threads import WAITING, allowed_processors, settle_threads

NAMES = (*WAITING, "OMP_NUM_THREADS", "OMP_DISPLAY_ENV")


def runs(*words: str, **variables: str) -> str:
    """What a Python process without any of our variables prints."""
    bare = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=200, env={**bare, **variables}
    )
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks libgomp what it has read")
def test_the_openmp_of_the_command_has_read_the_setting(tmp_path: Path) -> None:
    words = ("-m", "metric_face", "train", str(tmp_path / "absent.csv"), "--out", str(tmp_path / "run"))
    shown = runs(*words, OMP_DISPLAY_ENV="TRUE")
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in shown
    assert "OMP_WAIT_POLICY = 'ACTIVE'" not in shown
    shown = runs(*words, OMP_DISPLAY_ENV="TRUE", OMP_WAIT_POLICY="ACTIVE")
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in shown
    assert "OMP_WAIT_POLICY = 'PASSIVE'" not in shown


def test_importing_the_package_sets_nothing() -> None:
    code = "import os; before = dict(os.environ); import metric_face; metric_face.load_config('small'); "
    assert runs("-c", code + "print(dict(os.environ) == before)").strip() == "True"


@pytest.mark.parametrize("name", WAITING)
def test_what_the_user_says_of_waiting_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("os.environ", {name: "1"})
    settle_threads()
    assert [other for other in WAITING if other in os.environ] == [name]


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "0\n"}, None),
        ({}, None),
    ],
)
def test_a_container_may_have_fewer_processors(
    tmp_path: Path, files: dict[str, str], allowed: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert allowed_processors(tmp_path) == allowed


@pytest.mark.parametrize(("given", "kept"), [(None, "1"), ("7", "7")])
def test_the_number_of_threads_follows_the_container(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: str
) -> None:
    monkeypatch.setattr("metric_face.cli.threads.allowed_processors", lambda: 1)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.environ", {} if given is None else {"OMP_NUM_THREADS": given})
    settle_threads()
    assert os.environ["OMP_NUM_THREADS"] == kept
