"""The options that only ``faces`` has."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.output_options import folder_option, text_option
from metric_face.files import ALIGNED

Out = Annotated[
    Path | None, text_option("--out", "-o", help="Write the boxes here, a CSV that every command reads.")
]
Aligned = Annotated[
    Path | None,
    folder_option(ALIGNED, "--aligned", help="Folder of crops, turned and scaled by eyes, nose and mouth."),
]
Every = Annotated[
    bool, typer.Option("--every", help="Every face, with its image's labels; default the largest.")
]
Smallest = Annotated[
    int | None,
    typer.Option(
        "--smallest", help="Pixels of the smallest face; default 20, or 1/50 of an image if that is more."
    ),
]
Threshold = Annotated[float, typer.Option("--threshold", help="Least probability of a face.")]
Margin = Annotated[
    float, typer.Option("--margin", help="What a box is widened by on each side, as a share of it.")
]
Size = Annotated[int, typer.Option("--size", help="Pixels along each side of an aligned crop.")]
