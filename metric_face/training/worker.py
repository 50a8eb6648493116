"""One process of a training that :func:`.launching.launch` started: it reads what to do and reports as JSON lines."""

import json
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any


def main() -> None:
    """Do the job that stands on standard input; exit code 1 where it fails, which the store explains."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no report

    def report(**line: Any) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    report(ready=True)
    from metric_face.training.fitting import fit
    from metric_face.training.folds import fit_folds

    calls: dict[str, Callable[..., Any]] = {"fit": fit, "fit_folds": fit_folds}
    job = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    threading.Thread(target=_stop_with_the_launcher, daemon=True).start()
    call = calls[job.pop("call")]
    try:
        call(
            **job,
            say=lambda line: report(say=line),
            progress=lambda done, total: report(progress=[int(done), int(total)]),
        )
    except Exception:
        if os.environ.get("METRIC_FACE_DEBUG"):
            traceback.print_exc()
        sys.exit(1)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _stop_with_the_launcher() -> None:
    """End as by SIGTERM when the launcher has gone: nothing else would end it."""
    if not os.read(0, 1):  # not through sys.stdin, whose lock Python asks for at exit
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
