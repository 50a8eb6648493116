"""The options that only ``train`` has."""

from pathlib import Path
from typing import Annotated

import typer

Images = Annotated[Path | None, typer.Argument(help="Folder, CSV or Parquet file of images; or data.path.")]
Config = Annotated[
    str | None,
    typer.Option("--config", "-c", help="A recipe or a YAML file; default small, or the resumed run's."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on exactly where the run in --out stopped.")]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Drop and list broken images.")]
Folds = Annotated[
    int | None, typer.Option(min=2, help="Train this many folds into OUT/fold-0, ...; 'fuse OUT' joins them.")
]
Teacher = Annotated[
    Path | None,
    typer.Option("--teacher", help="Learn from a finished run too: its embedding and logits; teacher.run."),
]
Frozen = Annotated[
    bool,
    typer.Option(
        "--frozen", help="Train on the cached features of the backbone, in a minute; recipe frozen."
    ),
]
