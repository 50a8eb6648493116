"""``metric-face why``: diagnose what holds a run back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from metric_face.cli.options import LATEST, DataRoot, Json, Lang, NoThumbnails, RunArgument
from metric_face.cli.output_options import REPORT_FILES, check_targets, files_option
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, say


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
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Diagnose what holds a run back: the top findings here, all of them in report.html and report.json."""
    from metric_face.data import report_image_state
    from metric_face.diagnosis import diagnose, unlabeled_of, write_report
    from metric_face.pages import check_language
    from metric_face.run import Run
    from metric_face.visualization import keep_umap_compiled

    check_language(lang)  # refused before anything is computed
    opened = Run.open(run, data=root)
    check_targets(out or opened.folder, REPORT_FILES)
    report_image_state(opened, say)
    known: dict[str, Any] = {} if unlabeled is None else unlabeled_of(opened, unlabeled)
    if others:
        known["runs"] = [opened, *(Run.open(other, data=root) for other in others)]
    with steps(not as_json) as step:
        found = diagnose(opened, say=step, **known)
    if as_json:  # before the page: an answer that took minutes is not lost to a full disk
        answer_json(found.to_dict())
    else:
        for line in found.lines(lang):
            answer(line)
    for line in found.failures(lang):
        say(line)
    with steps(not as_json) as step:
        step("page")
        keep_umap_compiled()
        page = write_report(found, out or opened.folder, lang=lang, thumbnails=not no_thumbnails)
    if not as_json:
        answer(str(page))
