"""Commands that are disturbed, then called again: killed at any operation or moment, in pairs, on a full disk.

Every command runs in a fork of one process that has loaded everything. An audit hook counts what changes the disk and
kills (-9) before the n-th.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_OPENED_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.link",
    "os.symlink",
}
Tree = dict[str, bytes | None]


@dataclass(frozen=True)
class Case:
    """A command, and the state of the folder that it starts from."""

    name: str
    words: tuple[str, ...]
    start: Path


@dataclass
class Tally:
    """What became of the disturbed calls of one case."""

    calls: int = 0
    same: int = 0
    litter: int = 0
    tracebacks: int = 0
    unreadable: int = 0
    """Killed calls after which the embeddings or the index that were there before could not be read."""
    wrong: list[str] = field(default_factory=list)

    def row(self, *names: object) -> tuple[object, ...]:
        return (*names, self.calls, self.same, self.litter, self.tracebacks, self.unreadable)


HEADER = (
    "command",
    "disturbed by",
    "cases",
    "then the same bytes",
    "litter left",
    "tracebacks",
    "old result lost",
)


class Bench:
    """One folder that every case starts from anew, at one path, so that paths inside files agree."""

    def __init__(self, home: Path) -> None:
        self.run = home / "work"
        self.said = home / "said.txt"

    def reset(self, case: Case) -> None:
        for entry in self.run.iterdir() if self.run.exists() else ():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(case.start, self.run, dirs_exist_ok=True)

    def start(self, case: Case, kill_at: int = 0) -> int:
        """Fork, and run the command in the child; return its process id."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        code = 70
        try:
            _call(case, self.said, self.run if kill_at else None, kill_at)
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code)

    def finish(self, child: int) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def call(self, case: Case, kill_at: int = 0) -> int:
        self.said.unlink(missing_ok=True)
        return self.finish(self.start(case, kill_at))

    def undisturbed(self, case: Case) -> Tree:
        """What the command leaves; twice, so that what is compared is known to be repeatable."""
        found = []
        for _ in range(2):
            self.reset(case)
            if self.call(case):
                raise SystemExit(f"{case.name}: {self.said.read_text()}")
            found.append(content(self.run))
        differs = [name for name in found[0] if found[0][name] != found[1].get(name)]
        if differs or found[0].keys() != found[1].keys():
            raise SystemExit(f"{case.name}: two undisturbed calls differ in {differs}")
        return found[0]

    def compare(self, case: Case, expected: Tree, tally: Tally, label: str, *, again: bool = True) -> None:
        """Run the command again after a disturbance, and compare."""
        tally.calls += 1
        said = self.said.read_text() if self.said.exists() else ""
        tally.unreadable += not self.readable(case)
        code = self.call(case) if again else 0
        said += self.said.read_text() if self.said.exists() else ""
        tally.tracebacks += "Traceback" in said
        left = content(self.run)
        litter = sorted(left.keys() - expected.keys())
        tally.litter += bool(litter)
        if code == 0 and left == expected:
            tally.same += 1
        else:
            differs = sorted(name for name in expected if left.get(name, b"?") != expected[name])
            tally.wrong.append(
                f"{case.name}, {label}: exit {code}, litter {litter}, differs {differs}: {said[-300:]}"
            )

    def readable(self, case: Case) -> bool:
        """Whether what stood there before, or its successor, can be read."""
        from metric_face.embeddings.embeddings import Embeddings
        from metric_face.search.index import EmbeddingIndex

        readers: dict[str, Callable[[Path], object]] = {
            "embeddings": Embeddings.load,
            "index": EmbeddingIndex.load,
        }
        for name, read in readers.items():
            if (case.start / "run" / name).exists():
                try:
                    read(self.run / "run" / name)
                except Exception:
                    return False
        return True


def _call(case: Case, said: Path, watched: Path | None, kill_at: int) -> None:
    from metric_face.cli.entry import main

    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    if watched is not None:
        _kill_at(watched, kill_at)
    sys.argv = ["metric-face", *case.words]
    main()


def _kill_at(folder: Path, number: int) -> None:
    count = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        changes = arguments[2] & _OPENED_TO_WRITE if event == "open" else event in _CHANGES
        if changes and str(arguments[0]).startswith(str(folder)):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def content(folder: Path) -> Tree:
    """Every file and folder below, byte for byte."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def kill_everywhere(bench: Bench, case: Case, expected: Tree, most: int) -> Tally:
    tally = Tally()
    for number in range(1, most + 1):
        bench.reset(case)
        code = bench.call(case, number)
        if code != -signal.SIGKILL:  # there is no n-th operation
            break
        bench.compare(case, expected, tally, f"operation {number}")
    return tally


def signaled(
    bench: Bench, case: Case, times: int, kind: signal.Signals, *, earliest: float, seed: int
) -> Iterator[tuple[int, int]]:
    """Send a signal at random moments of a command: the number of each, and how the command ended."""
    draw = random.Random(seed)
    bench.reset(case)
    started = time.monotonic()
    bench.call(case)
    lasts = time.monotonic() - started
    for number in range(times):
        bench.reset(case)
        bench.said.unlink(missing_ok=True)
        child = bench.start(case)
        time.sleep(draw.uniform(earliest, lasts))
        os.kill(child, kind)
        yield number, bench.finish(child)


def kill_anytime(bench: Bench, case: Case, expected: Tree, times: int) -> Tally:
    tally = Tally()
    for number, _ in signaled(bench, case, times, signal.SIGKILL, earliest=0, seed=0):
        bench.compare(case, expected, tally, f"moment {number}")
    return tally


def terminate_anytime(bench: Bench, case: Case, expected: Tree, times: int) -> Tally:
    tally = Tally()
    for number, code in signaled(bench, case, times, signal.SIGTERM, earliest=0.05, seed=1):
        said = bench.said.read_text() if bench.said.exists() else ""
        if code and (code != 143 or said.count("stopped by SIGTERM") != 1):
            tally.wrong.append(f"{case.name}, SIGTERM {number}: exit {code}: {said[-300:]}")
        bench.compare(case, expected, tally, f"SIGTERM {number}")
    return tally


def run_in_pairs(bench: Bench, case: Case, expected: Tree, times: int) -> Tally:
    tally = Tally()
    for number in range(times):
        bench.reset(case)
        bench.said.unlink(missing_ok=True)
        codes = [bench.finish(child) for child in [bench.start(case), bench.start(case)]]
        bench.compare(case, expected, tally, f"pair {number}, exits {codes}", again=False)
        if not set(codes) <= {0, 1} or 0 not in codes:
            tally.wrong.append(f"{case.name}, pair {number}: exits {codes}")
    return tally


def fill_the_disk(bench: Bench, case: Case, expected: Tree, sizes: int) -> Tally:
    """On a file system of its own (so that /tmp is another one) with less room than the command needs."""
    tally = Tally()
    page = 4096
    bench.reset(case)
    used = sum(-(-len(value or b"") // page) * page + page for value in content(bench.run).values())
    for number in range(sizes):
        with small_disk(bench.run, used + 2 * page + number * 3 * page):
            bench.reset(case)
            bench.said.unlink(missing_ok=True)
            code = bench.call(case)
            lines = [line for line in bench.said.read_text().splitlines() if line.startswith("error: ")]
            if code not in (0, 1) or len(lines) != code:
                tally.wrong.append(
                    f"{case.name}, disk {number}: exit {code}: {bench.said.read_text()[-300:]}"
                )
            subprocess.run(["mount", "-o", "remount,size=64m", str(bench.run)], check=True)
            bench.compare(case, expected, tally, f"disk {number}")
    return tally


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
