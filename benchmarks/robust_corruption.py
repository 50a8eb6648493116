"""Damage each file of a run in every way, and ask each command that reads it.

``python -m benchmarks.robust_corruption [--quick]``. Right is one line that names what is wrong, or the undamaged
answer (the file does not matter to that command, or is made anew). Wrong is a traceback, and another answer.
"""

import argparse
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.corruption_kinds import damages
from benchmarks.harness import machine, publish, table
from metric_face.cli.app import app
from metric_face.embeddings.embeddings import logits_file
from metric_face.errors import MetricFaceError
from metric_face.run import Run

ENDS = ("one line", "same answer", "other answer", "traceback")


@dataclass(frozen=True)
class Stage:
    """A run, another one, and what is asked.

    Attributes:
        home: with ``run`` and ``other``, a second run on other images, both embedded and indexed.
        image: to ask about.
    """

    home: Path
    image: Path

    @property
    def run(self) -> Path:
        return self.home / "run"

    def words(self, command: str) -> list[str]:
        """What is typed, for a command by name."""
        run, csv, new = (str(self.home / name) for name in ("run", "run.csv", "new"))
        return {
            "knn": ["knn", run, str(self.image), "--json"],
            "embed": ["embed", run, str(self.image.parent), "--out", new, "--csv", f"{new}.csv"],
            "fuse": ["fuse", run, "--json"],
            "fuse files": ["fuse", csv, str(self.home / "other.csv"), "--truth", run, "--json"],
            "resume": ["train", "--resume", "--out", run, "--quiet"],
            "why": ["why", run, "--out", str(self.home / "why"), "--no-faces"],
            "index": ["index", run, "--out", str(self.home / "new-index"), "--json"],
        }.get(command, [command, run, "--json"])


READERS: dict[str, tuple[str, ...]] = {
    "config.yaml": ("evaluate", "fuse"),
    "run.json": ("evaluate", "embed", "fuse"),
    "images.parquet": ("fuse", "resume"),
    "metrics.csv": ("why",),
    "model.json": ("evaluate", "knn", "embed"),
    "model.safetensors": ("embed",),
    "model.onnx": ("knn",),
    "embeddings/embeddings.json": ("evaluate", "index"),
    "embeddings/images.parquet": ("evaluate", "probe"),
    "embeddings/stamps.parquet": ("evaluate",),
    "embeddings/vectors.npy": ("evaluate",),
    f"embeddings/{logits_file('color')}": ("evaluate", "fuse"),
    "neighbors/val-in-train.npz": ("evaluate", "index"),
    "index/index.json": ("knn",),
    "index/labels.parquet": ("knn",),
    "index/index.faiss": ("knn",),
    "../run.csv": ("fuse files",),
}
"""File -> the commands that read it."""


def ask(stage: Stage, command: str) -> tuple[str, str]:
    """How a command ends, and what it says: ``answer``, ``one line`` or ``traceback``."""
    for left in ("new", "new-index", "why"):
        shutil.rmtree(stage.home / left, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "error", RuntimeWarning
        )  # an optional part that failed for no reason of the user's
        done = CliRunner().invoke(app, stage.words(command))
    error = done.exception
    if isinstance(error, MetricFaceError):
        text = str(error)
        return ("one line" if "\n" not in text and len(text) < 600 else "traceback"), text
    if error is not None and not isinstance(error, SystemExit):
        return "traceback", f"{type(error).__name__}: {error}"
    if command == "embed":
        return "answer", (stage.home / "new.csv").read_text("utf-8")
    if command == "why":
        return "answer", "\n".join(done.stdout.splitlines()[:-1])
    return "answer", done.stdout


def try_file(
    stage: Stage,
    name: str,
    whole: dict[str, str],
    *,
    seed: int = 0,
    choose: Callable[[int], bool] = lambda n: True,
) -> Iterator[tuple[str, str, str, str]]:
    """Damage one file in every way: the damage, the command, how it ended and what was said.

    Args:
        stage: left as it was.
        name: of the file, from the run.
        whole: command -> its undamaged answer.
        seed: of the damage.
        choose: of the number of a damage, whether it is tried.
    """
    file = stage.run / name
    twin = (stage.home / "other" / name) if not name.startswith("..") else None
    spare = stage.home / "spare"
    shutil.copyfile(file, spare)
    for number, (damage, do) in enumerate(damages(file, twin, seed)):
        if not choose(number):
            continue
        for command in READERS[name]:
            do(file)
            end, said = ask(stage, command)
            if end == "answer":
                end = "same answer" if said == whole[command] else "other answer"
            yield damage, command, end, said
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
            shutil.copyfile(spare, file)


