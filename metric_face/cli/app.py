"""The command ``metric-face``: one function per command, which parses, calls the library and prints.

Exit codes: 0 done, 1 the input or the data is wrong (one line, no traceback), 2 wrong usage, 130 interrupted,
143 stopped by SIGTERM.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from metric_face.cli.failures import line_of, trace_of
from metric_face.cli.output_options import (
    MAP_FILES,
    REPORT_FILES,
    check_apart,
    demo_option,
    files_option,
    folder_option,
    run_option,
    text_option,
)
from metric_face.errors import ArgumentError
from metric_face.files import EMBEDDINGS, INDEX, file_target, folder_target, write_text
from metric_face.visible import shell_word, tolerant_streams

app = typer.Typer(
    name="metric-face",
    help="Train an image embedding, search it, and see why it is not better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunArgument = Annotated[Path, typer.Argument(help="The run directory that 'train' wrote.", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Split = Annotated[str, typer.Option("--split", help="Split of the images: val, test, train.")]
DataRoot = Annotated[
    Path | None, typer.Option("--data", help="Where the run's images are now, if they were moved.")
]
LATEST = Path("runs/latest")


def main() -> None:
    """Run the command; whatever goes wrong is one line."""
    tolerant_streams()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # several lines an image; what matters is our error
    try:
        try:
            app()
        except SystemExit:
            sys.stdout.flush()  # here, where a full disk can still be told
            raise
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as in `metric-face knn ... | head`
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        sys.stderr.write(f"{trace_of(error)}error: {line_of(error)}\n")
        _forget_output()
        sys.exit(1)


def _forget_output() -> None:
    """What standard output did not take is not tried again when Python ends, which would say a second error."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def demo(
    out: Annotated[Path, demo_option("--out", help="Folder for all that the demo makes.")] = Path("demo"),
    identities: Annotated[int, typer.Option(help="Identities to draw, 7 images each.")] = 200,
    as_json: Json = False,
) -> None:
    """Draw synthetic faces, train on them, and show every command at work (under 4 minutes on 2 cores)."""
    from metric_face.cli.terminal import answer, answer_json, answer_table, say, show_answer, with_interval
    from metric_face.demo import run_demo

    result = run_demo(out, identities=identities, say=say, show=lambda one: show_answer(one, shown=3))
    if as_json:
        answer_json(result.to_dict())
        return
    rows = [(predictor, with_interval(score)) for predictor, score in result.rows()]
    answer_table(("predictor", "macro F1 of 18 classes [95 %]"), rows)
    for line in result.closing():
        answer(line)


@app.command()
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
    from metric_face.cli.terminal import answer, answer_json, bar, counter, say
    from metric_face.config import load_config
    from metric_face.folds import fold_runs

    given = list(overrides or [])
    if folds is not None:
        given.append(f"data.split.folds={folds}")
    if skip_broken:
        given.append("data.skip_broken=true")
    # A resumed run keeps its own number of epochs unless one is given, and not that of a recipe nobody named.
    own = out / "config.yaml"
    if not own.is_file():
        own = out / "fold-0" / "config.yaml"
    start = config or (own if resume and own.is_file() else "small")
    resolved = load_config(start, given, {} if data is None else {"data.path": data})
    from metric_face.data import prepare_data

    with bar("checking images", not quiet) as progress:
        prepared = None if resume else prepare_data(resolved.data, progress=counter(progress))
    say("loading PyTorch ...")
    from metric_face.training import fit

    quiet = quiet or as_json or not sys.stderr.isatty()  # a log file wants lines, not a bar
    if folds is not None or (resume and fold_runs(out)):
        _train_folds(resolved, out, resume, prepared, quiet, as_json)
        return
    run = fit(resolved, out, resume=resume, data=prepared, quiet=quiet, say=say)
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


def _train_folds(config: Any, out: Path, resume: bool, prepared: Any, quiet: bool, as_json: bool) -> None:
    from metric_face.cli.terminal import answer, answer_json, say
    from metric_face.training import fit_folds

    runs = fit_folds(config, out, resume=resume, data=prepared, quiet=quiet, say=say)
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


