"""Processes in a group: the first makes, the others get; where one fails all end, and one has the error itself."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TORCHRUN = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "{rank}", "LOCAL_RANK": "{rank}"}
LIGHTNING = {"WORLD_SIZE": "2", "LOCAL_RANK": "{rank}", "NODE_RANK": "0"}
SLURM = {"SLURM_NTASKS": "2", "SLURM_PROCID": "{rank}", "SLURM_LOCALID": "{rank}", "SLURM_STEP_ID": "0"}


def two(how: str, tmp_path: Path, launcher: dict[str, str] = TORCHRUN) -> list[str]:
    """What both processes print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ORDER": str(tmp_path / "order")}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.group_rank", how],
            env={
                **os.environ,
                **common,
                **{name: value.format(rank=rank) for name, value in launcher.items()},
                "OMP_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in (0, 1)
    ]
    return [process.communicate(timeout=200)[0].strip() for process in started]


@pytest.mark.parametrize("launcher", [LIGHTNING, SLURM])
def test_all_is_shared_and_the_first_goes_first(launcher: dict[str, str], tmp_path: Path) -> None:
    assert two("well", tmp_path, launcher) == ["done", "done"]
    assert (tmp_path / "order").read_text() == "01"


@pytest.mark.parametrize(
    ("how", "first", "second"),
    [
        (
            "error 1",
            "FailedElsewhere: process 1 failed first: the loss is not finite",
            "TrainingError: the loss is not finite",
        ),
        (
            "kill 1",
            "ProcessError: another process of this training ended without a word (killed, or out of memory); go on "
            "with train --resume",
            "",
        ),
        ("kill 0", "", "FailedElsewhere: process 0 ended first"),
    ],
)
def test_one_process_has_the_error_and_the_other_quotes_it(
    how: str, first: str, second: str, tmp_path: Path
) -> None:
    assert two(how, tmp_path) == [first, second]
