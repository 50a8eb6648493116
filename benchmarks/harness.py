"""What every benchmark shares: times taken in turn, peak memory in a process of its own, a table with its machine."""

import gc
import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"


class Seconds(NamedTuple):
    """What a call took: by the clock, and of the processor, which other programs do not prolong."""

    wall: float
    processor: float


def timed(call: Callable[[], Any]) -> tuple[Any, Seconds]:
    """Return what a call gives, and what it took."""
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, Seconds(time.perf_counter() - wall, time.process_time() - processor)


def seconds(
    arms: Mapping[str, Callable[[], object]], repeats: int = 9, warmup: int = 1
) -> dict[str, Seconds]:
    """Return the medians of what each arm takes; the arms take turns, so a busy machine slows all alike."""
    for _ in range(warmup):
        for run in arms.values():
            run()
    taken: dict[str, list[Seconds]] = {name: [] for name in arms}
    for _ in range(repeats):
        for name, run in arms.items():
            taken[name].append(timed(run)[1])
    return {name: Seconds(*map(statistics.median, zip(*each, strict=True))) for name, each in taken.items()}


def times(arms: Mapping[str, Callable[[], object]], repeats: int = 9, warmup: int = 1) -> dict[str, float]:
    """Return each arm's median wall time, as :func:`seconds`."""
    return {name: taken.wall for name, taken in seconds(arms, repeats, warmup).items()}


def peak_memory(prepare: Callable[..., Callable[[], object]], *arguments: Any) -> float:
    """Return the MB by which a call's peak exceeds what the process held before it, in a fresh process.

    Args:
        prepare: a function of a module, called with `arguments`; returns the call to measure. Its imports and
            inputs are part of the base.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_here, (prepare, arguments))


def _peak_here(prepare: Callable[..., Callable[[], object]], arguments: tuple[Any, ...]) -> float:
    run = prepare(*arguments)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    base = _status("VmRSS")
    run()
    return (_status("VmHWM") - base) / 1024


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


class Watched(NamedTuple):
    """How a process ended, what it took, and its peak memory in MB."""

    returncode: int
    wall: float
    processor: float
    memory: float


def watched(
    words: Sequence[str], log: Path, before: Callable[[], object] | None = None, **environ: str
) -> Watched:
    """Run Python with these words to its end.

    Args:
        words: of its command.
        log: gets all that it prints.
        before: called in the process before it starts, to set what it may use.
        **environ: variables beside those of this process.
    """
    began = time.perf_counter()
    with open(log, "w") as told:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
            preexec_fn=before,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - began
    return Watched(process.returncode, taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def machine(*packages: str) -> str:
    """Return one line: processor, cores, memory, Python and the versions of packages."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB; Python {platform.python_version()}, {versions}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, its columns padded to be read as text too."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def read_kept(file: Path) -> dict[str, Any]:
    """What a benchmark has kept in a file of JSON; nothing where there is none."""
    return dict(json.loads(file.read_text())) if file.is_file() else {}


def write_kept(file: Path, known: Mapping[str, Any]) -> None:
    """Keep it, whole or as it was before."""
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    beside.replace(file)


def state_of(*places: str) -> str:
    """A checksum of Python files below the root of the repository: numbers of another state are of other code.

    Args:
        places: files and folders, such as ``metric_face/diagnosis``.
    """
    home, digest = RESULTS.parents[1], hashlib.sha256()
    for place in map(home.joinpath, places):
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.relative_to(home).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class Kept:
    """Numbers as they are measured, kept beside the tables: a benchmark that was stopped goes on where it was.

    Args:
        name: of the benchmark.
        settings: what else the numbers depend on; numbers of other settings are left where they are.
    """

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self._file = RESULTS / f"{name}.kept.json"
        self._under = json.dumps(settings, sort_keys=True)

    def get(self, key: str, measure: Callable[[], Any]) -> Any:
        """Return what was measured before under this key, or else measure and keep it; plain data."""
        if not self.has(key):
            measured = measure()
            known = read_kept(self._file)  # again: another process may have kept its own meanwhile
            known.setdefault(self._under, {})[key] = measured
            write_kept(self._file, known)
        return self._cells()[key]

    def has(self, key: str) -> bool:
        """Whether something is kept under this key."""
        return key in self._cells()

    def drop(self, key: str) -> None:
        """Forget one number."""
        known = read_kept(self._file)
        known.get(self._under, {}).pop(key, None)
        write_kept(self._file, known)

    def _cells(self) -> dict[str, Any]:
        return dict(read_kept(self._file).get(self._under, {}))

    def forget(self) -> None:
        """Drop the numbers once their table is written, so that the next call measures anew."""
        known = read_kept(self._file)
        known.pop(self._under, None)
        write_kept(self._file, known)
        if not known:
            self._file.unlink()


def publish(
    name: str, title: str, command: str, machine_line: str, sections: Iterable[str], note: str = ""
) -> None:
    """Print a benchmark's result and write it to ``benchmarks/results/NAME.md``; a note follows the first section."""
    first, *rest = sections
    sections = [first, *([f"Noted when it was run: {note}"] if note else []), *rest]
    text = f"# {title}\n\nMade by `{command}` on {machine_line}.\n\n" + "\n\n".join(sections) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    beside = RESULTS / f"{name}.md.part"
    beside.write_text(text)
    beside.replace(RESULTS / f"{name}.md")
