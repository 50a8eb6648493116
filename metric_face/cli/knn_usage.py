"""Which options of ``knn`` go together, and which model answers."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from metric_face.cli.terminal import say

if TYPE_CHECKING:
    from metric_face.inference import Predictor


def check_usage(images: list[str] | None, watch: Path | None, lang: str, *files: Path | None) -> None:
    """Refuse images beside a watched folder, none of both, files to write where there is no end, another language."""
    from metric_face.pages import check_language

    check_language(lang)
    if bool(images) == (watch is not None):
        raise typer.BadParameter("give images, or - for a list on standard input, or --watch FOLDER")
    if watch is not None and any(files):
        raise typer.BadParameter("--csv, --explain and --template need a list that ends; leave out --watch")


def say_model(predictor: "Predictor", identity: str | None) -> None:
    """State which model answers, where the run has two, and whose images do not count."""
    if predictor.model_reason:
        say(f"model: {predictor.model} ({predictor.model_reason})")
    say(predictor.exclusion(identity))