@app.command()
def embed(
    run: RunArgument = LATEST,
    data: Annotated[Path | None, typer.Argument(help="Other images; default those of the run.")] = None,
    out: Annotated[
        Path | None, folder_option(EMBEDDINGS, "--out", "-o", help="Folder to write; default RUN/embeddings.")
    ] = None,
    root: DataRoot = None,
    csv: Annotated[
        Path | None, text_option("--csv", help="Write the classifiers' probabilities, which 'fuse' reads.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    as_json: Json = False,
) -> None:
    """Compute the vectors of all images; an interrupted call goes on where it was."""
    import time

    from metric_face.cli.terminal import answer, answer_json, bar, say
    from metric_face.run import Run

    opened = Run.open(run, data=root)
    if data is not None and out is None:
        raise ArgumentError(
            f"--out: name a folder for the vectors of {data}; RUN/embeddings holds those of the run"
        )
    if data is not None and out is not None and os.path.realpath(out) == os.path.realpath(run / "embeddings"):
        raise ArgumentError(f"--out: {out} holds the vectors of the run's own images; name another folder")
    if csv is not None and opened.space is None:
        raise ArgumentError("--csv: the run has no classifiers; it was trained on identities alone")
    check_apart({"--csv": csv}, [] if data is None else [data])
    folder_target(out or opened.folder / "embeddings", EMBEDDINGS)
    from metric_face.data import Unseen

    asked = Unseen(opened.table) if data is None else Unseen.read(data)
    for line in asked.table.notes:
        say(line)
    if data is None:
        from metric_face.data import refuse_missing

        refuse_missing(opened.table)
    say("loading PyTorch ...")
    from metric_face.extraction import extract

    started = time.monotonic()
    with bar("embedding", not as_json) as progress:

        def work(table: Any) -> Any:
            return extract(
                opened,
                table,
                folder=out or opened.folder / "embeddings",
                batch_size=batch_size,
                precision=precision,
                progress=progress,
            )

        # Of the run's own images none may be missing: every other command goes by its table.
        made, asked = (work(asked.table), asked) if data is None else asked.look(work)
    seconds = time.monotonic() - started
    if csv is not None and opened.space is not None:
        from metric_face.embeddings import Predictions, write_predictions

        write_predictions(
            csv, Predictions.of_embeddings(opened.folder.name, made, opened.space), opened.space
        )
    facts = {
        "folder": str(out or opened.folder / "embeddings"),
        "images": len(made),
        "dimensions": made.vectors.shape[1],
        "images_per_second": round(len(made) / seconds, 1),
    }
    if as_json:
        answer_json(facts)
    else:
        answer(
            f"{len(made):,} images x {facts['dimensions']} in {seconds:.0f} s "
            f"({facts['images_per_second']} images/s); {facts['folder']}"
        )
    for note in asked.notes:
        say(note)
    if asked.failed:
        raise typer.Exit(1)


@app.command()
def index(
    run: RunArgument = LATEST,
    split: Annotated[str, typer.Option(help="Split to search in; 'all' takes every image.")] = "train",
    kind: Annotated[str, typer.Option(help="auto, flat, ivf, hnsw or ivfpq.")] = "auto",
    memory: Annotated[float | None, typer.Option(help="GiB that the index may take.")] = None,
    recall: Annotated[float, typer.Option(help="Recall@10 that an approximate index is tuned for.")] = 0.98,
    reject: Annotated[
        str | None,
        typer.Option(help="Answer 'unknown' below a threshold: 'f1', or a false-accept rate such as 0.05."),
    ] = None,
    out: Annotated[
        Path | None, folder_option(INDEX, "--out", "-o", help="Folder to write; default RUN/index.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the index that 'knn' asks, and choose how neighbors vote, on validation."""
    from metric_face.cli.terminal import answer, answer_json, say
    from metric_face.data import tell
    from metric_face.inference import index_run
    from metric_face.run import Run

    opened = Run.open(run)
    folder_target(out or opened.folder / "index", INDEX)
    tell(opened, say, shown=False)
    budget = None if memory is None else int(memory * 2**30)
    built = index_run(
        opened, split=split, reject=_rate(reject), kind=kind, memory_budget=budget, recall=recall
    )
    folder = built.save(out or opened.folder / "index")
    if as_json:
        answer_json({"folder": str(folder), "vectors": len(built), "kind": built.kind, **built.metadata})
        return
    answer(f"{len(built):,} vectors x {built.dimensions}, {built.kind}; {folder}")
    for name, vote in built.metadata["targets"].items():
        if vote["val_macro_f1"] is not None:
            calibration = vote["calibration"]
            error = (
                "uncalibrated"
                if calibration is None
                else f"calibration error {calibration['error_before']:.3f} -> {calibration['error_after']:.3f}"
            )
            answer(
                f"  {name}: k={vote['k']} {vote['votes']}, validation macro F1 {vote['val_macro_f1']:.3f}; {error}"
                + (
                    f"; unknown below certainty {vote['threshold']:.4f} ({vote['rejects']})"
                    if vote["rejects"]
                    else ""
                )
            )
    for note in built.metadata["notes"]:
        say(note)


@app.command()
def knn(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="Images, folders of images, a CSV of ImageIDs, or - for a list on standard input."
        ),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option("--watch", help="Answer each image that appears in this folder, until Ctrl-C."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Neighbors that vote; default chosen on validation.")
    ] = None,
    votes: Annotated[
        Literal["uniform", "distance", "softmax", "prior-corrected"] | None,
        typer.Option(help="uniform, distance, softmax or prior-corrected."),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(help="Who is on the images: images of this identity in the index do not count."),
    ] = None,
    shown: Annotated[int, typer.Option("--show", min=1, help="Neighbors to print.")] = 3,
    index_folder: Annotated[
        Path | None, typer.Option("--index", help="The index; default RUN/index.")
    ] = None,
    csv: Annotated[
        Path | None, text_option("--csv", help="Write a submission: ImageID,ans with the joint class.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="A CSV of ImageIDs: each gets a row of --csv, in its order."),
    ] = None,
    explain: Annotated[
        Path | None,
        text_option("--explain", help="Write a page (HTML): each image, its votes, its neighbors."),
    ] = None,
    root: DataRoot = None,
    no_faces: Annotated[bool, typer.Option("--no-faces", help="Leave every image out of the page.")] = False,
    as_json: Json = False,
) -> None:
    """Ask the index about photographs: class per attribute, probability, nearest images."""
    from metric_face.cli.terminal import (
        answer_json,
        bar,
        counter,
        say,
        show_answer,
        show_failure,
        standard_input,
        who_counts,
    )
    from metric_face.inference import Answer, Asked, Asker, ask_lines, asked_for, fill, watch_folder

    if bool(images) == (watch is not None):
        raise typer.BadParameter("give images, or - for a list on standard input, or --watch FOLDER")
    if watch is not None and (csv or explain or template):
        raise typer.BadParameter("--csv, --explain and --template need a list that ends; leave out --watch")
    warm = watch is not None or images == ["-"]  # one process answers whatever comes, image by image
    asked = Asked([]) if warm else asked_for(images or [], template, submitted=csv is not None)
    if warm and template is not None:
        from metric_face.data import Template

        asked = Asked([], Template.read(template))
    check_apart(
        {"--csv": csv, "--explain": explain}, [*asked.files, *([] if template is None else [template])]
    )
    asker = Asker(run, index_folder, few=not warm and len(asked.files) < 5, data=root)
    nearest = shown if explain is None else max(shown, 12)

    def ask(paths: list[str], **progress: Any) -> list[Answer]:
        others = None if identity is None else [identity] * len(paths)
        return asker.ask(paths, k=k, votes=votes, shown=nearest, exclude=others, **progress)

    def ask_one(path: str) -> Answer:
        return ask([path])[0]

    if not as_json:
        say(who_counts(asker, identity))
    answers, failed = [], 0
    if warm:
        come = ask_lines(standard_input(), ask_one) if watch is None else watch_folder(watch, ask_one)
        if watch is not None:
            say(f"watching {watch}; Ctrl-C ends it")
        try:
            for name, said in come:
                if isinstance(said, Answer):
                    show_answer(said, as_json, shown)
                    answers += [said] if csv or explain else []
                else:
                    show_failure(name, said, as_json)
                    failed += 1
        except KeyboardInterrupt:
            if watch is None:
                raise
    else:
        broken: dict[str, Any] = {}
        with bar("reading images", not as_json) as progress:
            answers = ask(asked.files, broken=broken, progress=counter(progress))
        broken |= asked.failed
        failed = len(broken)
        if as_json and csv is None:
            listed = [one.showing(shown).to_dict() for one in answers]
            answer_json(listed + [{"path": name, "error": str(error)} for name, error in broken.items()])
        elif csv is None:
            for one in answers:
                show_answer(one, shown=shown)
        for name, error in broken.items():
            show_failure(name, error)
    if failed and not answers and (csv or explain):
        say(f"{csv or explain}: not written, as no image could be used")
        raise typer.Exit(1)
    if csv is not None:
        text, lines, complete = fill(answers, asker, asked.template)
        write_text(csv, text)
        say(f"{len(answers):,} answers in {csv}" + (f"; {failed} could not be used" if failed else ""))
        for line in lines:
            say(line)
        failed += not complete
    if explain is not None:
        from metric_face.inference import write_answers

        say(str(write_answers(answers, asker, explain, faces=not no_faces)))
    if failed:
        raise typer.Exit(1)


@app.command()
def probe(
    run: RunArgument = LATEST,
    split: Split = "val",
    as_json: Json = False,
) -> None:
    """Fit a linear probe on the training embeddings: F1 per class on another split."""
    from metric_face.cli.terminal import answer, answer_json, answer_table, say, steps, with_interval
    from metric_face.data import tell
    from metric_face.evaluation import probe_run
    from metric_face.run import Run

    opened = Run.open(run)
    tell(opened, say, shown=False)
    with steps(not as_json) as step:
        scores = probe_run(opened, split=split, progress=step)
    if as_json:
        from dataclasses import asdict

        answer_json([asdict(score) for score in scores])
        return
    for score in scores:
        answer(f"{score.target}: macro F1 {with_interval(score.macro_f1)}  ({score.note})")
        answer_table(("  class", "F1"), [(f"  {name}", f"{value:.3f}") for name, value in score.f1.items()])


@app.command()
def evaluate(run: RunArgument = LATEST, split: Split = "val", as_json: Json = False) -> None:
    """Macro F1 of head, kNN and probe, recall@1/5, R-precision and MAP@R, with intervals over identities."""
    from metric_face.cli.terminal import answer, answer_json, answer_table, say, steps, with_interval
    from metric_face.data import tell
    from metric_face.evaluation import evaluate as judge
    from metric_face.run import Run

    opened = Run.open(run)
    tell(opened, say, shown=False)
    with steps(not as_json) as step:
        found = judge(opened, split=split, progress=step)
    if as_json:
        answer_json(found.to_dict())
        return
    answer(
        f"{found.split}: {found.images:,} images of {found.identities:,} identities; 95 % intervals over identities"
    )
    if found.scores:
        rows = [(s.predictor, s.target, with_interval(s.macro_f1), s.note) for s in found.scores]
        answer_table(("predictor", "target", "macro F1", ""), rows)
    if found.met_own:
        answer(
            f"kNN and probe meet the own identity of {found.met_own:,} images in the training split: not left out."
        )
    elif found.met_own == 0:
        answer("kNN and probe: nobody is in both splits, so no image meets its own identity.")
    if found.after_training:
        gains = [(r.kind, r.target, with_interval(r.gain)) for r in found.after_training]
        answer_table(("heads read with", "target", "gain on identities not chosen on"), gains)
    nearest = [
        (
            r.label,
            with_interval(r.recall_at_1),
            f"{r.recall_at_5:.3f}",
            f"{r.r_precision:.3f}",
            f"{r.map_at_r:.3f}",
            f"{r.queries:,}",
        )
        for r in found.retrieval
    ]
    answer_table(("retrieval by", "recall@1", "recall@5", "R-prec.", "MAP@R", "queries"), nearest)
    excluded = [r.label for r in found.retrieval if r.same_identity_excluded]
    if excluded:
        answer(f"Images of the query's own identity are left out of its neighbors for {', '.join(excluded)}.")
    elif found.retrieval:
        answer("No query's own identity is left out of its neighbors.")
    for note in found.notes:
        say(note)


@app.command()
def visualize(
    run: RunArgument = LATEST,
    split: Annotated[str, typer.Option(help="val, train, test or all.")] = "val",
    out: Annotated[
        Path | None, files_option(MAP_FILES, "--out", "-o", help="Folder to write; default the run.")
    ] = None,
    seed: int = 0,
    root: DataRoot = None,
    no_faces: Annotated[bool, typer.Option("--no-faces", help="Leave every image out of the page.")] = False,
    as_json: Json = False,
) -> None:
    """Draw the embedding: a PNG of small multiples, and one offline page with the images."""
    from metric_face.cli.terminal import answer, answer_json, say, steps
    from metric_face.data import tell
    from metric_face.run import Run
    from metric_face.visualization import map_run

    opened = Run.open(run, data=root)
    for name in MAP_FILES:
        file_target((out or opened.folder) / name)
    say("UMAP compiles itself on its first use (about 40 s), then is fast")
    tell(opened, say, shown=not no_faces)
    with steps(not as_json) as step:
        made = map_run(opened, split=split, folder=out, seed=seed, faces=not no_faces, progress=step)
    if as_json:
        answer_json({"picture": str(made.picture), "page": str(made.page)})
        return
    answer(str(made.picture))
    answer(str(made.page))


@app.command()
def audit(
    source: Annotated[Path, typer.Argument(help="Images (folder, CSV, Parquet) or a configuration (YAML).")],
    out: Annotated[Path | None, text_option("--out", "-o", help="Write the page here.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="section.key=value of the configuration.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            "--fixed", help="Attribute in which an identity's images cannot differ, such as gender."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check data, split and sampler in one dry pass, without a model; exit code 1 where a training would refuse."""
    from metric_face.auditing import audit_source, write_page
    from metric_face.cli.terminal import answer, answer_json, bar, counter

    check_apart({"--out": out}, [source])
    with bar("reading images", not as_json) as progress:
        report = audit_source(source, overrides or [], fixed=fixed or [], progress=counter(progress))
    page = None if out is None else write_page(report, out)
    if as_json:
        answer_json({**report.to_dict(), "page": None if page is None else str(page)})
    else:
        answer(
            f"{report.images:,} images, {report.identities or 'no'} identities; {report.splits or 'not split'}"
        )
        for line in report.notes:
            answer(line)
        for finding in report.findings:
            answer(f"[{finding.severity}] {finding.sentence} {finding.remedy}".rstrip())
        if page is not None:
            answer(str(page))
    raise typer.Exit(1 if report.refusal else 0)


@app.command()
def why(
    run: RunArgument = LATEST,
    out: Annotated[
        Path | None, files_option(REPORT_FILES, "--out", "-o", help="Folder to write; default the run.")
    ] = None,
    others: Annotated[
        list[Path] | None, typer.Option("--beside", help="Another run on the same images, to compare with.")
    ] = None,
    unlabeled: Annotated[
        Path | None,
        typer.Option("--unlabeled", help="Embeddings of images without labels, such as the test set."),
    ] = None,
    root: DataRoot = None,
    no_faces: Annotated[bool, typer.Option("--no-faces", help="Leave every image out of the page.")] = False,
    lang: Annotated[str, typer.Option(help="en or ko.")] = "en",
    as_json: Json = False,
) -> None:
    """Say what holds a run back: report.html, report.json, and the top findings here."""
    from metric_face.cli.terminal import answer, answer_json, say, steps
    from metric_face.data import tell
    from metric_face.diagnosis import diagnose, unlabeled_of, words, write_report
    from metric_face.run import Run

    words(lang)  # refused before anything is computed
    opened = Run.open(run, data=root)
    for name in REPORT_FILES:
        file_target((out or opened.folder) / name)
    tell(opened, say)
    known: dict[str, Any] = {}
    if others:
        known["runs"] = [opened, *(Run.open(other, data=root) for other in others)]
    if unlabeled is not None:
        known |= unlabeled_of(opened, unlabeled)
    with steps(not as_json) as step:
        found = diagnose(opened, progress=lambda name, number, of: step(f"{number + 1}/{of} {name}"), **known)
    # Before the page: an answer that took minutes is not lost to a disk that is full.
    if as_json:
        answer_json(found.to_dict(lang))
    else:
        for line in found.lines(lang):
            answer(line)
    for line in found.failures(lang):
        say(line)
    with steps(not as_json) as step:
        step("page")
        page = write_report(found, out or opened.folder, lang=lang, faces=not no_faces)
    if not as_json:
        answer(str(page))


@app.command()
def fuse(
    sources: Annotated[
        list[Path],
        typer.Argument(help="CSV of 'embed --csv', run directories, and folders that 'train --folds' wrote."),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", help="The run whose validation split chooses; default the first among the sources."
        ),
    ] = None,
    out: Annotated[Path | None, text_option("--out", "-o", help="Write the submission here.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            help="Images to submit, or a CSV of their ImageIDs, for runs and folds to predict; files hold theirs.",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="A CSV of ImageIDs: each gets a row of --out, in its order."),
    ] = None,
    insist: Annotated[
        bool,
        typer.Option("--insist", help="Write the fusion even where it measures worse than the best alone."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge folds and runs on images they held out, and fuse them attribute by attribute."""
    from metric_face.cli.terminal import answer, answer_json, answer_table, say, steps, with_interval
    from metric_face.ensemble import fuse_sources

    check_apart({"--out": out}, [*sources, *(one for one in (images, template) if one is not None)])
    with steps(not as_json) as step:
        fused = fuse_sources(
            sources, truth, out=out, images=images, template=template, insist=insist, progress=step
        )
    if as_json:
        answer_json({**vars(fused), "out": None if out is None else str(out)})
        raise typer.Exit(0 if fused.complete else 1)
    for one in fused.estimates:
        folds = "" if one.folds is None else f", {one.folds[0]} of {one.folds[1]} folds"
        answer(f"{one.name}{folds}: {one.images:,} images of {one.identities:,} identities, none trained on")
        answer_table(
            ("  target", "macro F1"),
            [(f"  {name}", with_interval(value)) for name, value in one.macro_f1.items()],
        )
    if len(fused.estimates) > 1:
        for member in fused.plan.members:
            answer(f"{member.attribute}: {' + '.join(member.runs)}, macro F1 {member.macro_f1:.3f}")
    if fused.plan.gain is not None:
        gain = with_interval(fused.plan.gain)
        answer(
            f"gain over {fused.plan.base} ({fused.plan.base_macro_f1:.3f}): {gain}, on identities unseen by the choice"
        )
    for note in fused.notes:
        say(note)
    if out is not None:
        answer(f"{fused.written:,} images in {out}")
    if not fused.complete:
        raise typer.Exit(1)


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one, resolved.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of a configuration.")
    ] = False,
) -> None:
    """List the recipes, print one, or print the schema for an editor."""
    from metric_face.cli.terminal import answer, answer_json
    from metric_face.config import dump_config, json_schema, load_config
    from metric_face.config import recipes as known

    if schema:
        answer_json(json_schema())
    elif name is not None:
        for line in dump_config(load_config(name)).rstrip().split("\n"):
            answer(line)
    else:
        for recipe, meaning in known().items():
            answer(f"{recipe:12} {meaning}")


def _rate(text: str | None) -> float | str | None:
    """``--reject``: a rate where it is a number."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