def prepare(home: Path) -> Stage:
    """Train two tiny runs on drawn images, embed and index them."""
    from metric_face.embeddings.prediction_csv import write_predictions
    from metric_face.embeddings.predictions import Predictions
    from metric_face.extraction import extract
    from metric_face.inference.index_building import index_run
    from metric_face.training.fitting import fit
    from tests.conftest import draw_toy
    from tests.training_cases import tiny_config

    for name, seed in (("run", 0), ("other", 1)):
        draw_toy(home / f"data-{name}", seed=seed)
        config = tiny_config(home / f"data-{name}", trainer__export_onnx=True, seed=seed)
        run = fit(config, home / name, quiet=True)
        made = extract(run, run.table, folder=home / name / "embeddings", precision="fp32")
        index_run(run).save(home / name / "index")
        space = run.space
        assert space is not None
        val = made.take((made.table.frame["split"] == "val").to_numpy())
        write_predictions(home / f"{name}.csv", Predictions.of_embeddings(name, val, space), space)
    # Two files to fuse: the second says of the first's images what the first would say of them backwards.
    lines = (home / "run.csv").read_text().splitlines()
    tails = [line.partition(",")[2] for line in lines[1:]]
    rows = [f"{line.partition(',')[0]},{tail}" for line, tail in zip(lines[1:], reversed(tails), strict=True)]
    (home / "other.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    return Stage(home, next((home / "data-run" / "images").iterdir()))


def answers(stage: Stage, commands: set[str]) -> dict[str, str]:
    """The undamaged answer of each command, asked twice so that what is kept on the way is there."""
    found = {}
    for command in sorted(commands):
        ask(stage, command)
        end, found[command] = ask(stage, command)
        if end != "answer":
            raise AssertionError(f"{command} on an undamaged run: {found[command]}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Damage each file of a run in every way.")
    parser.add_argument("--quick", action="store_true", help="each third damage, and without 'why'")
    quick = parser.parse_args().quick
    readers = {n: c for n, c in READERS.items() if not (quick and c == ("why",))}
    wrong: list[str] = []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        stage = prepare(Path(folder))
        Run.open(stage.run)
        whole = answers(stage, {command for commands in readers.values() for command in commands})
        for name in readers:
            counts: Counter[str] = Counter()
            ways = set()
            for damage, command, end, said in try_file(
                stage, name, whole, choose=lambda n: not quick or n % 3 == 0
            ):
                counts[end] += 1
                ways.add(damage)
                if end in ENDS[2:]:
                    wrong.append(f"{name}, {damage}, {command}: {end}: {said[:160]!r}")
            rows.append(
                (name.removeprefix("../"), len(ways), ", ".join(readers[name]), *(counts[e] for e in ENDS))
            )
            print(rows[-1], flush=True)
    total = (
        "all",
        sum(int(row[1]) for row in rows),
        "",
        *(sum(row[at] for row in rows) for at in range(3, 7)),
    )  # type: ignore[misc]
    publish(
        "robustness-corruption",
        "Damaged files of a run",
        "python -m benchmarks.robust_corruption" + (" --quick" if quick else ""),
        machine("numpy", "pandas", "torch", "faiss-cpu"),
        [
            "Each file of a tiny run, damaged in each way, and each command that reads it. Right is one line that "
            "names the file, what is wrong and the remedy, or the undamaged answer (where the file has no part in it, "
            "or is made anew, as a neighbor graph is). Wrong is a traceback, and another answer with exit code 0.",
            table(("file", "ways", "commands", *ENDS), [*rows, total]),
            "A CSV of predictions has no checksum, as other programs write them too: what is still a table of "
            "probabilities is believed."
            + ("\n\n" + "\n".join(f"- {line}" for line in wrong) if wrong else ""),
        ],
    )
    if any(": traceback: " in line or not line.startswith("../run.csv") for line in wrong):
        sys.exit(1)


if __name__ == "__main__":
    main()
