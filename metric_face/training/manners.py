"""Leave the user's process as it was: a training seeds, quietens and filters, and takes all of that back."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from metric_face.samplers import random_states_kept

_LOGGERS = ("lightning.pytorch", "lightning.fabric")
_VARIABLES = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS")


@contextmanager
def process_kept() -> Iterator[None]:
    """Put back random generators, warning filters, Lightning's log levels and its environment variables."""
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
