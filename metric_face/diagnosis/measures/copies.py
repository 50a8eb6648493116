"""Images that are byte for byte the same."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Floats, Ints


def copy_codes(images: Sequence[Any] | NDArray[np.uint8] | None, embeddings: Floats) -> Ints:
    """A code that identical images share.

    Args:
        images: N paths, whose bytes are compared, the vectors of those that are missing; or (N, ...) pixels; or None.
        embeddings: (N, D), compared where there are no images: the same file gives the same vector.

    Returns:
        (N,) codes 0..M-1.
    """
    if images is not None and not isinstance(images, np.ndarray):
        from metric_face.data import take_stamps

        vectors = np.ascontiguousarray(embeddings)
        digests = [
            digest or hashlib.blake2b(vectors[row], digest_size=16).hexdigest()  # the file is gone
            for row, digest in enumerate(take_stamps([Path(path) for path in images])["sha256"])
        ]
        return np.unique(np.array(digests), return_inverse=True)[1].astype(np.int64)
    rows = np.ascontiguousarray(embeddings if images is None else images.reshape(len(images), -1))
    found = np.array([hashlib.blake2b(row, digest_size=16).digest() for row in rows])
    return np.unique(found, return_inverse=True)[1].astype(np.int64)
