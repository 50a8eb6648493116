"""``embed`` in shards as a user calls it: by number, from a Slurm array, and by processes that torchrun started."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metric_face.run import Run
from tests.launching_cases import TORCHRUN

pytestmark = pytest.mark.slow
ALIKE = ("--batch-size", "8", "--precision", "fp32")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "RANK"))}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd(), "COLUMNS": "200", **more}


def command(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metric_face", "embed", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=200,
        env=environment(**more),
    )


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TORCHRUN, "embed", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=280,
        env=environment(),
    )


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def home(indexed: Run, tmp_path: Path) -> Path:
    """A run of its own at a name that a shell must quote, without embeddings."""
    home = shutil.copytree(indexed.folder, tmp_path / "läufe & co" / "run 1")
    shutil.rmtree(home / "embeddings")
    return home


@pytest.fixture
def whole(indexed: Run, tmp_path: Path) -> dict[str, bytes]:
    """Of a command as the others are: a process with other threads rounds otherwise."""
    words = ("--out", tmp_path / "whole", "--data", indexed.data_root, *ALIKE)
    done = command(indexed.folder, *words)
    assert done.returncode == 0, done.stderr
    return bytes_of(tmp_path / "whole")


def test_a_slurm_array_and_a_merge(home: Path, whole: dict[str, bytes], indexed: Run) -> None:
    data = ("--data", indexed.data_root)
    array = {"SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "2"}
    first = command(home, *ALIKE, *data, "--shard", "slurm", "--json", SLURM_ARRAY_TASK_ID="3", **array)
    assert first.returncode == 0, first.stderr
    made = json.loads(first.stdout)
    assert (made["shard"], made["images"], made["complete"]) == ("1/2", 48, True)
    early = command(home, "--merge", *data)
    assert (early.returncode, early.stdout) == (1, "")
    line = early.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    assert "shard 2/2 is missing; run: metric-face embed" in line
    said = line.partition("run: metric-face embed ")[2]
    done = subprocess.run(  # as it is pasted into a shell
        f"{sys.executable} -m metric_face embed {said}", shell=True, capture_output=True, env=environment()
    )
    assert done.returncode == 0, done.stderr
    merged = command(home, "--merge", *data)
    assert merged.returncode == 0, merged.stderr
    assert merged.stdout.startswith("96 images x 16 in ")
    assert bytes_of(home / "embeddings") == whole
    again = command(home, "--merge")
    assert again.returncode == 1
    assert "holds no shard" in again.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--shard", "3/2"), 1, "error: --shard: must be i/n with i from 1 to n, such as 2/4; found 3/2"),
        (("--shard", "zwei"), 1, "error: --shard: must be i/n, such as 2/4, or slurm; found 'zwei'"),
        (("--shard", "slurm"), 1, "error: --shard slurm: needs SLURM_ARRAY_TASK_ID"),
        (("--shard", "1/2", "--merge"), 2, "--merge joins all shards"),
        (("--shard", "1/2", "--csv", "x.csv"), 1, "--csv: a shard has a part of the images only"),
    ],
)
def test_what_cannot_be_meant_is_one_line(home: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = command(home, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(home.glob("*.shards"))


def test_processes_take_their_shards_and_the_first_joins(
    home: Path, whole: dict[str, bytes], indexed: Run
) -> None:
    done = torchrun(home, *ALIKE, "--data", indexed.data_root, "--csv", home / "said.csv", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout)  # one object: the other process is silent
    assert (made["images"], made["folder"]) == (96, str(home / "embeddings"))
    assert bytes_of(home / "embeddings") == whole
    assert np.loadtxt(home / "said.csv", str, delimiter=",").shape[0] == 97
    assert not list(home.glob("*.shards"))


def test_what_one_process_cannot_do_ends_all_with_one_line(home: Path, indexed: Run, tmp_path: Path) -> None:
    root = shutil.copytree(indexed.data_root, tmp_path / "data")
    last = Run.open(home, data=root).table.paths[-1]
    last.write_bytes(b"no image")  # in the shard of the second process
    done = torchrun(home, *ALIKE, "--data", root)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "not an image that can be read" in errors[0]
    assert not (home / "embeddings").exists()
    done = torchrun(home, "--shard", "1/2")
    assert (
        "error: --shard 1/2: each of the 2 processes takes its shard by itself; leave it out" in done.stderr
    )
