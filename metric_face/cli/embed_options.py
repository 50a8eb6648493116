"""The options that only ``embed`` has, and which of them go together."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.output_options import folder_option, text_option
from metric_face.files import EMBEDDINGS

Images = Annotated[Path | None, typer.Argument(help="Other images; default those of the run.")]
Out = Annotated[
    Path | None,
    folder_option(
        EMBEDDINGS,
        "--out",
        "-o",
        help="Folder to write; default RUN/embeddings. With --backbone a run.",
        or_run=True,
    ),
]
Backbone = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        help="No training: the features of this timm model as they are. The first argument is then the images.",
    ),
]
Weights = Annotated[
    Path | None, typer.Option("--weights", help="With --backbone: a local file; default timm's published.")
]
Csv = Annotated[
    Path | None, text_option("--csv", help="Write the classifiers' probabilities, which 'fuse' reads.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images a forward pass.")]
Tta = Annotated[
    str | None, typer.Option(help="Average over copies: none, flip, crops, flip+crops; default model.tta.")
]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16.")]


def check_usage(
    backbone: str | None,
    out: Path | None,
    *,
    of_a_run: dict[str, object],
    of_a_backbone: dict[str, object],
) -> None:
    """Refuse what does not go together: what belongs to a run with ``--backbone``, and the other way round."""
    if backbone is None:
        stray = [name for name, value in of_a_backbone.items() if value]
        if stray:
            raise typer.BadParameter(f"{stray[0]} goes with --backbone NAME; a run has its own")
        return
    stray = [name for name, value in of_a_run.items() if value is not None]
    if stray:
        raise typer.BadParameter(f"--backbone takes the images and no {stray[0]}; leave it out")
    if out is None:
        raise typer.BadParameter("--backbone needs --out FOLDER, which becomes a run")
