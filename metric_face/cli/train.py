"""``metric-face train``: one training, or one for each fold."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from metric_face.cli.options import LATEST, Json
from metric_face.cli.output_options import run_option
from metric_face.cli.stopping import going_on
from metric_face.visible import shell_word


def train(
    data: Annotated[
        Path | None, typer.Argument(help="Folder, CSV or Parquet file of images; or data.path.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            help="A recipe (small, standard, competition) or a YAML file; default small, or the resumed run's own.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="section.key=value; may be repeated.")
    ] = None,
    out: Annotated[Path, run_option("--out", "-o", help="The run directory to write.")] = LATEST,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on exactly where the run in --out stopped.")
    ] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Drop and list broken images.")] = False,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="Train this many folds into OUT/fold-0, OUT/fold-1, ...; 'fuse OUT' joins them."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    as_json: Json = False,
) -> None:
    """Train an embedding, or one for each fold of the identities."""
    from metric_face.cli.terminal import answer, answer_json, bar, say
    from metric_face.config import load_config
    from metric_face.folds import fold_runs

    given = list(overrides or [])
    if folds is not None:
        given.append(f"data.split.folds={folds}")
    if skip_broken:
        given.append("data.skip_broken=true")
    # A resumed run keeps its own number of epochs unless one is given, and not that of a recipe that was not named.
    own = out / "config.yaml"
    if not own.is_file():
        own = out / "fold-0" / "config.yaml"
    start = config or (own if resume and own.is_file() else "small")
    resolved = load_config(start, given, {} if data is None else {"data.path": data})
    quiet = quiet or as_json or not sys.stderr.isatty()  # a log file wants lines, not a bar
    say("loading PyTorch ...")
    from metric_face.training import fit

    with (
        going_on(out, "config.yaml", "fold-0/config.yaml", resumes=resume),
        bar("checking images", not quiet) as progress,
    ):
        if folds is not None or (resume and fold_runs(out)):
            _train_folds(resolved, out, resume, progress, quiet, as_json)
            return
        run = fit(resolved, out, resume=resume, quiet=quiet, say=say, progress=progress)
    facts = run.facts
    if as_json:
        answer_json({"run": str(run.folder), **facts})
    else:
        answer(
            f"{facts['ended']}: best {facts['monitor']} {facts['best']:.3f} in epoch {facts['best_epoch'] + 1} of "
            f"{facts['epochs']}, {facts['seconds']:.0f} s; best weights in {run.folder}"
        )
        answer(
            f"next: metric-face embed {shell_word(run.folder)} && metric-face evaluate {shell_word(run.folder)}"
        )
    _say_how_to_go_on(facts, out)


def _train_folds(config: Any, out: Path, resume: bool, progress: Any, quiet: bool, as_json: bool) -> None:
    from metric_face.cli.terminal import answer, answer_json, say
    from metric_face.training import fit_folds

    runs = fit_folds(config, out, resume=resume, quiet=quiet, say=say, progress=progress)
    if as_json:
        answer_json([{"run": str(run.folder), **run.facts} for run in runs])
    else:
        for run in runs:
            facts = run.facts
            answer(
                f"{run.folder}: {facts['ended']}, best {facts['monitor']} {facts['best']:.3f}, {facts['seconds']:.0f} s"
            )
        answer(f"next: metric-face fuse {shell_word(out)}")
    _say_how_to_go_on(runs[-1].facts, out)


def _say_how_to_go_on(facts: dict[str, Any], out: Path) -> None:
    """After Ctrl-C or SIGTERM, the line and the exit code that a shell or a queue system expects."""
    from metric_face.cli.terminal import say

    if facts["ended"] == "interrupted":
        say(f"go on with: metric-face train --resume --out {shell_word(out)}")
        raise typer.Exit(143 if facts["signal"] == "SIGTERM" else 130)
