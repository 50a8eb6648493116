"""Embeddings drawn like those of identities with masks: 18 joint classes, 49:1, seven images of each identity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LATENT = 64  # what varies between and within identities before it is mixed into D dimensions


def draw_embeddings(
    rows: int, dimensions: int, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Draw (rows, D) float32 vectors of length one, their joint class, and their identity.

    Mask and gender are easy and age is not (its latent value is noisy and its bins are cut from it), the
    spectrum falls as a power, and a part of every vector is noise: a linear probe reaches a macro F1 near 0.75.
    """
    rng = np.random.default_rng(seed)
    identities = rows // 7 + 1
    young = rng.random(identities) < 0.5
    age = np.where(young, rng.normal(24, 4, identities), rng.normal(52, 6, identities)).clip(18, 60)
    gender = rng.integers(0, 2, identities)
    identity = np.repeat(np.arange(identities), 7)[:rows]
    mask = np.tile([0, 0, 0, 0, 0, 1, 2], identities)[:rows]
    joint = mask * 6 + gender[identity] * 3 + (age[identity] >= 30) + (age[identity] >= 59.5)
    latent = np.concatenate(
        [
            (age[identity, None] - 38) / 14 + rng.normal(0, 0.2, (rows, 1)),
            gender[identity, None] * 2 - 1 + rng.normal(0, 0.5, (rows, 1)),
            np.eye(3)[mask] * 3 + rng.normal(0, 0.5, (rows, 3)),
            rng.normal(0, 1, (identities, _LATENT - 5))[identity],
        ],
        axis=1,
    ).astype(np.float32)
    mixing = rng.normal(0, _LATENT**-0.5, (2, _LATENT, dimensions)).astype(np.float32)
    mixing[0, :5] *= 4
    rotation = np.linalg.qr(rng.normal(0, 1, (dimensions, dimensions)))[0].astype(np.float32)
    falling = 1.8 * np.arange(1, dimensions + 1, dtype=np.float32) ** -0.7
    vectors = np.tanh(latent @ mixing[0]) + 0.5 * np.maximum(latent @ mixing[1], 0)
    vectors += (rng.standard_normal((rows, dimensions), dtype=np.float32) * falling) @ rotation
    vectors += 0.15 * rng.standard_normal((rows, dimensions), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, joint.astype(np.int64), identity
