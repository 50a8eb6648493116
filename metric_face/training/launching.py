"""launch: a training in several processes of this machine that no launcher has started yet (``trainer.devices``).

This process trains nothing itself. It starts the others, hands on what the first of them reports and every signal that
arrives, and ends them all where one fails. They train as under torchrun.
"""

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from metric_face import errors
from metric_face.config import Config
from metric_face.errors import ProcessError
from metric_face.training.process_group import failure_in
from metric_face.training.readiness import check_devices
from metric_face.training.reporting import Reporting

_GRACE = 20.0
"""Seconds that the processes have to end by themselves where one of them has failed."""
_HERE = "127.0.0.1"
Worker = subprocess.Popen[bytes]


def launch(call: str, config: Config, reporting: Reporting, **arguments: Any) -> None:
    """Call a function of this folder in as many processes as ``trainer.devices`` asks for.

    Args:
        call: ``fit`` or ``fit_folds``.
        config: of the training.
        reporting: what the first process says goes there.
        arguments: of the function, beside those for reporting.

    Raises:
        ConfigError: there are fewer GPUs.
        MetricFaceError: what the first process to fail raised.
        ProcessError: one ended without a word.
    """
    check_devices(config)
    processes = config.trainer.devices
    store = TCPStore(_HERE, 0, processes, is_master=True, wait_for_workers=False)
    job = pickle.dumps({"call": call, "config": config, "quiet": reporting.quiet, **arguments})
    workers = [_start(rank, processes, store.port) for rank in range(processes)]
    reports = _Reports(workers[0], reporting)
    try:
        with _signals_handed_on(workers, reports) as received:
            for worker in workers:
                _send(worker, job)
            _follow(workers, reports)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            with suppress(BrokenPipeError):
                worker.stdin.close()  # type: ignore[union-attr]
        reports.end()
    if received and any(worker.returncode for worker in workers):
        # Before the first step; after it they end well, with what was learned.
        signal.raise_signal(received[-1])
        raise KeyboardInterrupt
    _check(workers, failure_in(store))


class _Reports:
    """What the first process reports, read in a thread and handed on in this one.

    Args:
        worker: the process, whose standard output is lines of JSON.
        reporting: where the lines go.

    Attributes:
        ready: whether the process has stated that it takes signals.
    """

    def __init__(self, worker: Worker, reporting: Reporting) -> None:
        self.worker, self.reporting, self.ready = worker, reporting, False
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def hand_on(self, patience: float) -> None:
        """Report the next line, if one comes in so many seconds."""
        with suppress(queue.Empty):
            line: Mapping[str, Any] = json.loads(self._lines.get(timeout=patience))
            if "say" in line:
                self.reporting.say(line["say"])
            elif "progress" in line:
                self.reporting.progress(*line["progress"])

    def end(self) -> None:
        """Report what is left, when the process has ended."""
        self._thread.join()
        while not self._lines.empty():
            self.hand_on(0)
        self.worker.stdout.close()  # type: ignore[union-attr]

    def _read(self) -> None:
        for line in self.worker.stdout or ():
            self.ready = True
            self._lines.put(line)


def _start(rank: int, processes: int, port: int) -> Worker:
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
    meeting = {"MASTER_ADDR": _HERE, "MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": True}
    places = [str(Path(errors.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "metric_face.training.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if rank == 0 else subprocess.DEVNULL,
        stderr=None if rank == 0 else subprocess.DEVNULL,
        env={
            "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),
            **os.environ,
            **{name: str(value) for name, value in (numbers | meeting).items()},
            "PYTHONPATH": os.pathsep.join(places),
        },
        start_new_session=True,  # Ctrl-C reaches them through this process, and once
    )


def _send(worker: Worker, job: bytes) -> None:
    """The pipe stays open: its end tells a worker that this process is gone."""
    assert worker.stdin is not None
    with suppress(BrokenPipeError):
        worker.stdin.write(job)
        worker.stdin.flush()


def _follow(workers: list[Worker], reports: _Reports) -> None:
    """Hand on lines until all processes have ended, by themselves or because one failed."""
    until: float | None = None
    while any(worker.poll() is None for worker in workers):
        reports.hand_on(0.1)
        if until is None and any(worker.poll() for worker in workers):
            until = time.monotonic() + _GRACE
        if until is not None and time.monotonic() > until:
            return


@contextmanager
def _signals_handed_on(workers: list[Worker], reports: _Reports) -> Iterator[list[int]]:
    """Send Ctrl-C and SIGTERM to the workers; gives those that came."""
    received: list[int] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for worker in workers:
            # Python itself would answer Ctrl-C with a traceback, until the worker handles it.
            worker.send_signal(number if reports.ready else signal.SIGTERM)

    previous = {}
    with suppress(ValueError):  # not in the main thread, where Python allows no handler
        previous = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _check(workers: list[Worker], failure: tuple[str, str] | None) -> None:
    if failure is not None:
        kind, line = failure
        found = getattr(errors, kind, None)
        raise found(line) if isinstance(found, type) else ProcessError(f"{kind}: {line}")
    for rank, worker in enumerate(workers):
        if worker.returncode:
            how = (
                f"signal {-worker.returncode}" if worker.returncode < 0 else f"exit code {worker.returncode}"
            )
            raise ProcessError(
                f"process {rank} of {len(workers)} ended with {how} (killed, or out of memory); go on with train "
                "--resume"
            )
