"""Checkpoints: the best epoch and the last, in an order in which a kill at any moment loses neither."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping

from metric_face.errors import ConfigError, FileFormatError
from metric_face.progress import Say
from metric_face.training.callbacks import at_a_step
from metric_face.training.checkpoint_file import NOTE, read_checkpoint, read_note, write_checkpoint

BEST, LAST, STOPPED, START = "best.ckpt", "last.ckpt", "stopped.ckpt", "start.ckpt"


@dataclass(frozen=True)
class Best:
    """The best epoch so far: its score, its number from 0, and the file that holds it, beside the others.

    The weights before the first step count as epoch -1.
    """

    score: float
    epoch: int
    file: str = BEST


class Checkpoints(Checkpoint):
    """Writes ``best.ckpt`` and ``last.ckpt``, from either of which a run goes on exactly.

    After an epoch: the best first where it is one, then the last, which knows the best. So whichever a kill leaves,
    the best file is never of an epoch that the run has not reached with the same score. ``last.ckpt`` is also
    written every ten minutes, and when the training is stopped. The scores of a training that was stopped inside an
    epoch belong to weights that an undisturbed one never has: where they are better, those weights go to
    ``stopped.ckpt``, which is dropped when the run goes on.

    Lightning calls this callback last, so that what the others keep is of the same moment. Kept beside what
    Lightning keeps: where the sampler stood, counted in batches that the model has seen (workers fetch ahead), and
    the random state.

    Args:
        folder: of the files.
        monitor: what the best is chosen by; more is better.
        sampler: the batch sampler, with ``state_dict(consumed=...)`` and ``load_state_dict``.
        dataset: of training, with ``set_epoch``.
        best: what a resumed run knows of its best.
        every: seconds between two checkpoints inside an epoch.
        run: what the training is of, see :func:`.start_checkpoint.identity_of_run`.

    Attributes:
        stopped_inside: whether the training was stopped inside an epoch.
    """

    def __init__(
        self,
        folder: Path,
        monitor: str,
        sampler: Any,
        dataset: Any,
        best: Best | None = None,
        every: float = 600.0,
        run: str = "",
    ) -> None:
        self.folder, self.monitor = folder, monitor
        self.sampler, self.dataset = sampler, dataset
        self.best = best
        self.every, self.run = every, run
        self._saved = time.monotonic()
        self.stopped_inside = False
        self._over = False
        self._note: dict[str, Any] = {}
        self._random_state: torch.Tensor | None = None

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if self._over:
            trainer.should_stop = True

    def on_train_batch_start(
        self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_index: int
    ) -> None:
        if self._random_state is not None:
            torch.set_rng_state(self._random_state)
            self._random_state = None
        if trainer.is_global_zero:
            (self.folder / STOPPED).unlink(missing_ok=True)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        due = trainer.should_stop or (time.monotonic() - self._saved > self.every and at_a_step(trainer))
        if trainer.strategy.broadcast(due) and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self.stopped_inside = trainer.should_stop
            self._save(trainer, LAST, self.best)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        score = self._score(trainer)
        better = self.best is None or score > self.best.score
        # A stop inside an epoch passes here too; Lightning would then take the epoch for finished.
        if self.stopped_inside:
            if better:
                self._save(trainer, STOPPED, Best(score, trainer.current_epoch, STOPPED))
            return
        self._over = any(
            isinstance(callback, EarlyStopping) and callback.wait_count >= callback.patience
            for callback in trainer.callbacks  # type: ignore[attr-defined]
        )
        if better:
            self.best = Best(score, trainer.current_epoch)
            self._save(trainer, BEST, self.best, whole=True)
        self._save(trainer, LAST, self.best, whole=True)

    def on_save_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        consumed = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        checkpoint["metric_face"] = {
            "sampler": self.sampler.state_dict(consumed=consumed),
            "rng": torch.get_rng_state(),
            "over": self._over,
        }
        checkpoint[NOTE] = self._note

    def on_load_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        kept = checkpoint["metric_face"]
        self.sampler.load_state_dict(kept["sampler"])
        # Batches are fetched before the epoch's first hook runs.
        self.dataset.set_epoch(self.sampler.epoch)
        self._random_state, self._over = kept["rng"], kept["over"]

    def _score(self, trainer: L.Trainer) -> float:
        known = trainer.callback_metrics
        if self.monitor not in known:
            scores = ", ".join(sorted(name for name in known if name.startswith("val/")))
            raise ConfigError(
                f"trainer.monitor={self.monitor}: is no score of this run; choose from {scores}"
            )
        score = float(known[self.monitor])
        return -math.inf if math.isnan(score) else score

    def _save(self, trainer: L.Trainer, name: str, best: Best | None, whole: bool = False) -> None:
        self._note = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "run": self.run,
            "whole": whole,  # at the end of the epoch, and not inside it
            "best": None if best is None else asdict(best),
        }
        trainer.save_checkpoint(self.folder / name)
        self._saved = time.monotonic()


@dataclass(frozen=True)
class Start:
    """Where a resumed run goes on.

    Attributes:
        file: the checkpoint; None where there is none, and the run starts over.
        step: optimizer steps taken until then.
        best: the best epoch so far, if an epoch was finished and its file is there.
        runs: of each checkpoint that is whole, which training it is of.
    """

    file: Path | None = None
    step: int = 0
    best: Best | None = None
    runs: Mapping[Path, str] = field(default_factory=dict)


def find_start(folder: Path, say: Say) -> Start:
    """Find the checkpoint to go on from: the further of ``last.ckpt`` and ``best.ckpt``, each checked.

    Raises:
        FileFormatError: what is damaged cannot be done without.
    """
    notes, damaged = {}, {}
    for name in (LAST, BEST):
        if (folder / name).is_file():
            try:
                notes[name] = read_note(folder / name)
            except FileFormatError as error:
                damaged[name] = str(error)
    last, best = notes.get(LAST), notes.get(BEST)
    runs = {folder / name: note["run"] for name, note in notes.items() if "run" in note}
    if last is None and best is None:
        if damaged:
            raise FileFormatError(
                f"{next(iter(damaged.values()))}, and there is no other to go on from; "
                f"restore it, or remove {folder} to start over"
            )
        return Start()
    if best is not None and (last is None or best["step"] > last["step"]):
        if damaged:
            say(f"{damaged[LAST]}; goes on from {BEST}, after epoch {best['epoch'] + 1}")
        return Start(folder / BEST, best["step"], Best(**best["best"]), runs)
    assert last is not None
    if best is not None:
        return Start(folder / LAST, last["step"], Best(**best["best"]), runs)
    return Start(folder / LAST, last["step"], _without_best(folder, last, damaged.get(BEST), say), runs)


def chosen_checkpoint(folder: Path) -> tuple[Path, Best]:
    """The checkpoint whose weights become the model, and its score.

    Raises:
        FileFormatError: it is damaged.
    """
    found: list[tuple[Path, Best]] = []
    for name in (BEST, STOPPED, START):  # of equals, the one that was trained
        if (folder / name).is_file():
            found.append((folder / name, Best(**read_note(folder / name)["best"])))
    if not found:
        raise FileFormatError(
            f"{folder}: holds no best epoch; the training ended before its first validation"
        )
    return max(found, key=lambda one: one[1].score)


def _without_best(folder: Path, last: dict[str, Any], damage: str | None, say: Say) -> Best | None:
    """What to do where ``last.ckpt`` stands alone: it may be the best epoch itself."""
    if last["best"] is None:
        return None
    best = Best(**last["best"])
    what = damage or f"{folder / BEST}: missing"
    if last["whole"] and last["epoch"] == best.epoch:
        write_checkpoint(folder / BEST, read_checkpoint(folder / LAST))
        say(f"{what}; restored from {LAST}, which is of the same epoch")
        return best
    if damage is not None:
        raise FileFormatError(
            f"{damage}: the weights of the best epoch, {best.epoch + 1}, are lost; "
            "restore it, or remove it to take the best of the epochs that follow"
        )
    say(f"{what}; the best of the epochs after {last['epoch'] + last['whole']} counts")
    return None
