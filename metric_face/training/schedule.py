"""The learning-rate schedule: a linear warm-up, then a cosine."""

import math


def learning_rate_factor(progress: float, warmup: float, final: float, least: float) -> float:
    """Compute the factor on the learning rate at a share ``progress`` of the training.

    Args:
        progress: 0 to 1.
        warmup: share of the training over which the factor rises evenly.
        final: where the cosine ends.
        least: share of one step; the first step is not taken with a rate of 0.

    Returns:
        The factor, above 0 and at most 1.
    """
    progress = min(1.0, max(0.0, progress))
    if progress < warmup:
        return max(progress, least) / warmup if warmup > least else 1.0
    through = (progress - warmup) / max(1e-12, 1 - warmup)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * through))
