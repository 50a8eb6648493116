"""What ``train`` answers: the run or the folds, what to do next, and the exit code of a training that was stopped."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from metric_face.cli.terminal import answer, answer_json, insist, is_quiet
from metric_face.visible import shell_word

if TYPE_CHECKING:
    from metric_face.run import Run


def report_trained(trained: "Run | list[Run]", home: Path, as_json: bool) -> None:
    """Print the answer of a training, of one run or of folds.

    Raises:
        typer.Exit: it was interrupted; the code is the one that a shell or a queue system expects.
    """
    from metric_face.training import dropped_lines

    runs = trained if isinstance(trained, list) else [trained]
    facts = [{"run": str(run.folder), **run.facts} for run in runs]
    if as_json:
        answer_json({"folder": str(home), "folds": facts} if isinstance(trained, list) else facts[0])
    else:
        for run in runs:
            answer(run.summary)
        if isinstance(trained, list):
            answer(f"next: metric-face fuse {shell_word(home)}")
        else:
            answer(f"next: metric-face embed {shell_word(home)} && metric-face evaluate {shell_word(home)}")
    for line in dropped_lines(facts[0]["dropped"], runs[0].folder)[-1:] if is_quiet() else ():
        insist(line)  # the list was said before the training
    if facts[-1]["ended"] == "interrupted":
        processes = facts[-1].get("processes", 1)
        in_as_many = f" --set trainer.devices={processes}" if processes > 1 else ""
        insist(f"go on with: metric-face train --resume --out {shell_word(home)}{in_as_many}")
        raise typer.Exit(143 if facts[-1]["signal"] == "SIGTERM" else 130)
