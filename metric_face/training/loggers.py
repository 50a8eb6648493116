"""The loggers of Lightning that a run can be followed in, beside its own metrics.csv."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from metric_face.errors import ArgumentError, MissingExtraError

LOGGERS = ("tensorboard", "wandb")


def check_logger(name: str, setting: str) -> None:
    """Refuse a logger that there is not, or whose package is missing.

    Args:
        name: of the logger.
        setting: that names it, for the message.

    Raises:
        ArgumentError: there is no such logger.
        MissingExtraError: its package is not installed.
    """
    if name not in LOGGERS:
        raise ArgumentError(f"{setting}: must be one of {', '.join(LOGGERS)}, found {name!r}")
    packages = ("tensorboard", "tensorboardX") if name == "tensorboard" else (name,)
    if all(find_spec(package) is None for package in packages):
        raise MissingExtraError(
            f"{setting}: {name} is not installed; pip install 'metric_face[{name}]', or leave it out"
        )


def logger_of(name: str, home: Path) -> Any:
    """Make the logger of a run.

    Args:
        name: ``tensorboard``, which writes into the folder ``tensorboard`` of the run, or ``wandb``, a run of the
            project ``metric_face`` with the name of the folder.
        home: the run directory.

    Returns:
        The logger; its ``finalize`` ends what it began.
    """
    if name == "tensorboard":
        from lightning.pytorch.loggers import TensorBoardLogger

        return TensorBoardLogger(home / "tensorboard", name="", version="")
    return _wandb_logger(home)


def _wandb_logger(home: Path) -> Any:
    """A W&B run that ends with its logger: Lightning leaves it open, and the next one of the process would join it."""
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    joined = getattr(wandb, "run", None) is not None  # one that the user began, and ends

    class OwnWandbRun(WandbLogger):
        def finalize(self, status: str) -> None:
            super().finalize(status)
            run = getattr(wandb, "run", None)
            if run is not None and not joined:
                run.finish(exit_code=int(status != "success"))

    return OwnWandbRun(save_dir=home, project="metric_face", name=home.name)
