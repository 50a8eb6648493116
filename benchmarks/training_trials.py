"""One training, disturbed in every way and gone on with: what came of it is compared with an undisturbed one.

Every command runs whole, in a fork of a process that has imported everything, so that a case takes what its training
takes.
"""

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import metric_face.cli.terminal
import metric_face.extraction
import metric_face.training.folds  # noqa: F401, what a command loads is loaded before the forks
from metric_face.cli.entry import main
from metric_face.files import place_of

COLUMNS = ("cases", "same model", "another model", "failed", "same files", "said wrongly", "left elsewhere")


class Trial:
    """Every disturbance of one kind of training, with what came of it.

    Args:
        config: a YAML file.
        words: further words of ``train``.
        home: an empty folder for the runs.
        spare: an empty folder that ``TMPDIR`` names.
    """

    def __init__(self, config: Path, words: Sequence[str], home: Path, spare: Path) -> None:
        self.home, self.spare = home, spare
        self.words = ["train", "--quiet", "--config", str(config), *words, "--out"]
        self.said = home / "said.txt"
        self.outcomes: dict[str, Counter[str]] = {}
        started = time.monotonic()
        if self.finish(self.start(*self.words, home / "straight")):
            raise SystemExit(f"the undisturbed training failed: {self.said.read_text()}")
        self.seconds = time.monotonic() - started
        self.models, self.names = content(home / "straight")

    def start(self, *words: object, before: Callable[[], object] = lambda: None) -> int:
        """Run a command in a fork; its lines go to ``said``."""
        child = os.fork()
        if child:
            return child
        code = 70
        try:
            said = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(said, 1)
            os.dup2(said, 2)
            before()
            sys.argv = ["metric-face", *map(str, words)]
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        finally:  # a child must never return into the parent's loop
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def finish(self, child: int) -> int:
        """Wait for a command, and return how it ended, as a shell would say."""
        status = os.waitpid(child, 0)[1]
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def stop(self, child: int, number: int, after: float) -> int:
        """Send a signal to a command after some seconds, if it still runs then."""
        time.sleep(after)
        if os.waitpid(child, os.WNOHANG)[0]:
            return 0
        os.kill(child, number)
        return self.finish(child)

    def go_on(self, run: Path) -> int:
        """The command again, with ``--resume``."""
        return self.finish(self.start(*self.words, run, "--resume"))

    def compare(self, kind: str, run: Path, code: int, faults: Sequence[str] = ()) -> None:
        """Compare a run that has gone on with the undisturbed one."""
        outcomes = self.outcomes.setdefault(kind, Counter())
        outcomes["cases"] += 1
        said = self.said.read_text() if self.said.exists() else ""
        found = [*faults, *(["a traceback"] if "Traceback" in said else [])]
        if code:
            outcomes["failed"] += 1
            found.append(f"exit {code}")
        else:
            models, names = content(run)
            outcomes["same model"] += models == self.models
            outcomes["another model"] += models != self.models
            outcomes["same files"] += names == self.names
            if names != self.names:
                found.append(f"other files: {sorted(names ^ self.names)}")
        outcomes["said wrongly"] += bool(faults) or "Traceback" in said
        outcomes["left elsewhere"] += any(self.spare.iterdir()) or place_of(run).exists()
        sys.stderr.write("".join(f"{kind}, {run.name}: {one}\n{said}\n" for one in found) or ".")
        sys.stderr.flush()
        self.said.unlink(missing_ok=True)
        shutil.rmtree(run, ignore_errors=True)  # of a mounted one the content
        shutil.rmtree(place_of(run), ignore_errors=True)


def content(run: Path) -> tuple[dict[str, bytes], set[str]]:
    """The models of a run or its folds, byte for byte, and the names of all files."""
    names = {path.relative_to(run).as_posix() for path in run.rglob("*")}
    return {name: (run / name).read_bytes() for name in names if name.endswith("model.safetensors")}, names
