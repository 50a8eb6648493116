"""Which process this is: of torchrun, of Lightning's launcher, of Slurm; and which of them does a command."""

import os
import re
import subprocess
import sys

import pytest

from metric_face.cli.app import app
from metric_face.cli.ranks import SHARED, as_one
from metric_face.errors import ConfigError
from metric_face.processes import Process, this_process

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
SLURM = {
    "SLURM_PROCID": "3",
    "SLURM_NTASKS": "4",
    "SLURM_LOCALID": "1",
    "SLURM_NNODES": "2",
    "SLURM_STEP_ID": "0",
}


@pytest.mark.parametrize(
    ("environment", "process"),
    [
        ({}, Process(0, 1, 0, 1)),
        ({"WORLD_SIZE": "4"}, Process(0, 1, 0, 1)),  # some clusters set it everywhere
        (TORCHRUN, Process(5, 8, 1, 4)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, Process(1, 2, 1, 2)),
        (
            {"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"},
            Process(1, 2, 1, 2),
        ),  # Lightning sets no RANK
        (
            {"LOCAL_RANK": "1", "NODE_RANK": "2", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "6"},
            Process(5, 6, 1, 2),
        ),
        (SLURM, Process(3, 4, 1, 2)),
        (
            SLURM | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "16"},
            Process(3, 4, 1, 2),
        ),  # of the step, not the job
        (SLURM | TORCHRUN, Process(5, 8, 1, 4)),  # torchrun inside a Slurm job
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, Process(0, 1, 0, 1)),  # a batch script, before srun
        (SLURM | {"SLURM_JOB_NAME": "bash"}, Process(0, 1, 0, 1)),  # a shell that srun gave
    ],
)
def test_every_launcher_is_read(environment: dict[str, str], process: Process) -> None:
    assert this_process(environment) == process
    assert process.num_nodes * process.local_world_size == process.world_size


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"RANK": "x", "WORLD_SIZE": "2"}, r"RANK=x: must be a whole number of at least 0, below 2"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, r"RANK=2: must be .* below 2, the number of processes"),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, r"RANK=-1: must be"),
        ({"RANK": "0", "WORLD_SIZE": ""}, r"WORLD_SIZE=: must be a whole number of at least 1"),
        (TORCHRUN | {"LOCAL_WORLD_SIZE": "3"}, r"LOCAL_WORLD_SIZE: every machine must run as many"),
        (TORCHRUN | {"LOCAL_RANK": "4"}, r"LOCAL_RANK=4: must be below 4"),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1", "WORLD_SIZE": "4"}, r"LOCAL_WORLD_SIZE: must be set"),
    ],
)
def test_contradictions_are_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        this_process(environment)
    assert re.search("start (with|as many)", str(raised.value))


@pytest.mark.parametrize("command", [command.callback.__name__ for command in app.registered_commands])  # type: ignore[union-attr]
def test_what_is_not_shared_is_done_by_the_first_process_alone(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command in SHARED:
        return
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as left:
        as_one([command])
    assert left.value.code == 0
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    as_one([command])
    assert this_process() == Process()  # what follows waits for nobody


def test_the_other_process_is_quiet() -> None:
    environment = {**os.environ, "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    for words in (["recipes"], ["evaluate", "nowhere"], ["train", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "metric_face", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words
