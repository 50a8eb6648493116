"""The training log against the stored logits: the best epoch of the log is the model whose logits are stored."""

from collections.abc import Mapping
from typing import Any

_TOLERANCE = 0.02
_FLIPPED = 3  # images whose answer another precision may change


def differs_from_log(facts: Mapping[str, Any], score: float, images: int) -> str | None:
    """Compare the macro F1 that the log has for the best epoch with that of the stored logits.

    Args:
        facts: of the run: ``monitor`` and ``best``.
        score: macro F1 of the stored logits, joint where there are several attributes, on the validation split.
        images: in the validation split.

    Returns:
        What is wrong, in one sentence; None where both agree, or the log has no such number.
    """
    best = facts.get("best")
    if facts.get("monitor") != "val/macro_f1" or not isinstance(best, int | float):
        return None
    if abs(best - score) <= max(_TOLERANCE, _FLIPPED / max(images, 1)):
        return None
    return (
        f"the training log says macro F1 {best:.3f} for the best epoch and the stored logits reach {score:.3f}: "
        "images, labels or weights have changed since; run embed again, and train again if that does not help"
    )
