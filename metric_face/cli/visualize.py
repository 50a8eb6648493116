"""``metric-face visualize``: draw the map of a run."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import LATEST, DataRoot, Json, Lang, NoThumbnails, RunArgument
from metric_face.cli.output_options import MAP_FILES, check_targets, files_option
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, say


def visualize(
    run: RunArgument = LATEST,
    split: Annotated[str, typer.Option("--split", help="Split to draw: val, train, test or all.")] = "val",
    out: Annotated[
        Path | None, files_option(MAP_FILES, "--out", "-o", help="Folder to write; default the run.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of UMAP and of the sampling; default the run's.")] = None,
    color_by: Annotated[
        str | None,
        typer.Option(
            help="A label, joint, identity, purity, mistakes, split or density; purity:LABEL, mismatch:LABEL."
        ),
    ] = None,
    root: DataRoot = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Draw the embedding: a PNG of the map, and one offline page with the images."""
    from metric_face.data import report_image_state
    from metric_face.pages import check_language
    from metric_face.run import Run
    from metric_face.visualization import keep_umap_compiled, visualize

    check_language(lang)  # refused before anything is computed
    opened = Run.open(run, data=root)
    check_targets(out or opened.folder, MAP_FILES)
    say("loading UMAP (the first time on a machine it compiles for a minute)")
    keep_umap_compiled()
    report_image_state(opened, say, shown=not no_thumbnails)
    with steps(not as_json) as step:
        made = visualize(
            opened,
            split=split,
            folder=out,
            seed=seed,
            color_by=color_by,
            thumbnails=not no_thumbnails,
            lang=lang,
            say=step,
        )
    if as_json:
        answer_json({"picture": str(made.picture), "page": str(made.page)})
        return
    answer(str(made.picture))
    answer(str(made.page))
