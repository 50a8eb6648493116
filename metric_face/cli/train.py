"""``metric-face train``: one training, or one for each fold."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli import train_options as own
from metric_face.cli.options import LATEST, Json, Overrides
from metric_face.cli.output_options import run_option
from metric_face.cli.progress import bar
from metric_face.cli.stopping import going_on
from metric_face.cli.terminal import answer, answer_json, err, say
from metric_face.visible import shell_word


def train(
    data: own.Images = None,
    config: own.Config = None,
    overrides: Overrides = None,
    out: Annotated[Path, run_option("--out", "-o", help="The run directory to write.")] = LATEST,
    resume: own.Resume = False,
    skip_broken: own.SkipBroken = False,
    folds: own.Folds = None,
    frozen: own.Frozen = False,
    quiet: own.Quiet = False,
    as_json: Json = False,
) -> None:
    """Train an embedding, or one for each fold of the identities."""
    from metric_face.folds import fold_runs
    from metric_face.training import settings_to_train

    kind = {"frozen": frozen, "skip_broken": skip_broken, "resume": resume}
    settings = settings_to_train(out, config, overrides or [], data=data, folds=folds, **kind)
    quiet |= as_json or not err.is_terminal  # a log file wants lines, not a bar
    many = folds is not None or (resume and bool(fold_runs(out)))
    say("loading PyTorch ...")
    from metric_face.training import fit, fit_folds

    with (
        going_on(out, "config.yaml", "fold-0/config.yaml", resumes=resume),
        bar("images", not quiet) as progress,
    ):
        done = (fit_folds if many else fit)(
            settings, out, resume=resume, quiet=quiet, say=say, progress=progress
        )
    runs = done if isinstance(done, list) else [done]
    facts = [{"run": str(run.folder), **run.facts} for run in runs]
    if as_json:
        answer_json({"folder": str(out), "folds": facts} if many else facts[0])
    else:
        for run in runs:
            answer(run.summary)
        if many:
            answer(f"next: metric-face fuse {shell_word(out)}")
        else:
            answer(f"next: metric-face embed {shell_word(out)} && metric-face evaluate {shell_word(out)}")
    if facts[-1]["ended"] == "interrupted":  # the exit code that a shell or a queue system expects
        processes = facts[-1].get("processes", 1)
        in_as_many = f" --set trainer.devices={processes}" if processes > 1 else ""
        say(f"go on with: metric-face train --resume --out {shell_word(out)}{in_as_many}")
        raise typer.Exit(143 if facts[-1]["signal"] == "SIGTERM" else 130)
