"""import_umap: the package umap, loaded when a map is laid out."""

import warnings
from typing import Any


def import_umap() -> Any:
    """The package umap, without the warnings of its import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns of optional parts that are not used here
        import umap
    return umap
