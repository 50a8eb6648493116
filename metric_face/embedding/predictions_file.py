"""The probabilities that a run's classifiers give its embedded images, as the file that fuse() reads."""

from pathlib import Path

from metric_face.embeddings import Embeddings, Predictions, write_predictions
from metric_face.errors import ArgumentError
from metric_face.run import Run


def refuse_without_classifiers(run: Run, csv: str | Path | None) -> None:
    """Raise one line if a file of predictions is asked of a run that has no classifiers.

    Raises:
        ArgumentError: it is.
    """
    if csv is not None and run.space is None:
        raise ArgumentError("--csv: the run has no classifiers; it was trained on identities alone")


def write_csv(csv: str | Path, run: Run, folder: Path) -> None:
    """Write the probabilities of the embeddings in a folder; all of them are held in memory."""
    if (space := run.space) is not None:
        made = Embeddings.load(folder, mmap=True)
        write_predictions(csv, Predictions.of_embeddings(run.folder.name, made, space), space)
