"""first_facts: what run.json holds before the model does anything."""

import platform
from typing import Any

import torch

from metric_face import __version__
from metric_face.data import PreparedData


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
