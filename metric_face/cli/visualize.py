"""``metric-face visualize``: draw the map of a run."""

from typing import Any

from metric_face.cli import visualize_options as own
from metric_face.cli.options import LATEST, DataRoot, Json, Lang, NoThumbnails
from metric_face.cli.output_options import MAP_FILES, check_targets
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, say


def visualize(
    run: own.RunOrNew = LATEST,
    onto: own.Onto = None,
    split: own.MapSplit = "val",
    out: own.MapFolder = None,
    seed: own.MapSeed = None,
    color_by: own.ColorBy = None,
    dimensions: own.Dimensions = 2,
    projector: own.Projector = None,
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
    opened = Run.open(onto or run, data=root)
    check_targets(out or opened.folder, MAP_FILES)
    say("loading UMAP (the first time on a machine it compiles for a minute)")
    keep_umap_compiled()
    report_image_state(opened, say, shown=not no_thumbnails)
    with steps(not as_json) as step:
        made = visualize(
            opened if onto is None else run,
            onto=None if onto is None else opened,
            split=split,
            folder=out,
            seed=seed,
            color_by=color_by,
            dimensions=dimensions,
            projector=projector,
            thumbnails=not no_thumbnails,
            lang=lang,
            say=step,
        )
    if as_json:
        written: dict[str, Any] = {"picture": str(made.picture), "page": str(made.page)}
        written["projector"] = None if projector is None else str(projector)
        answer_json(written if made.new is None else {**written, "new": made.new.to_dict()})
        return
    answer(str(made.picture))
    answer(str(made.page))
    if projector is not None:
        answer(f"{projector} (a log folder of TensorBoard: its tab Projector)")
