"""first_facts: what run.json holds before the model does anything; dropped_lines: images left out of a training."""

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from metric_face import __version__
from metric_face.data import PreparedData
from metric_face.plurals import counted

_NAMED = 10  # of the images dropped; more would push everything else off a screen


def first_facts(data: PreparedData) -> dict[str, Any]:
    """Where the images are, what was dropped and noted, and the versions, for ``run.json``."""
    return {
        "data_root": str(data.table.root.resolve()),
        "dropped": list(data.dropped),
        "notes": list(data.notes),
        "versions": {
            "metric_face": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def dropped_lines(dropped: Sequence[str], folder: Path) -> list[str]:
    """Name the first ten images that were dropped, and end with the line that counts all; nothing for none."""
    if not dropped:
        return []
    return [*dropped[:_NAMED], f"{counted(len(dropped), 'images')} dropped; {folder / 'run.json'} lists all"]
