"""``metric-face --version``."""

from typing import Annotated

import typer

from metric_face.cli.terminal import answer


def _show_version(wanted: bool) -> None:
    if wanted:
        from metric_face import __version__

        answer(f"metric-face {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", "-V", help="Print the version and end.", callback=_show_version, is_eager=True),
]
