"""keep_umap_compiled: let the machine code of UMAP stay on the disk, for the commands."""

from contextlib import suppress

from metric_face.visualization.umap_package import import_umap

_SLOW = ("smooth_knn_dist", "compute_membership_strengths")
"""Functions of ``umap.umap_`` that numba otherwise compiles in every process: 5 of the 6 seconds of a first map."""


def keep_umap_compiled() -> None:
    """Let numba keep what it compiles of UMAP beside it, or in its cache folder, for the next process.

    Called by the commands, whose process is their own; a function of the library leaves UMAP as it finds it. Where no
    folder can be written, UMAP compiles anew as before.
    """
    module = import_umap().umap_
    for name in _SLOW:
        with suppress(AttributeError, RuntimeError):  # another version of UMAP; no folder for a cache
            getattr(module, name).enable_caching()
