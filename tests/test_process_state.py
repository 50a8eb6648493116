"""A training takes back what it does to the user's process."""

import logging
import os
import random
import warnings

import numpy as np
import torch

from metric_face.training.process_state import process_restored


def _state():
    return (
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002 - the global state is the point
        torch.get_rng_state().tolist(),
        list(warnings.filters),
        logging.getLogger("lightning.pytorch").level,
        os.environ.get("PL_GLOBAL_SEED"),
    )


def test_the_process_is_as_it_was():
    before = _state()
    with process_restored():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        warnings.filterwarnings("ignore", module="nothing.*")
        logging.getLogger("lightning.pytorch").setLevel(logging.CRITICAL)
        os.environ["PL_GLOBAL_SEED"] = "1"
        assert all(now != then for now, then in zip(_state(), before, strict=True))
    assert _state() == before
