"""Was the metric loss worth it? The same budget with and without, over seeds."""

from collections.abc import Sequence

import numpy as np

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Finding, Measure, Outcome, Table
from metric_face.diagnosis.measures.training_log import series
from metric_face.metrics import student

FEWEST_SEEDS = 3


def ask(context: Context) -> Outcome:
    """Compare the combined arm with the head alone."""
    arms = context.arms or {}
    table = Table(
        "worth.arms",
        ("arm", "macro_f1", "lowest", "highest", "seeds"),
        tuple((name, float(np.mean(f1)), min(f1), max(f1), len(f1)) for name, f1 in arms.items() if len(f1)),
    )
    if len(arms.get("both", ())) < FEWEST_SEEDS or len(arms.get("head", ())) < FEWEST_SEEDS:
        tables = (table,) if arms else ()
        return Outcome(tables=tables, abstentions=(Abstention("worth", "no_arms", {"fewest": FEWEST_SEEDS}),))
    gap, low, high = compare(arms["both"], arms["head"])
    opposed = series(context.log, "kappa_high")
    if high >= 0 or (
        opposed is not None and opposed[-1] < 0
    ):  # the conflict question reports an opposed pair
        return Outcome(tables=(table,))
    values = {
        "both": float(np.mean(arms["both"])),
        "head": float(np.mean(arms["head"])),
        "seeds": len(arms["both"]),
    }
    return Outcome((Finding("worth.hurts", Measure(gap, low, high, 0.0), values, explained=-gap),), (table,))


def compare(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Difference of two means over seeds with its 95 % interval by Welch's t.

    Args:
        first: scores, two or more.
        second: scores, two or more.

    Returns:
        mean(first) - mean(second), lower and upper end.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    parts = [float(np.var(v, ddof=1)) / len(v) for v in (a, b)]
    gap = float(a.mean() - b.mean())
    spread = sum(parts)
    if spread == 0:
        return gap, gap, gap
    freedom = spread**2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (a, b), strict=True))
    reach = student(0.95, freedom) * float(np.sqrt(spread))
    return gap, gap - reach, gap + reach
