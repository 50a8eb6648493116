"""The arms of a comparison: runs of equal budget with the metric loss, the head, or both."""

from collections.abc import Mapping, Sequence
from typing import Any

from metric_face.diagnosis.measures.training_log import series
from metric_face.errors import ArgumentError

ARMS = ("metric", "head", "both")


def arms_of(runs: Mapping[str, Sequence[float]] | Sequence[Any]) -> dict[str, list[float]]:
    """Macro F1 of every seed by arm.

    Args:
        runs: numbers by arm; or runs (or their folders). A run without a metric loss is of the arm ``head``, one
            without classifiers of ``metric``, any other of ``both``; its number is the best validation macro F1 of
            its log, and a run whose log has none is left out.

    Returns:
        The numbers by arm.

    Raises:
        ArgumentError: an unknown arm, or runs whose budgets (epochs, time) differ.
        FileFormatError: a folder that holds no run.
    """
    if isinstance(runs, Mapping):
        unknown = [name for name in runs if name not in ARMS]
        if unknown:
            raise ArgumentError(f"runs must be of the arms {', '.join(ARMS)}, found {unknown[0]!r}")
        return {name: [float(score) for score in scores] for name, scores in runs.items()}
    return _read(runs)


def _read(runs: Sequence[Any]) -> dict[str, list[float]]:
    from metric_face.run import Run

    arms: dict[str, list[float]] = {}
    budgets = set()
    for given in runs:
        run = Run.open(given)
        scores = series(run.log, "macro_f1")
        if scores is None:
            continue
        losses = run.config.loss.metric != "none", run.config.model.heads != "none"
        arm = "both" if all(losses) else "metric" if losses[0] else "head"
        arms.setdefault(arm, []).append(float(scores.max()))
        budgets.add((run.config.trainer.epochs, run.config.trainer.max_time))
    if len(budgets) > 1:
        raise ArgumentError(
            f"runs must have equal budgets, found {sorted(map(str, budgets))}; train them for the same epochs and time"
        )
    return arms
