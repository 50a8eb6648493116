"""``metric-face train``: one training, or one for each fold."""

from pathlib import Path
from typing import Annotated

from metric_face.cli import train_options as own
from metric_face.cli.options import Json, Overrides
from metric_face.cli.output_options import run_option
from metric_face.cli.progress import bar
from metric_face.cli.run_folders import folder_to_train
from metric_face.cli.stopping import going_on
from metric_face.cli.terminal import err, is_quiet, say
from metric_face.cli.trained import report_trained


def train(
    data: own.Images = None,
    config: own.Config = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        run_option("--out", "-o", help="The run directory to write; default the next number in runs."),
    ] = None,
    resume: own.Resume = False,
    skip_broken: own.SkipBroken = False,
    folds: own.Folds = None,
    frozen: own.Frozen = False,
    teacher: own.Teacher = None,
    as_json: Json = False,
) -> None:
    """Train an embedding, or one for each fold of the identities."""
    from metric_face.folds import fold_runs
    from metric_face.training import settings_to_train

    quiet = is_quiet() or as_json or not err.is_terminal  # a log file wants lines, not a bar
    with folder_to_train(out, resume) as home:
        settings = settings_to_train(
            home, config, overrides or [], data=data, folds=folds, frozen=frozen, teacher=teacher,
            skip_broken=skip_broken, resume=resume,
        )  # fmt: skip
        many = folds is not None or (resume and bool(fold_runs(home)))
        if out is None:
            say(f"run directory: {home}")
        say("loading PyTorch ...")
        from metric_face.training import fit, fit_folds

        with (
            going_on(home, "config.yaml", "fold-0/config.yaml", resumes=resume),
            bar("images", not as_json) as progress,
        ):
            trained = (fit_folds if many else fit)(
                settings, home, resume=resume, quiet=quiet, say=say, progress=progress
            )
    report_trained(trained, home, as_json)
