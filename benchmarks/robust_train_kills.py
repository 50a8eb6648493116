"""Kill `train` at every file operation and at random moments, go on, and compare the model with an undisturbed one's.

Processes are forked from one that has imported everything, so a case takes what its training takes.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, publish, table
from metric_face.config import Config, load_config
from metric_face.run import Run
from metric_face.training.fitting import fit
from metric_face.training.folds import fit_folds

OPERATIONS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"})
EPOCHS = 5


def settings(data: Path, seed: int, /, **changes: Any) -> Config:
    """A training of well under a second: 48 images of 16 px, five epochs."""
    values: dict[str, Any] = {
        "seed": seed,
        "data": {"path": str(data), "attributes": ["color", "shape"], "size": [16, 16], "workers": 0},
        "model": {"backbone": "test_resnet", "embedding_size": 16},
        "sampler": {"identities": 2, "instances": 4},
        "loss": {"metric": "triplet", "label": "color", "probe_every": 0},
        "optimizer": {"lr": 3e-3},
        "trainer": {"epochs": EPOCHS, "export_onnx": False},
    }
    for section, content in changes.items():
        values[section] |= content
    return load_config(values)


class Case:
    """One training: how it is begun, how it goes on, and which weights it leaves."""

    def __init__(self, name: str, config: Config, folds: bool = False) -> None:
        self.name, self.config, self.folds = name, config, folds

    def begin(self, home: Path) -> None:
        """Train as an identity would."""
        if self.folds:
            fit_folds(self.config, home, quiet=True)
        else:
            fit(self.config, home, quiet=True)

    def go_on(self, home: Path) -> None:
        """The command again, with ``--resume``."""
        if self.folds:
            fit_folds(self.config, home, resume=True, quiet=True)
        else:
            fit(self.config, home, resume=True, quiet=True)

    def content(self, home: Path) -> tuple[dict[str, bytes], set[str]]:
        """The models, byte for byte, and the names of all files."""
        names = {path.relative_to(home).as_posix() for path in home.rglob("*")}
        return {
            name: (home / name).read_bytes() for name in names if name.endswith("model.safetensors")
        }, names


def forked(
    call: Callable[[], object], *, kill_after: float | None = None, number: int = signal.SIGKILL
) -> int:
    """Run a call in a fork, send it a signal after a time, and return how it ended, as a shell would say."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            call()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException as error:  # a child must never return into the parent's loop
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        if os.waitpid(child, os.WNOHANG)[0]:
            return 0
        os.kill(child, number)
    status = os.waitpid(child, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def die_at(
    home: Path, at: int, call: Callable[[Path], object], tell: Path | None = None
) -> Callable[[], None]:
    """A call that kills itself just before its file operation number ``at`` inside ``home``, or tells their number."""

    def killed() -> None:
        seen = [0]

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in OPERATIONS or not arguments or not isinstance(arguments[0], str | os.PathLike):
                return
            if event == "open" and not _writes(arguments):
                return
            if os.fspath(arguments[0]).startswith(str(home)):
                seen[0] += 1
                if seen[0] == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        call(home)
        if tell is not None:
            tell.write_text(str(seen[0]))

    return killed


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return any(letter in str(mode or "") for letter in "wax+") or bool(flags & (os.O_WRONLY | os.O_RDWR))


class Trial:
    """Every kill of one case, with what came of it."""

    def __init__(self, case: Case, home: Path, spare: Path) -> None:
        self.case, self.home, self.spare = case, home, spare
        started = time.monotonic()
        if forked(lambda: case.begin(home / "straight")):
            raise SystemExit(f"{case.name}: the undisturbed training failed")
        self.seconds = time.monotonic() - started
        self.models, self.names = case.content(home / "straight")
        self.outcomes: dict[str, Counter[str]] = {}

    def note(self, kind: str, code: int, run: Path) -> None:
        """Compare a run that has gone on with the undisturbed one."""
        outcomes = self.outcomes.setdefault(kind, Counter())
        outcomes["cases"] += 1
        if code:
            outcomes["failed"] += 1
        else:
            models, names = self.case.content(run)
            outcomes["same model"] += models == self.models
            outcomes["another model"] += models != self.models
            outcomes["same files"] += names == self.names
            if names != self.names:
                sys.stderr.write(f"{kind}: {sorted(names ^ self.names)}\n")
        sys.stderr.write("." if not code else "F")
        sys.stderr.flush()
        outcomes["left in /tmp"] += len(list(self.spare.iterdir()))
        shutil.rmtree(run, ignore_errors=True)

    def operations(self) -> int:
        """How many file operations the undisturbed training makes."""
        counted = self.home / "counted"
        forked(die_at(counted, 0, self.case.begin, tell=self.home / "operations"))
        shutil.rmtree(counted)
        return int((self.home / "operations").read_text())

    def at_operation(self, at: int) -> None:
        """Kill before a file operation, and go on."""
        run = self.home / f"at-{at}"
        forked(die_at(run, at, self.case.begin))
        self.note("-9 before a file operation", forked(lambda: self.case.go_on(run)), run)

    def at_random(self, number: int) -> None:
        """Kill at a random moment, and go on."""
        run = self.home / f"random-{number}"
        forked(lambda: self.case.begin(run), kill_after=self.moment(number))
        self.note("-9 at a random moment", forked(lambda: self.case.go_on(run)), run)

    def twice_and_moved(self, number: int) -> None:
        """Kill at random, move the run, kill it again while it goes on, copy it, and go on."""
        first, second, third = (self.home / f"{name}-{number}" for name in ("first", "second", "third"))
        forked(lambda: self.case.begin(first), kill_after=self.moment(number))
        first.mkdir(exist_ok=True)
        first.rename(second)
        forked(lambda: self.case.go_on(second), kill_after=self.moment(number + 1000))
        shutil.copytree(second, third)
        shutil.rmtree(second)
        self.note("-9 twice, moved and copied between", forked(lambda: self.case.go_on(third)), third)

    def terminated(self, number: int) -> None:
        """SIGTERM at a random moment of the training, and go on."""
        run = self.home / f"term-{number}"
        moment = self.moment(number + 2000)
        forked(lambda: self.case.begin(run), kill_after=moment, number=signal.SIGTERM)
        self.note("SIGTERM at a random moment", forked(lambda: self.case.go_on(run)), run)

    def moment(self, number: int) -> float:
        """Seconds after the start, within what the undisturbed training took."""
        return random.Random(number).uniform(0.1, 1) * self.seconds


def begin_with_a_best_that_is_not_last(data: Path, home: Path, **changes: Any) -> Config:
    """The first seed whose best epoch is neither the first nor among the last two."""
    for seed in range(40):
        config, run = settings(data, seed, **changes), home / f"seed-{seed}"
        if forked(lambda config=config, run=run: fit(config, run, quiet=True)) == 0:
            best = Run.open(run).facts["best_epoch"]
            shutil.rmtree(run)
            if 0 < best < EPOCHS - 2:
                return config
    raise SystemExit("no seed gives a best epoch before the last two")


def draw_images(folder: Path) -> Path:
    """48 noisy squares and discs in two colors, four of each of twelve identities."""
    from tests.conftest import draw_toy

    draw_toy(folder, identities=12, size=16)
    return folder


def trained(place: Path, data: Path, name: str, until: float) -> list[list[object]]:
    """The kills of one kind of training, in any order, as many as come before the clock says ``until``."""
    home, spare = place / name.replace(" ", "-").replace(",", ""), place / f"tmp of {name}"
    for folder in (home, spare):
        folder.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(spare)
    if name == "folds":
        config = settings(data, 0, data={"split": {"folds": 2}}, trainer={"epochs": 2})
    else:
        config = begin_with_a_best_that_is_not_last(data, home, **TRAININGS[name])
    trial = Trial(Case(name, config, name == "folds"), home, spare)
    kills: list[tuple[Callable[[int], None], int]] = []
    kills += [(trial.at_operation, at) for at in range(1, trial.operations() + 1)]
    kills += [(trial.at_random, number) for number in range(40)]
    kills += [(trial.twice_and_moved, number) for number in range(20)]
    kills += [(trial.terminated, number) for number in range(20)]
    random.Random(0).shuffle(kills)
    for kill, number in kills:
        if time.monotonic() > until:
            break
        kill(number)
    return [[name, kind, *(outcomes[key] for key in COLUMNS)] for kind, outcomes in trial.outcomes.items()]


def main() -> None:
    """Run the cases and publish what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="For two minutes.")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="Time after which no other case is begun."
    )
    given = parser.parse_args()
    minutes = 2.0 if given.quick else given.minutes
    until = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = draw_images(place / "images")
        with ProcessPoolExecutor(len(TRAININGS), multiprocessing.get_context("fork")) as pool:
            made = [pool.submit(trained, place, data, name, until) for name in TRAININGS]
            broken = [error for one in made if (error := one.exception()) is not None]
            rows = [row for one in made if one.exception() is None for row in one.result()]
    total = ["all", "", *(sum(int(str(row[i])) for row in rows) for i in range(2, 2 + len(COLUMNS)))]
    publish(
        "robustness-train_kills",
        "Trainings that are killed and go on",
        f"python -m benchmarks.robust_train_kills --minutes {minutes:g}",
        machine("torch", "lightning"),
        [
            f"A training of {EPOCHS} epochs, whose best is neither the first nor among the last two, is killed (-9), "
            "then gone on with by `--resume`. *Same model*: `model.safetensors` is that of an undisturbed training, "
            "byte for byte. *Same files*: nothing else is left in the run. Kills before a file operation are placed by "
            "an audit hook: every opening for writing, renaming, removing and making of a folder inside the run.",
            table(["training", "killed", *COLUMNS], [*rows, total]),
        ],
    )
    if broken:
        raise broken[0]
    if any(row[COLUMNS.index("cases") + 2] != row[COLUMNS.index("same model") + 2] for row in rows):
        raise SystemExit("a training that was killed and gone on with left another model, or none")


TRAININGS: dict[str, dict[str, dict[str, Any]]] = {
    "triplet and heads": {},
    "averaged weights, two batches a step": {"optimizer": {"accumulate": 2}, "trainer": {"ema": 0.9}},
    "folds": {},
}
COLUMNS = ("cases", "same model", "another model", "failed", "same files", "left in /tmp")


if __name__ == "__main__":
    main()
