"""The options of ``visualize`` that no other command takes."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.output_options import MAP_FILES, files_option, folder_option
from metric_face.cli.run_folders import or_newest
from metric_face.files import PROJECTOR

RunOrNew = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A run directory; default the newest. With --onto the embeddings to place, as 'embed --out' wrote them.",
        show_default=False,
        callback=or_newest,
    ),
]
Onto = Annotated[
    Path | None,
    typer.Option(
        "--onto", metavar="RUN", help="Place them, ringed, on the map of this run, which stays as it is."
    ),
]
MapSplit = Annotated[str, typer.Option("--split", help="Split to draw: val, train, test or all.")]
MapFolder = Annotated[
    Path | None, files_option(MAP_FILES, "--out", "-o", help="Folder to write; default the run.")
]
MapSeed = Annotated[int | None, typer.Option(help="Of UMAP and of the sampling; default the run's.")]
ColorBy = Annotated[
    str | None,
    typer.Option(
        "--color-by",
        help="A label, joint, identity, purity, mistakes, split, density, new; of one purity:LABEL, mismatch:LABEL.",
    ),
]
Dimensions = Annotated[int, typer.Option("--dimensions", min=2, max=3, help="2, or 3 for a map that turns.")]
Projector = Annotated[
    Path | None,
    folder_option(PROJECTOR, "--projector", help="Folder to write for TensorBoard's projector."),
]
