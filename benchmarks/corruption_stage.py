"""What is damaged and what is asked: two runs, one that can be resumed, folds, predictions, and the commands."""

import json
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.embeddings.description import logits_file
from metric_face.errors import MetricFaceError

_LOGITS = f"embeddings/{logits_file('color')}"
READERS: dict[str, tuple[str, ...]] = {
    "run/config.yaml": ("evaluate", "fuse"),
    "run/run.json": ("evaluate", "embed", "fuse"),
    "run/images.parquet": ("fuse",),
    "run/metrics.csv": ("why",),
    "run/model.json": ("evaluate", "knn", "embed"),
    "run/model.safetensors": ("embed",),
    "run/model.onnx": ("knn",),
    "run/embeddings/embeddings.json": ("evaluate", "index", "visualize"),
    "run/embeddings/images.parquet": ("evaluate", "probe", "visualize"),
    "run/embeddings/stamps.parquet": ("evaluate",),
    "run/embeddings/vectors.npy": ("evaluate", "visualize"),
    f"run/{_LOGITS}": ("evaluate", "fuse"),
    "run/neighbors/val-in-train.npz": ("evaluate", "index"),
    "run/neighbors/val.npz": ("visualize",),
    "run/neighbors/all.npz": ("why",),
    "run/index/index.json": ("knn",),
    "run/index/labels.parquet": ("knn",),
    "run/index/index.faiss": ("knn",),
    "begun/config.yaml": ("resume",),
    "begun/images.parquet": ("resume",),
    "begun/metrics.csv": ("resume",),
    "begun/checkpoints/best.ckpt": ("resume",),
    "begun/checkpoints/last.ckpt": ("resume",),
    "folds/fold-1/config.yaml": ("fuse folds", "evaluate fold"),
    "folds/fold-1/run.json": ("fuse folds", "evaluate fold"),
    "folds/fold-1/images.parquet": ("fuse folds", "evaluate fold"),
    "folds/fold-1/model.json": ("fuse folds", "evaluate fold"),
    "folds/fold-1/embeddings/embeddings.json": ("fuse folds", "evaluate fold"),
    "folds/fold-1/embeddings/images.parquet": ("fuse folds", "evaluate fold"),
    "folds/fold-1/embeddings/vectors.npy": ("fuse folds", "evaluate fold"),
    f"folds/fold-1/{_LOGITS}": ("fuse folds", "evaluate fold"),
    "run.csv": ("fuse files",),
}
"""File -> the commands that read it."""
SLOW = ("why", "visualize", "resume")


