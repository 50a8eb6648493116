"""speed_of: how much processor time two models take, in turns, so that a busy machine slows both alike."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from metric_face.arrays import Floats

_REPEATS = 9


def speed_of(
    full: Callable[[Floats], Floats], light: Callable[[Floats], Floats], images: Floats
) -> dict[str, float]:
    """Median processor milliseconds an image of both models and their ratio, one image at a time and all together.

    Args:
        full, light: from prepared images (N, 3, H, W) to (N, D), of one thread each.
        images: (N, 3, H, W) float32.
    """
    found: dict[str, float] = {}
    for name, batch in {"one": images[:1], "batch": images}.items():
        taken: tuple[list[float], list[float]] = ([], [])
        for turn in range(_REPEATS + 1):
            for times, embed in zip(taken, (full, light), strict=True):
                started = time.process_time()
                embed(np.ascontiguousarray(batch))
                if turn:  # the first call prepares
                    times.append(time.process_time() - started)
        first, second = (statistics.median(times) for times in taken)
        found |= {
            f"full_ms_{name}": 1e3 * first / len(batch),
            f"light_ms_{name}": 1e3 * second / len(batch),
            f"ratio_{name}": first / second if second else 1.0,
        }
    return found
