"""The commands of ``metric-face``, each in the file of its name."""

import typer

from metric_face.cli.attribute import attribute
from metric_face.cli.audit import audit
from metric_face.cli.demo import demo
from metric_face.cli.embed import embed
from metric_face.cli.evaluate import evaluate
from metric_face.cli.export import export
from metric_face.cli.faces import faces
from metric_face.cli.fuse import fuse
from metric_face.cli.gallery import gallery
from metric_face.cli.index import index
from metric_face.cli.knn import knn
from metric_face.cli.probe import probe
from metric_face.cli.recipes import recipes
from metric_face.cli.search import search
from metric_face.cli.train import train
from metric_face.cli.train_shortcuts import with_shortcuts
from metric_face.cli.try_ import try_
from metric_face.cli.verbosity import with_verbosity
from metric_face.cli.version import Version
from metric_face.cli.visualize import visualize
from metric_face.cli.why import why

app = typer.Typer(
    name="metric-face",
    help="Train an image embedding, search it, and see why it is not better.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(version: Version = False) -> None:
    """Train an image embedding, search it, and see why it is not better."""


COMMANDS = (
    demo, train, embed, index, knn, search, gallery, probe, evaluate,
    visualize, audit, faces, why, try_, attribute, fuse, export, recipes,
)  # fmt: skip
for command in COMMANDS:
    whole = with_verbosity(with_shortcuts(command) if command is train else command)
    app.command(command.__name__.rstrip("_"))(whole)
