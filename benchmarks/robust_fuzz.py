"""Hand the command broken inputs: every one must end in an answer or in one short line, never in a traceback.

``python -m benchmarks.robust_fuzz`` runs 5,000 of them in this process, through the command's own entry, and writes
``benchmarks/results/robustness-fuzz.md``; ``--quick`` runs 300.
"""

import argparse
import contextlib
import io
import multiprocessing
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks import fuzz_inputs
from benchmarks.harness import machine, publish, table
from metric_face.cli import entry
from metric_face.config import dump_config, load_config
from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.embeddings.embeddings import Embeddings
from metric_face.embeddings.prediction_csv import write_predictions
from metric_face.embeddings.predictions import Predictions
from metric_face.files.run_files import seal_run
from metric_face.models.card import write_card
from metric_face.run import Run

SHARES = {"YAML": 0.28, "--set": 0.28, "CSV": 0.2, "Parquet": 0.08, "images": 0.06, "predictions": 0.1}
LONGEST = 300
UNEXPECTED = "(unexpected;"


@dataclass
class Tally:
    """What became of one kind of input."""

    codes: Counter[str] = field(default_factory=Counter)
    tracebacks: list[str] = field(default_factory=list)
    wordy: list[str] = field(default_factory=list)
    longest: int = 0
    slowest: float = 0.0

    @property
    def inputs(self) -> int:
        """How many there were."""
        return sum(self.codes.values()) + len(self.tracebacks)


def call(arguments: list[str]) -> tuple[int, str, str]:
    """Run the command in this process: its exit code, the error's text, and the traceback or ""."""
    said = io.StringIO()
    before = sys.argv
    sys.argv = ["metric-face", *arguments]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            entry.main()
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except Exception:
        return 1, said.getvalue(), traceback.format_exc()
    finally:
        sys.argv = before
    return code, said.getvalue(), ""


def message_of(said: str) -> str:
    """What stands behind ``error:``, to the end of what was said."""
    return said.partition("error: ")[2].removesuffix("\n")


