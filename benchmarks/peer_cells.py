"""The cells of `peers` and `anytime`: one training in a process of its own on one core, and its scores."""

import os
import queue
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frozen_features import WEIGHTS
from benchmarks.harness import watched
from benchmarks.peer_scores import Cell, measure
from benchmarks.peer_sets import Labels, our_settings, read_labels, write_set

OURS = "metric-face"


@dataclass(frozen=True)
class Place:
    """Where the sets are, and where cells work.

    Attributes:
        shared: holds ``data/`` and ``weights/``.
        work: a folder for tables and runs.
        images: of a set at most.
    """

    shared: Path
    work: Path
    images: int

    def labels(self, name: str) -> Labels:
        """The images of a set; its table is written once."""
        home = self.home(name)
        write_set(name, self.shared, home, self.images)
        return read_labels(name, home)

    def home(self, name: str) -> Path:
        """The folder of a set's table."""
        return self.work / f"{name}-{self.images}"

    def train(
        self, name: str, recipe: str, seed: int, seconds: Sequence[float], core: int
    ) -> dict[str, Cell]:
        """Train one recipe on one set.

        Args:
            name: of the set.
            recipe: ours, or one of a peer with further words of its command, such as ``timm --frozen-norm``.
            seed: of the training.
            seconds: when it is scored; ours trains once for each.
            core: the processor it runs on.

        Returns:
            Seconds -> scores, with ``wall`` and ``processor`` seconds of the training, and what is to be told of it.
        """
        labels = self.labels(name)
        out = self.work / "runs" / f"{name}-{recipe.replace(' ', '')}-{seed}-{seconds[-1]:g}"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        if recipe == OURS:
            return {f"{each:g}": self._ours(name, labels, seed, each, core, out) for each in seconds}
        words = ["-m", "benchmarks.peer_recipes", recipe.split()[0], name, *recipe.split()[1:]]
        weights = self.shared / "weights" / WEIGHTS
        words += ["--home", str(self.home(name)), "--weights", str(weights), "--out", str(out)]
        words += ["--seed", str(seed), "--seconds", *(f"{each:g}" for each in seconds)]
        pinned(words, core, out / "log.txt")
        cells = {}
        for file in sorted(out.glob("*.npz")):
            with np.load(file) as left:
                cell = measure(labels, left["vectors"], left.get("head"))
                wall, processor, images = (float(left[key]) for key in ("seconds", "processor", "images"))
            told = f"{images / max(1, labels.train.sum()):.1f} epochs"
            cells[file.stem] = cell | {"wall": wall, "processor": processor, "note": told}
        shutil.rmtree(out)
        return cells

    def _ours(self, name: str, labels: Labels, seed: int, seconds: float, core: int, out: Path) -> Cell:
        """Our command with a time, then what it left."""
        from metric_face import Run

        run, settings = out / f"{seconds:g}", our_settings(name, self.shared, seed)
        words = ["-m", "metric_face", "train", str(self.home(name) / "images.csv"), "--out", str(run)]
        words += ["--time", f"{seconds:g}s", *(word for one in settings for word in ("--set", one))]
        wall, processor = pinned(words, core, out / f"{seconds:g}.txt")
        pinned(["-m", "metric_face", "embed", str(run), "--quiet"], core, out / "embed.txt")
        opened = Run.open(run)
        found = opened.embeddings()
        rows = {str(found.table.root / path): row for row, path in enumerate(found.table.frame["path"])}
        order = np.array([rows[path] for path in labels.paths])
        head = None
        if opened.space is not None:
            head = opened.space.head_classes(found.logits)[opened.space.target_names[-1]][order]
        cell = measure(labels, found.vectors[order], head)
        facts = opened.facts
        told = f"head first {opened.config.optimizer.head_epochs}, {facts['steps']} batches of images"
        told += f", best after epoch {facts['best_epoch'] + 1}"
        return cell | {"wall": wall, "processor": processor, "note": told}


def pinned(words: Sequence[str], core: int, log: Path) -> tuple[float, float]:
    """Run Python with these words on one core; its wall and processor seconds.

    Raises:
        RuntimeError: it failed; the end of what it printed is told.
    """
    done = watched(words, log, lambda: os.sched_setaffinity(0, {core}), OMP_NUM_THREADS="1")
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {log.read_text()[-2000:]}")
    return done.wall, done.processor


def side_by_side(tasks: dict[str, Callable[[int], Any]], cores: int) -> Iterator[tuple[str, Any]]:
    """Run tasks, each with a core of its own, so many at a time; yield them by name as they end.

    A task that fails is told and left out, and so is missing.
    """
    free: queue.SimpleQueue[int] = queue.SimpleQueue()
    for core in sorted(os.sched_getaffinity(0))[-cores:]:
        free.put(core)

    def run(task: Callable[[int], Any]) -> Any:
        core = free.get()
        try:
            return task(core)
        finally:
            free.put(core)

    with ThreadPoolExecutor(cores) as pool:
        running = {pool.submit(run, task): name for name, task in tasks.items()}
        for done in as_completed(running):
            try:
                yield running[done], done.result()
            except RuntimeError as error:
                print(f"{running[done]}: failed: {error}", flush=True)
