"""visualize: pictures of an embedding, as a PNG of small multiples and an offline page."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import LabelSpace, targets_of
from metric_face.embeddings import Embeddings
from metric_face.pages import (
    Column,
    JointColors,
    check_language,
    choose_view,
    joint_colors,
    page_words,
    palette,
)
from metric_face.progress import Say, silent
from metric_face.run import Run
from metric_face.search import DEPTH, graph_file, kept_graph
from metric_face.visualization.faithfulness import Faithfulness, measure_faithfulness
from metric_face.visualization.map_figures import map_figure
from metric_face.visualization.map_page import write_map
from metric_face.visualization.matrices import confusion_chart
from metric_face.visualization.mixing import with_mixing
from metric_face.visualization.saving import save_figure
from metric_face.visualization.umap_projection import Projection, project

_MOST_IN_MATRIX = 24


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
    seed: int = 0,
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
        seed: of the layout, and of the sample where there are more images than ``most``.
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
    projection = project(graph, vectors=vectors, seed=seed, say=say)
    columns = _mixed(_columns(held, run, lang), graph.ids)
    targets = targets_of(held.table, run.space)
    faithfulness = {
        name: measure_faithfulness(
            projection.coords, graph.ids, targets[name][0], vectors, identities=identities
        )
        for name in (run.space.names if run.space is not None else ())
    }
    # The picture is in English, whatever the page is: its font may know nothing else.
    view = choose_view(_mixed(_columns(held, run, "en"), graph.ids))
    figure = map_figure(projection, view, faithfulness=faithfulness, title=f"{run.folder.name}: {split}")
    picture = save_figure(figure, home / "map.png")
    say("page")
    page = write_map(
        home / "map.html",
        projection,
        columns,
        title=f"{run.folder.name}: {split}",
        images=held.table.paths,
        paths=list(held.table.frame["path"]),
        faithfulness=faithfulness,
        neighbors=graph.ids[:, :12],
        matrices=[
            confusion_chart(graph.ids, column, id=f"confusion-{place}", identities=identities, lang=lang)
            for place, column in enumerate(_confusable(columns, set(faithfulness), lang))
        ],
        thumbnails=thumbnails,
        lang=lang,
    )
    return MapFiles(picture, page, projection, faithfulness)


def _mixed(columns: list[Column], ids: Ints) -> list[Column]:
    return [with_mixing(column, ids) if column.is_class else column for column in columns]


def _confusable(columns: list[Column], attributes: set[str], lang: str) -> list[Column]:
    """The joint class where a matrix of it can be read, else each attribute that fits."""
    fitting = [column for column in columns if 1 < column.num_classes <= _MOST_IN_MATRIX]
    joint = [column for column in fitting if column.name == page_words(lang)["joint"]]
    return joint or [column for column in fitting if column.name in attributes]


def _columns(held: Embeddings, run: Run, lang: str) -> list[Column]:
    words = page_words(lang)
    named = {key: words[key] for key in ("joint", "identity")}
    made = [
        Column(
            named.get(name, name),
            codes,
            names,
            ordered=run.space is not None
            and name != "identity"
            and name != "joint"
            and run.space[name].cuts is not None,
            joint=space_colors(run.space) if run.space is not None and name == "joint" else None,
        )
        for name, (codes, names) in targets_of(held.table, run.space).items()
    ]
    if run.space is not None:
        for attribute in run.space.attributes:
            if attribute.cuts is not None:
                raw = attribute.numbers(held.table.column(attribute.name))
                made.append(Column.of(words["as_given"].format(name=attribute.name), raw))
    known = {column.name for column in made}
    identities = held.table.identities
    if identities is not None and named["identity"] not in known:
        made.append(Column.of(named["identity"], identities))
    return made


def space_colors(space: LabelSpace) -> JointColors | None:
    """Hue, shade and shape of each joint class of a label space, or None where they cannot show them."""
    split = space.split_joint(np.arange(space.num_classes))
    codes = np.stack([split[name] for name in space.names], axis=1)
    cuts = [attribute.cuts is not None for attribute in space.attributes]
    classes = [attribute.classes for attribute in space.attributes]
    return joint_colors(codes.tolist(), classes, cuts, palette.MOST_CATEGORIES)
