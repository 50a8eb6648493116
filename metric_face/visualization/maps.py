"""visualize: pictures of an embedding, as a PNG of small multiples and an offline page."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metric_face.data import targets_of
from metric_face.embeddings import Embeddings
from metric_face.pages import MapView, check_language, choose_view
from metric_face.plurals import counted
from metric_face.progress import Say, silent
from metric_face.run import Run
from metric_face.search import DEPTH, graph_file, kept_graph
from metric_face.visualization.faithfulness import Faithfulness, measure_faithfulness
from metric_face.visualization.map_columns import confusable
from metric_face.visualization.map_figures import map_figure
from metric_face.visualization.map_page import write_map
from metric_face.visualization.matrices import confusion_chart
from metric_face.visualization.mixing import MAP_DEPTH
from metric_face.visualization.projection import Projection
from metric_face.visualization.projector import write_projector
from metric_face.visualization.saving import save_figure
from metric_face.visualization.seen import Seen
from metric_face.visualization.umap_projection import project
from metric_face.visualization.ways import check_color_by, column_of_way


@dataclass(frozen=True)
class MapFiles:
    """What :func:`visualize` wrote and measured."""

    picture: Path
    page: Path
    projection: Projection
    faithfulness: dict[str, Faithfulness]


def visualize(
    run: Run | str | Path,
    embeddings: Embeddings | None = None,
    *,
    split: str = "val",
    folder: str | Path | None = None,
    seed: int | None = None,
    color_by: str | None = None,
    dimensions: int = 2,
    projector: str | Path | None = None,
    most: int = 20_000,
    thumbnails: bool = True,
    lang: str = "en",
    say: Say = silent,
) -> MapFiles:
    """Draw the embeddings of one split of a run.

    UMAP lays out the neighbor graph and never sees a label; labels only color what it laid out.

    Args:
        run: a run, or its folder.
        embeddings: of its images; default those stored in the run.
        split: ``val``, ``train``, ``test`` or ``all``.
        folder: where to write ``map.png`` and ``map.html``; default the run directory.
        seed: of the layout, and of the sample where there are more images than ``most``; default the run's own, as
            the report of ``why`` has it.
        color_by: what colors the map at first: an attribute, ``joint``, ``identity``, ``purity``, ``mistakes``,
            ``split``, ``density``, or of one attribute ``purity:age``, ``mistakes:age``, ``mismatch:age``,
            ``distortion:age``; by default labels are chosen.
        dimensions: 2, or 3 for ``map3d.png`` and a page ``map3d.html`` whose map turns.
        projector: a folder to write for TensorBoard's projector: vectors, labels and images.
        most: images to draw.
        thumbnails: put thumbnails into the page.
        lang: of the page, ``en`` or ``ko``.
        say: called with a line before each long step.

    Returns:
        The files, the layout and its faithfulness per target.

    Example:
        >>> metric_face.visualize("runs/first", split="all").page
        PosixPath('runs/first/map.html')
    """
    check_language(lang)
    run = Run.open(run) if isinstance(run, str | Path) else run
    home = Path(folder) if folder is not None else run.folder
    seed = run.config.seed if seed is None else seed
    embeddings = embeddings if embeddings is not None else run.embeddings()
    held = embeddings if split == "all" else embeddings.in_split(split)
    shown = split
    if len(held) > most:
        shown = f"{split}-{most}-{seed}"
        held = held.take(np.sort(np.random.default_rng(seed).choice(len(held), most, replace=False)))
    vectors = np.ascontiguousarray(held.vectors)
    identities = held.table.identities
    if identities is not None and len(np.unique(identities.astype(str))) < 2:
        identities = None  # there is no other identity
    # An identity's own images would crowd out everybody else: they count neither in the layout nor in a number.
    depth = min(DEPTH, len(held) - 1)
    graph = kept_graph(graph_file(run.folder, shown), vectors, depth, exclude=identities)
    near = graph.ids[:, :MAP_DEPTH]
    names = run.space.names if run.space is not None else ()
    if color_by is not None:
        check_color_by(color_by, *Seen(held, run.space, graph).columns("en"), names, "en")
    projection = project(graph, vectors=vectors, seed=seed, dimensions=dimensions, say=say)
    targets = targets_of(held.table, run.space)
    faithfulness = {
        name: measure_faithfulness(projection.coords, near, targets[name][0], vectors, identities=identities)
        for name in names
    }
    seen = Seen(held, run.space, graph)
    # The picture is in English, whatever the page is: its font may know nothing else.
    english, english_ways = seen.columns("en")
    stem = "map" if dimensions == 2 else "map3d"
    view = choose_view(english) if dimensions == 2 else MapView(choose_view(english).hue)
    if color_by is not None:
        view = MapView(column_of_way(color_by, english, english_ways, faithfulness, "en"))
    title, count = f"{run.folder.name}: {split}", len(held)
    subtitle = (
        f"{counted(count, 'images')} of the split {split}" if split != "all" else f"all {count:,} images"
    )
    figure = map_figure(projection, view, faithfulness=faithfulness, title=title, subtitle=subtitle)
    picture = save_figure(figure, home / f"{stem}.png")
    say("page")
    columns, ways = seen.columns(lang)
    first = None
    if color_by is not None:
        first = column_of_way(color_by, columns, ways, faithfulness, lang).name
    page = write_map(
        home / f"{stem}.html",
        projection,
        [*columns, *ways.values()],
        title=title,
        images=held.table.paths,
        paths=list(held.table.frame["path"]),
        faithfulness=faithfulness,
        neighbors=graph.ids[:, :12],
        matrices=[
            confusion_chart(near, column, id=f"confusion-{place}", identities=identities, lang=lang)
            for place, column in enumerate(confusable(columns, set(faithfulness), lang))
        ],
        color_by=first,
        thumbnails=thumbnails,
        lang=lang,
    )
    if projector is not None:
        say("projector")
        images = held.table.paths if thumbnails else None
        write_projector(projector, vectors, columns, paths=list(held.table.frame["path"]), images=images)
    return MapFiles(picture, page, projection, faithfulness)
