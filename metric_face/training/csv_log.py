"""RunLog: ``metrics.csv``, one row per logged step, whole at any moment and going on after a resume."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from metric_face.files import read_metrics, write_atomically


class RunLog(Logger):
    """Lightning's logger that writes ``metrics.csv``.

    Args:
        file: where to write.
        resumed_from: the step a resumed run starts at; rows of an earlier part are kept up to it.
    """

    def __init__(self, file: Path, resumed_from: int | None = None) -> None:
        super().__init__()
        self.file = file
        self.rows: dict[int, dict[str, float]] = {}
        if resumed_from is not None and file.is_file():
            log = read_metrics(file, remedy="remove it, and the resumed run's log starts here")
            for row in log.to_dict("records"):
                if row["step"] < resumed_from:
                    self.rows[int(row["step"])] = {
                        str(key): value for key, value in row.items() if value == value
                    }

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.file.parent)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add values to the row of a step."""
        at = int(step or 0)
        self.rows.setdefault(at, {"step": at}).update(metrics)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the configuration stands in ``config.yaml``."""

    @rank_zero_only
    def save(self) -> None:
        """Write every row there is, atomically."""
        if not self.rows:
            return
        frame = pd.DataFrame([self.rows[step] for step in sorted(self.rows)])
        front = [name for name in ("step", "epoch") if name in frame.columns]
        frame = frame[front + sorted(set(frame.columns) - set(front))]
        write_atomically(self.file, lambda file: frame.to_csv(file, index=False))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.save()
