"""log_results: scores, the map and the top findings of a run in the loggers that Lightning knows."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metric_face.errors import ArgumentError
from metric_face.run import Run
from metric_face.training import check_logger, logger_of

if TYPE_CHECKING:
    from metric_face.diagnosis import Diagnosis
    from metric_face.evaluation import Evaluation

_MOST_FINDINGS = 10


def log_results(
    logger: Any,
    *,
    evaluation: "Evaluation | None" = None,
    picture: str | Path | None = None,
    diagnosis: "Diagnosis | None" = None,
    step: int | None = None,
) -> list[str]:
    """Log results after a training.

    Args:
        logger: a Lightning logger, such as the one of a Trainer, or several; TensorBoard and Weights & Biases get all,
            any other the scores.
        evaluation: as ``evaluate`` gives it: macro F1, recall@1 and MAP@R.
        picture: the map, such as ``visualize(run).picture``.
        diagnosis: as ``diagnose`` gives it: its ten lines.
        step: of the training; None leaves it to the logger.

    Returns:
        The names that were logged.

    Raises:
        ArgumentError: no logger, nothing to log, or no such picture.
    """
    loggers = list(logger) if isinstance(logger, Iterable) else [logger]
    if not loggers or any(not hasattr(one, "log_metrics") for one in loggers):
        raise ArgumentError(
            f"logger must be one or more loggers of Lightning, found {logger!r}; pass the logger of the Trainer"
        )
    scores = {} if evaluation is None else scores_of(evaluation)
    lines = [] if diagnosis is None else diagnosis.lines()[:_MOST_FINDINGS]
    file = None if picture is None else Path(picture)
    if file is not None and not file.is_file():
        raise ArgumentError(f"picture must be an image file, found no {file}; visualize(run).picture is one")
    if not scores and not lines and file is None:
        raise ArgumentError("evaluation, picture or diagnosis must be given, found none of them")
    logged: list[str] = list(scores)
    for one in loggers:
        if scores:
            one.log_metrics(scores, step=step)
        logged += _log_rest(one, file, lines, step)
    return list(dict.fromkeys(logged))


def scores_of(evaluation: "Evaluation") -> dict[str, float]:
    """The scores of an evaluation by the names that loggers show."""
    split = evaluation.split
    found = {f"{split}/{s.predictor}/{s.target}/macro_f1": s.macro_f1.value for s in evaluation.scores}
    for one in evaluation.retrieval:
        found[f"{split}/retrieval/{one.label}/recall@1"] = one.recall_at_1.value
        found[f"{split}/retrieval/{one.label}/map_at_r"] = one.map_at_r
    return {name: float(value) for name, value in found.items()}


def log_run(run: Run | str | Path, logger: Any, *, step: int | None = None) -> list[str]:
    """Evaluate a run, draw its map, ask what holds it back, and log all three.

    Args:
        run: a run with embeddings, or its folder.
        logger: as for :func:`log_results`; or ``tensorboard`` or ``wandb`` for the one that ``trainer.loggers`` names,
            whose folder is in the run.
        step: likewise.

    Returns:
        The names that were logged.

    Raises:
        ArgumentError: no such logger.
        MissingExtraError: the package of the logger is not installed.
    """
    if isinstance(logger, str):
        check_logger(logger, "logger")
    from metric_face.diagnosis import diagnose
    from metric_face.evaluation import evaluate
    from metric_face.visualization import visualize

    opened = Run.open(run)
    made = logger_of(logger, opened.folder) if isinstance(logger, str) else None
    picture = visualize(opened, thumbnails=False).picture
    names = log_results(
        made or logger, evaluation=evaluate(opened), picture=picture, diagnosis=diagnose(opened), step=step
    )
    if made is not None:
        made.finalize("success")
    return names


def _log_rest(logger: Any, file: Path | None, lines: list[str], step: int | None) -> list[str]:
    """The map and the findings, in the two ways that loggers have for them."""
    logged = []
    if hasattr(logger, "log_image") and hasattr(logger, "log_text"):  # Weights & Biases
        if file is not None:
            logger.log_image("map", [str(file)], step=step)
            logged.append("map")
        if lines:
            logger.log_text("findings", columns=["finding"], data=[[line] for line in lines], step=step)
            logged.append("findings")
        return logged
    board: Any = getattr(logger, "experiment", None)
    if hasattr(board, "add_image") and hasattr(board, "add_text"):  # TensorBoard
        if file is not None:
            board.add_image("map", _pixels(file), step or 0, dataformats="HWC")
            logged.append("map")
        if lines:
            board.add_text("findings", "\n".join(f"- {_quoted(line)}" for line in lines), step or 0)
            logged.append("findings")
    return logged


def _pixels(file: Path) -> Any:
    import numpy as np

    from metric_face.data import open_image

    return np.asarray(open_image(file))


def _quoted(line: str) -> str:
    """A line as Markdown text: a name in it makes no markup."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#" else letter for letter in line)
