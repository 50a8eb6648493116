"""``metric-face visualize``: draw the map of a run."""

from metric_face.cli.options import LATEST, DataRoot, Json, Lang, NoThumbnails, RunArgument
from metric_face.cli.output_options import MAP_FILES, check_targets
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, say
from metric_face.cli.visualize_options import ColorBy, Dimensions, MapFolder, MapSeed, MapSplit, Projector


def visualize(
    run: RunArgument = LATEST,
    split: MapSplit = "val",
    out: MapFolder = None,
    seed: MapSeed = None,
    color_by: ColorBy = None,
    dimensions: Dimensions = 2,
    projector: Projector = None,
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
            dimensions=dimensions,
            projector=projector,
            thumbnails=not no_thumbnails,
            lang=lang,
            say=step,
        )
    if as_json:
        written = {"picture": str(made.picture), "page": str(made.page)}
        answer_json(written | {"projector": None if projector is None else str(projector)})
        return
    answer(str(made.picture))
    answer(str(made.page))
    if projector is not None:
        answer(f"{projector} (a log folder of TensorBoard: its tab Projector)")
