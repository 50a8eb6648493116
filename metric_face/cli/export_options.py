"""The options that only ``export`` has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from metric_face.cli.output_options import files_option

MODEL_FILES = {
    "model.onnx": b"pytorch",
    "model.int8.onnx": b"onnx.quantize",
    "model.int8.json": b'"calibration_images"',
}
"""What ``export`` writes, and what the beginning of each says of its maker."""

Format = Annotated[Literal["onnx"], typer.Option("--to", help="The format.")]
Light = Annotated[
    bool, typer.Option("--int8", help="A light model of eight bits too, with what it loses and gains.")
]
Out = Annotated[
    Path | None, files_option(MODEL_FILES, "--out", "-o", help="Folder to write; default the run.")
]
Calibration = Annotated[
    int, typer.Option("--calibration", min=1, help="Training images that --int8 is calibrated on.")
]
Tolerance = Annotated[
    float,
    typer.Option(
        "--tolerance",
        min=0,
        max=1,
        help="What knn may lose at the interval's lower end with the light model.",
    ),
]
