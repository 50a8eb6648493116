"""The weights before the first step as a checkpoint: a training never ends with worse ones."""

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from metric_face.config import Config
from metric_face.data import ImageTable
from metric_face.errors import FileFormatError
from metric_face.training.checkpoint_file import NOTE, read_note, write_checkpoint
from metric_face.training.checkpoints import START, Best, Start


def keep_start(
    folder: Path, state: dict[str, torch.Tensor], score: float, before: Mapping[str, Any] | None
) -> None:
    """Keep the weights before the first step, so that a training never ends with worse ones.

    Args:
        folder: of the checkpoints.
        state: of the Lightning module.
        score: of these weights, by what the best is chosen by.
        before: what else is known of the start, plain data.
    """
    best = Best(score, -1, START)
    note = {"epoch": -1, "step": 0, "whole": True, "best": asdict(best), "before": before}
    write_checkpoint(folder / START, {"state_dict": state, NOTE: note})


def identity_of_run(config: Config, train: ImageTable, val: ImageTable) -> str:
    """What tells the checkpoints of one training from those of another: its network, loss, seed and images."""
    parts = [str(config.seed), config.model.model_dump_json(), config.loss.model_dump_json()]
    for table in (train, val):
        parts.append("\n".join(table.frame["path"]))
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def check_same_run(start: Start, run: str) -> None:
    """Compare the checkpoints of a folder with the training that goes on from them.

    Raises:
        FileFormatError: one is of another training.
    """
    for file, known in start.runs.items():
        if known != run:
            raise FileFormatError(
                f"{file}: is of another training (other images, network, loss or seed); restore it, or remove "
                f"{file.parent} to start over"
            )


def before_of(folder: Path) -> dict[str, Any] | None:
    """What :func:`keep_start` was told; None where there is no such checkpoint."""
    if not (folder / START).is_file():
        return None
    known: dict[str, Any] | None = read_note(folder / START).get("before")
    return known


def model_weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of the network in the state of a Lightning module."""
    return {name.removeprefix("model."): value for name, value in state.items() if name.startswith("model.")}
