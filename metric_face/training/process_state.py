"""Restore the state of the user's process after a training: random generators, warnings, log levels, variables."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from metric_face.samplers import random_states_kept

_LOGGERS = ("lightning.pytorch", "lightning.fabric")
_VARIABLES = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS")


@contextmanager
def process_restored() -> Iterator[None]:
    """Restore random generators, warning filters, Lightning's log levels and its environment variables."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    try:
        with random_states_kept(), warnings.catch_warnings():
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def quieten_lightning() -> None:
    """Silence Lightning's advice on hardware and workers: it concerns its own use, not the user's."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning.*")
    warnings.filterwarnings("ignore", message="Grad strides do not match")  # DDP on images in channels_last
