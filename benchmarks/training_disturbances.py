"""How a training is disturbed: killed at any operation or moment, stopped, without room on the disk, and crowded."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.disturbances import small_disk
from benchmarks.training_trials import Trial

OPERATIONS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"})
_PAGE = 4096
_GO_ON = "go on with: metric-face train --resume --out "
Disturbance = tuple[Callable[[Trial, int], None], int]


def all_of(trial: Trial, most: int = 10_000, each: int = 20) -> list[Disturbance]:
    """Every disturbance of a training, in any order; the disk is filled where we may mount one."""
    found: list[Disturbance] = [(at_operation, at) for at in range(1, min(most, operations(trial)) + 1)]
    kinds = [at_random, twice_and_moved, terminated, crowded]
    if os.geteuid() == 0:
        kinds.append(full_disk)
    found += [(kind, number) for kind in kinds for number in range(each)]
    random.Random(0).shuffle(found)
    return found


def operations(trial: Trial) -> int:
    """How many file operations the undisturbed training makes."""
    count, run = multiprocessing.Value("i", 0), trial.home / "counted"

    def at(number: int) -> None:
        count.value = number  # type: ignore[attr-defined]

    trial.finish(trial.start(*trial.words, run, before=lambda: _watch(run, at)))
    shutil.rmtree(run)
    trial.said.unlink()
    return int(count.value)  # type: ignore[attr-defined]


def at_operation(trial: Trial, at: int) -> None:
    """Kill before a file operation, and go on."""
    run = trial.home / f"at-{at}"

    def die(number: int) -> None:
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)

    trial.finish(trial.start(*trial.words, run, before=lambda: _watch(run, die)))
    trial.compare("-9 before a file operation", run, trial.go_on(run))


def at_random(trial: Trial, number: int) -> None:
    """Kill at a random moment, and go on."""
    run = trial.home / f"random-{number}"
    trial.stop(trial.start(*trial.words, run), signal.SIGKILL, _moment(trial, number))
    trial.compare("-9 at a random moment", run, trial.go_on(run))


def twice_and_moved(trial: Trial, number: int) -> None:
    """Kill at random, move the run, kill it again while it goes on, copy it, and go on."""
    first, second, third = (trial.home / f"{name}-{number}" for name in ("first", "second", "third"))
    trial.stop(trial.start(*trial.words, first), signal.SIGKILL, _moment(trial, number))
    first.mkdir(exist_ok=True)
    first.rename(second)
    shutil.rmtree(trial.home / f".{first.name}.metric_face", ignore_errors=True)
    trial.stop(trial.start(*trial.words, second, "--resume"), signal.SIGKILL, _moment(trial, number + 1000))
    shutil.copytree(second, third, dirs_exist_ok=True)
    shutil.rmtree(second)
    shutil.rmtree(trial.home / f".{second.name}.metric_face", ignore_errors=True)
    trial.compare("-9 twice, moved and copied between", third, trial.go_on(third))


def terminated(trial: Trial, number: int) -> None:
    """SIGTERM at a random moment: exit code 143 and one line; then go on."""
    run = trial.home / f"term-{number}"
    code = trial.stop(trial.start(*trial.words, run), signal.SIGTERM, _moment(trial, number + 2000))
    faults, said = [], trial.said.read_text() if trial.said.exists() else ""
    if code and (code != 143 or said.count(_GO_ON) + said.count("call the command again") != 1):
        faults.append(f"SIGTERM: exit {code}")
    trial.compare("SIGTERM at a random moment", run, trial.go_on(run), faults)


def full_disk(trial: Trial, number: int) -> None:
    """A disk that is full after so many pages, /tmp elsewhere: one line and exit 1; then room is made, and it goes on.

    The disk is the run folder itself, or holds it.
    """
    disk = trial.home / f"disk-{number}"
    run = disk if number % 2 else disk / "run"
    disk.mkdir()
    files = [path for path in (trial.home / "straight").rglob("*") if path.is_file()]
    most = sum(-(-path.stat().st_size // _PAGE) for path in files)
    pages = 2 + random.Random(number).randrange(most + 10)
    with small_disk(disk, pages * _PAGE):
        code, faults = trial.finish(trial.start(*trial.words, run)), []
        said = trial.said.read_text()
        if code not in (0, 1) or said.count("error: ") != code:
            faults.append(f"{pages} of {most} pages: exit {code}")
        subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
        kind = "a full disk" if code else "a disk that was just large enough"
        trial.compare(kind, run, trial.go_on(run), faults)
    disk.rmdir()


def crowded(trial: Trial, number: int) -> None:
    """Two commands at once on one run, new or killed before: one works, the other waits or is refused in one line."""
    run, kind = trial.home / f"crowd-{number}", number % 4
    second: tuple[object, ...] = (*trial.words, run)
    name = "two `train` at once"
    if kind:
        trial.stop(trial.start(*trial.words, run), signal.SIGKILL, _moment(trial, number + 3000))
        second = (*trial.words, run, "--resume")
        name = "two `train --resume` at once"
    if kind == 3:
        if trial.go_on(run):
            raise SystemExit(trial.said.read_text())
        second = ("embed", run, "--out", trial.home / f"vectors-{number}")
        name = "`train --resume` and `embed` at once"
    first = (*trial.words, run, *(["--resume"] if kind else []))
    children = [trial.start(*first), trial.start(*second)]
    codes = [trial.finish(child) for child in children]
    said, faults = trial.said.read_text(), []
    if 0 not in codes or not set(codes) <= {0, 1} or said.count("error: ") != sum(codes):
        faults.append(f"exits {codes}")
    shutil.rmtree(trial.home / f"vectors-{number}", ignore_errors=True)
    trial.compare(name, run, 0, faults)


def _moment(trial: Trial, number: int) -> float:
    """Seconds after the start, within what the undisturbed training took."""
    return random.Random(number).uniform(0.05, 1) * trial.seconds


def _watch(run: Path, at: Callable[[int], object]) -> None:
    """Call ``at`` with the number of each file operation on a run or its place, just before it."""
    seen, watched = 0, (str(run), str(run.parent / f".{run.name}."))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in OPERATIONS or not arguments or not isinstance(arguments[0], str | os.PathLike):
            return
        if event == "open" and not _writes(arguments):
            return
        if os.fspath(arguments[0]).startswith(watched):
            seen += 1
            at(seen)

    sys.addaudithook(hook)


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return any(letter in str(mode or "") for letter in "wax+") or bool(flags & (os.O_WRONLY | os.O_RDWR))
