"""``metric-face visualize``: the map of a run."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import LATEST, DataRoot, Json, Lang, NoThumbnails, RunArgument
from metric_face.cli.output_options import MAP_FILES, files_option
from metric_face.files import file_target


def visualize(
    run: RunArgument = LATEST,
    split: Annotated[str, typer.Option(help="val, train, test or all.")] = "val",
    out: Annotated[
        Path | None, files_option(MAP_FILES, "--out", "-o", help="Folder to write; default the run.")
    ] = None,
    seed: int = 0,
    root: DataRoot = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Draw the embedding: a PNG of small multiples, and one offline page with the images."""
    from metric_face.cli.terminal import answer, answer_json, say, steps
    from metric_face.data import tell
    from metric_face.pages import check_language
    from metric_face.run import Run
    from metric_face.visualization import visualize

    check_language(lang)  # refused before anything is computed
    opened = Run.open(run, data=root)
    for name in MAP_FILES:
        file_target((out or opened.folder) / name)
    say("UMAP compiles itself on its first use (about 40 s), then is fast")
    tell(opened, say, shown=not no_thumbnails)
    with steps(not as_json) as step:
        made = visualize(
            opened, split=split, folder=out, seed=seed, thumbnails=not no_thumbnails, lang=lang, say=step
        )
    if as_json:
        answer_json({"picture": str(made.picture), "page": str(made.page)})
        return
    answer(str(made.picture))
    answer(str(made.page))