def photographs(folder: Path) -> pd.DataFrame:
    """Twelve small pictures of six identities in two classes, and their table."""
    rows = []
    for number in range(12):
        name = f"p{number // 2}_{number % 2}.png"
        noise = np.random.default_rng(number).integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(noise).save(folder / name)
        rows.append((name, f"p{number // 2}", "ab"[number // 2 % 2], "val" if number >= 8 else "train"))
    return pd.DataFrame(rows, columns=["path", "identity", "kind", "split"])


def predicted_run(folder: Path, frame: pd.DataFrame) -> str:
    """A run with embeddings, made without a training; the CSV of its predictions is returned."""
    space = LabelSpace((Attribute("kind", ("a", "b")),))
    images = ImageTable(frame, folder)
    run = folder / "run"
    run.mkdir()
    (run / "config.yaml").write_text(dump_config(load_config({"data": {"path": "x"}})))
    images.save(run / "images.parquet")
    card = {
        "architecture": {},
        "transform": {},
        "sha256": sha256(b"").hexdigest() + ":0",
        "label_space": space.to_dict(),
    }
    fingerprint = write_card(run, card)
    seal_run(run, {"data_root": str(folder), "ended": "complete"})
    (run / "model.safetensors").touch()
    logits = np.random.default_rng(0).normal(size=(len(frame), 2)).astype(np.float32)
    made = Embeddings(logits, images, fingerprint, {"kind": logits})
    made.save(run / "embeddings")
    write_predictions(
        folder / "good.csv", Predictions.of_embeddings("run", Run.open(run).embeddings(), space), space
    )
    return (folder / "good.csv").read_text()


def calls_of(kind: str, home: Path) -> Callable[[random.Random], list[str]]:
    """Make what hands one input of a kind to the command."""
    frame = photographs(home)
    good = frame.to_csv(index=False)
    (home / "table.csv").write_text(good)

    def write(name: str, data: bytes) -> str:
        (home / name).write_bytes(data)
        return str(home / name)

    def parquet(rng: random.Random) -> list[str]:
        fuzz_inputs.parquet(frame, rng, home / "fuzzed.parquet")
        return ["audit", str(home / "fuzzed.parquet")]

    def picture(rng: random.Random) -> list[str]:
        write("p0_0.png", fuzz_inputs.image(rng))
        return ["audit", str(home / "table.csv")]

    if kind == "predictions":
        said = predicted_run(home, frame)
        return lambda rng: [
            "fuse",
            write("fuzzed.csv", fuzz_inputs.broken_text(said, rng)),
            "--truth",
            str(home / "run"),
        ]
    makers: dict[str, Callable[[random.Random], list[str]]] = {
        "YAML": lambda rng: [
            "audit", write("fuzzed.yaml", fuzz_inputs.configuration(str(home / "table.csv"), rng))
        ],
        "--set": lambda rng: ["audit", str(home / "table.csv"), "--set", fuzz_inputs.override(rng)],
        "CSV": lambda rng: ["audit", write("fuzzed.csv", fuzz_inputs.broken_text(good, rng))],
        "Parquet": parquet,
        "images": picture,
    }  # fmt: skip
    return makers[kind]


def fuzz(kind: str, inputs: int, seed: int = 0) -> Tally:
    """Run some inputs of a kind.

    Args:
        kind: a key of ``SHARES``.
        inputs: how many.
        seed: of the first; each input has its own.
    """
    tally = Tally()
    with tempfile.TemporaryDirectory() as temporary:
        make = calls_of(kind, Path(temporary))
        for number in range(seed, seed + inputs):
            arguments = make(random.Random(f"{kind} {number}"))
            started = time.perf_counter()
            code, said, trace = call(arguments)
            tally.slowest = max(tally.slowest, time.perf_counter() - started)
            if (
                trace or UNEXPECTED in said
            ):  # the command words what it did not foresee, and that is a fault too
                trace = trace or said
                tally.tracebacks.append(f"{kind} {number}: {trace}")
                continue
            message = message_of(said)
            tally.codes["usage" if code == 2 else "refused" if "error: " in said else "answered"] += 1
            tally.longest = max(tally.longest, len(message))
            if (
                len(message) >= LONGEST
                or "\n" in message
                or (code == 1 and "error: " in said and not message)
            ):
                tally.wordy.append(f"{kind} {number}: {message[:600]!r}")
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 inputs")
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=SHARES, help="this kind alone, and no table")
    options = parser.parse_args()
    total = 300 if options.quick else options.inputs
    kinds = [options.kind] if options.kind else list(SHARES)
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(len(kinds), 6)) as pool:
        work = [(kind, round(total * SHARES[kind]), options.seed) for kind in kinds]
        tallies = dict(zip(kinds, pool.starmap(fuzz, work), strict=True))
    faults = [fault for tally in tallies.values() for fault in (*tally.tracebacks, *tally.wordy)]
    for fault in faults:
        print(fault)
    if options.kind is None:
        _publish(tallies, total)
    print(f"{sum(t.inputs for t in tallies.values()):,} inputs, {len(faults)} faults")
    raise SystemExit(bool(faults))


def _publish(tallies: dict[str, Tally], total: int) -> None:
    rows = [
        (
            kind,
            f"{tally.inputs:,}",
            *(f"{tally.codes[what]:,}" for what in ("answered", "refused", "usage")),
            len(tally.tracebacks),
            len(tally.wordy),
            tally.longest,
            f"{tally.slowest:.1f}",
        )
        for kind, tally in tallies.items()
    ]
    header = (
        "input",
        "tried",
        "answered",
        "refused in words",
        "wrong usage",
        "tracebacks",
        "longer than a line",
        "longest",
        "slowest [s]",
    )
    publish(
        "robustness-fuzz",
        "Broken inputs",
        f"python -m benchmarks.robust_fuzz --inputs {total}",
        machine("pandas", "pyarrow", "Pillow", "PyYAML", "pydantic"),
        [
            "Good files with bytes, cells, lines and encodings broken from a seed; `--set` of every key to values that "
            "may or may not be one. YAML, `--set`, CSV, Parquet and images go through `audit`, "
            "predictions through `fuse`, "
            "all through the command's own entry. *Longer than a line*: messages of 300 characters or more, or on more "
            "than one line; *longest*: the longest message in characters.",
            table(header, rows),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
