"""visualize: pictures of an embedding, as a PNG of small multiples and an offline page."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from metric_face.data import targets_of
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
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
from metric_face.visualization.new_images import NewImages, open_new, padded
from metric_face.visualization.projection import Projection
from metric_face.visualization.projector import write_projector
from metric_face.visualization.saving import save_figure
from metric_face.visualization.seen import Seen
from metric_face.visualization.umap_projection import project
from metric_face.visualization.ways import check_color_by, column_of_way


@dataclass(frozen=True)
class MapFiles:
    """What :func:`visualize` wrote and measured.

    Attributes:
        picture: the PNG.
        page: the HTML.
        projection: of the images of the map, and then the new ones.
        faithfulness: by target, of the images of the map.
        new: the images that were placed on it, and which of them are far from all of it; None where there are none.
    """

    picture: Path
    page: Path
    projection: Projection
    faithfulness: dict[str, Faithfulness]
    new: NewImages | None = None


def visualize(
    run: Run | Embeddings | str | Path,
    embeddings: Embeddings | None = None,
    *,
    onto: Run | str | Path | None = None,
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
        run: a run, or its folder. With ``onto``, what is new: embeddings, or a folder of them as ``embed`` writes.
        embeddings: of the images of the map; default those stored in the run.
        onto: a run, or its folder, on whose map new images are placed, ringed, while it stays as it is; written as
            ``map-new.png`` and ``map-new.html``. None draws the map alone.
        split: ``val``, ``train``, ``test`` or ``all``.
        folder: where to write ``map.png`` and ``map.html``; default the run directory.
        seed: of the layout, and of the sample where there are more images than ``most``; default the run's own, as
            the report of ``why`` has it.
        color_by: what colors the map at first: an attribute, ``joint``, ``identity``, ``purity``, ``mistakes``,
            ``split``, ``density``, ``new``, or of one attribute ``purity:age``, ``mistakes:age``, ``mismatch:age``,
            ``distortion:age``; by default labels are chosen.
        dimensions: 2, or 3 for ``map3d.png`` and a page ``map3d.html`` whose map turns.
        projector: a folder to write for TensorBoard's projector: vectors, labels and images.
        most: images to draw.
        thumbnails: put thumbnails into the page.
        lang: of the page, ``en`` or ``ko``.
        say: called with a line before each long step.

    Returns:
        The files, the layout and its faithfulness per target.

    Raises:
        ArgumentError: embeddings without ``onto``, ``onto`` its own images, or a split or ``color_by`` there is not.
        ModelMismatchError: the new embeddings are of another model than those of the map.

    Example:
        >>> metric_face.visualize("runs/first", split="all").page
        PosixPath('runs/first/map.html')
    """
    check_language(lang)
    given = run
    if onto is not None:
        run = onto
    elif isinstance(run, Embeddings):
        raise ArgumentError(
            "run: Embeddings need onto=RUN, the run on whose map they are placed; plot_map draws a map of their own"
        )
    run = Run.open(run) if isinstance(run, str | Path) else run
    home = Path(folder) if folder is not None else run.folder
    seed = run.config.seed if seed is None else seed
    embeddings = embeddings if embeddings is not None else run.embeddings()
    arrived = None if onto is None else open_new(given, run, embeddings.fingerprint)
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
    seen = Seen(held, run.space, graph)
    if color_by is not None:
        labels, known = seen.own_columns("en")
        check_color_by(color_by, labels, [*known, *([] if onto is None else ["new"])], names, "en")
    projection = project(graph, vectors=vectors, seed=seed, dimensions=dimensions, say=say)
    targets = targets_of(held.table, run.space)
    faithfulness = {
        name: measure_faithfulness(projection.coords, near, targets[name][0], vectors, identities=identities)
        for name in names
    }
    new = None
    if arrived is not None:
        new = NewImages.place(arrived, projection, graph)
        say(f"placed {counted(len(arrived), 'new images')}; far from all of the map: {new.far.sum():,}")
        projection = new.projection
        seen = replace(seen, new=new)
    # The picture is in English, whatever the page is: its font may know nothing else.
    english, english_ways = seen.columns("en")
    stem = ("map" if dimensions == 2 else "map3d") + ("" if new is None else "-new")
    view = choose_view(english)
    if dimensions == 3 or new is not None:
        view = MapView(view.hue)
    if color_by is not None:
        hue = column_of_way(color_by, english, english_ways, faithfulness, "en")
        view = MapView(padded(hue, projection.n - len(hue.values)))  # what was measured is of the map alone
    title, count = f"{run.folder.name}: {split}", len(held)
    subtitle = (
        f"{counted(count, 'images')} of the split {split}" if split != "all" else f"all {count:,} images"
    )
    if new is not None:
        subtitle += f", and {counted(len(new.held), 'new images')}, ringed"
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
        images=seen.files,
        paths=seen.names,
        faithfulness=faithfulness,
        neighbors=seen.neighbors(12),
        evidence=range(count, projection.n),
        matrices=[
            confusion_chart(near, column, id=f"confusion-{place}", identities=identities, lang=lang)
            for place, column in enumerate(confusable(seen.own_columns(lang)[0], set(faithfulness), lang))
        ],
        color_by=first,
        thumbnails=thumbnails,
        lang=lang,
    )
    if projector is not None:
        say("projector")
        all_vectors = vectors if new is None else np.concatenate([vectors, new.held.vectors])
        columns = columns if new is None else [*columns, ways["new"]]
        images = seen.files if thumbnails else None
        write_projector(projector, all_vectors, columns, paths=seen.names, images=images)
    return MapFiles(picture, page, projection, faithfulness, new)
