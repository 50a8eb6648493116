"""The package umap, loaded when a map is laid out, and run without leaving other threads behind."""

import warnings
from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import threadpool_limits


def import_umap() -> Any:
    """The package umap, without the warnings of its import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns of optional parts that are not used here
        import umap
    return umap


def threads_kept() -> AbstractContextManager[Any]:
    """While UMAP runs: afterwards OpenMP has as many threads as before.

    numba sets that number for the whole process when its first parallel function runs. PyTorch then spins in threads
    that no one asked for: beside another busy process a training step took ten times as long.
    """
    kept: AbstractContextManager[Any] = threadpool_limits(limits=None, user_api="openmp")
    return kept
