"""softmax: probabilities from logits, in float64."""

from typing import Any

import numpy as np

from metric_face.arrays import Doubles


def softmax(logits: Any) -> Doubles:
    """Probabilities (N, C) from logits (N, C): exp(x_c) / sum exp(x), without overflow."""
    scores = np.asarray(logits, dtype=np.float64)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return shares