@dataclass(frozen=True)
class Said:
    """How a command ended.

    Attributes:
        end: ``answer``, ``one line`` or ``traceback``.
        text: the answer, or the message.
        notes: said beside an answer, a line each.
    """

    end: str
    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Files to damage, and what is asked.

    Attributes:
        home: with ``run`` and ``other``, a second run on other images, both embedded and indexed; ``begun``, which
            can be trained on; ``folds``; and predictions of the two runs.
        image: to ask about.
    """

    home: Path
    image: Path

    @property
    def run(self) -> Path:
        return self.home / "run"

    def twin(self, name: str) -> Path | None:
        """A file of the same kind of another run."""
        pairs = (("run/", "other/"), ("begun/", "run/"), ("folds/fold-1/", "folds/fold-0/"))
        for own, other in pairs:
            if name.startswith(own):
                found = self.home / (other + name.removeprefix(own))
                return found if found.is_file() else None
        return None

    def words(self, command: str) -> list[str]:
        """What is typed, for a command by name."""
        home, run, new = self.home, str(self.run), str(self.home / "new")
        return {
            "knn": ["knn", run, str(self.image), "--json"],
            "embed": ["embed", run, str(self.image.parent), "--out", new, "--csv", f"{new}.csv"],
            "fuse": ["fuse", run, "--json"],
            "fuse files": ["fuse", str(home / "run.csv"), str(home / "other.csv"), "--truth", run, "--json"],
            "fuse folds": ["fuse", str(home / "folds"), "--json"],
            "evaluate fold": ["evaluate", str(home / "folds" / "fold-1"), "--json"],
            "resume": ["train", "--resume", "--out", new, "--set", "trainer.epochs=3", "--quiet"],
            "why": ["why", run, "--out", new, "--no-thumbnails"],
            "visualize": ["visualize", run, "--out", new, "--no-thumbnails"],
            "index": ["index", run, "--out", new, "--json"],
        }.get(command, [command, run, "--json"])

    def ask(self, command: str) -> Said:
        """Type a command and see how it ends."""
        new = self.home / "new"
        shutil.rmtree(new, ignore_errors=True)
        if command == "resume":
            shutil.copytree(self.home / "begun", new, copy_function=_copy)
        with warnings.catch_warnings():
            # An optional part that failed for no reason of the user's.
            warnings.simplefilter("error", RuntimeWarning)
            done = CliRunner().invoke(app, self.words(command))
        error = done.exception
        if isinstance(error, MetricFaceError):
            text = str(error)
            return Said("one line" if "\n" not in text and len(text) < 600 else "traceback", text)
        if error is not None and not isinstance(error, SystemExit):
            return Said("traceback", f"{type(error).__name__}: {error}")
        beside = done.stderr.splitlines()
        if command in _ANSWERS:
            return Said("answer", _ANSWERS[command](self.home, done.stdout), tuple(beside))
        found = json.loads(done.stdout)
        notes = found.pop("notes", []) if isinstance(found, dict) else []
        return Said("answer", json.dumps(found), (*beside, *notes))


def _copy(source: str, target: str) -> None:
    """Copy a file; one that was only made to look huge is not written out."""
    size = Path(source).stat().st_size
    if size < 2**30:
        shutil.copy2(source, target)
    else:
        Path(target).touch()
        os.truncate(target, size)


def _model(home: Path, _: str) -> str:
    facts = json.loads((home / "new" / "run.json").read_text("utf-8"))
    weights = sha256((home / "new" / "model.safetensors").read_bytes()).hexdigest()
    return f"{weights} {facts['best']} {facts['best_epoch']}"


_ANSWERS: dict[str, Callable[[Path, str], str]] = {
    "embed": lambda home, out: (home / "new.csv").read_text("utf-8"),
    "why": lambda home, out: "\n".join(out.splitlines()[:-1]),
    "visualize": lambda home, out: (home / "new" / "map.html").read_text("utf-8"),
    "resume": _model,
}
"""What counts as the answer, of a command that writes; of the others it is the JSON they print."""


def prepare(home: Path) -> Stage:
    """Train tiny runs on drawn images, embed and index them."""
    from metric_face.embeddings.prediction_csv import write_predictions
    from metric_face.embeddings.predictions import Predictions
    from metric_face.extraction import extract
    from metric_face.inference.index_building import build_index
    from metric_face.training.fitting import fit
    from metric_face.training.folds import fit_folds
    from tests.conftest import draw_toy
    from tests.training_cases import tiny_config

    made: dict[str, Any] = {}
    for name, seed in (("run", 0), ("other", 1)):
        draw_toy(home / f"data-{name}", seed=seed)
        config = tiny_config(home / f"data-{name}", trainer__export_onnx=True, seed=seed)
        run = fit(config, home / name, quiet=True)
        stored = extract(run, run.table, folder=home / name / "embeddings", precision="fp32")
        build_index(run).save(home / name / "index")
        space = run.space
        assert space is not None
        val = stored.take((stored.table.frame["split"] == "val").to_numpy())
        made[name] = Predictions.of_embeddings(name, val, space)
    # Two files to fuse: the second says of the first's images what the first would say of them backwards.
    own = made["run"]
    backwards = {key: table[::-1] for key, table in own.probabilities.items()}
    write_predictions(home / "run.csv", own, space)
    write_predictions(home / "other.csv", Predictions("other", own.images, backwards), space)
    for seed in range(2, 12):  # until the best epoch is not the last, as the two checkpoints differ then
        shutil.rmtree(home / "begun", ignore_errors=True)
        begun = fit(tiny_config(home / "data-run", seed=seed), home / "begun", quiet=True)
        if begun.facts["best_epoch"] == 0:
            break
    folds = tiny_config(home / "data-run", data__split={"folds": 3, "seed": 1})
    fit_folds(folds, home / "folds", quiet=True)
    return Stage(home, next((home / "data-run" / "images").iterdir()))
