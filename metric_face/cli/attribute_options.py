"""The options that only ``attribute`` has, and which of them go together."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.output_options import files_option
from metric_face.errors import ArgumentError
from metric_face.files import MARK

ATTRIBUTION_FILES = {
    "attribution.png": MARK.encode(),
    "attribution.html": b"default-src 'none'; script-src",
    "attribution.json": b'"metric_face.attribution"',
}
"""What ``attribute`` writes, and what the beginning of each says of its maker."""

Images = Annotated[
    list[Path] | None,
    typer.Argument(help="Two images for their similarity, or one for a head's answer."),
]
Head = Annotated[str | None, typer.Option("--head", help="Whose answer is explained; default the first.")]
Answer = Annotated[str | None, typer.Option("--class", help="The class to explain; default the answer.")]
Between = Annotated[
    tuple[str, str, str] | None,
    typer.Option(
        "--between",
        metavar="LABEL CLASS CLASS",
        help="Where two classes are told apart, averaged over validation images.",
    ),
]
Side = Annotated[int, typer.Option("--side", min=2, max=32, help="Patches along each side.")]
Orders = Annotated[int, typer.Option("--orders", min=1, help="Random orders that a map is compared with.")]
Out = Annotated[
    Path | None,
    files_option(ATTRIBUTION_FILES, "--out", "-o", help="Folder of what is written; default the run."),
]


def check_usage(images: list[Path], between: tuple[str, str, str] | None, *own: str | None) -> None:
    """Refuse images beside a pair of classes, and neither of both."""
    if bool(images) == (between is not None):
        raise ArgumentError("attribute: give one or two images, or --between LABEL CLASS CLASS")
    if between is not None and any(own):
        raise ArgumentError("--head, --class: go with one image; leave them out of --between")
