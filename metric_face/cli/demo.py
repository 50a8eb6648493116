"""``metric-face demo``: from drawn faces to `why`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metric_face.cli.options import Json
from metric_face.cli.output_options import demo_option
from metric_face.cli.terminal import answer, answer_json, answer_table, say, show_answer

if TYPE_CHECKING:
    from metric_face.inference import Answer


def demo(
    out: Annotated[Path, demo_option("--out", help="Folder for all that the demo makes.")] = Path("demo"),
    identities: Annotated[int, typer.Option(help="Identities to draw, 7 images each.")] = 200,
    as_json: Json = False,
) -> None:
    """Draw synthetic faces, and go from train to why with them (under 4 minutes on 2 cores)."""
    from metric_face.demo import run_demo
    from metric_face.visualization import keep_umap_compiled

    def show(one: "Answer") -> None:
        if not as_json:
            show_answer(one.nearest(3))

    keep_umap_compiled()
    result = run_demo(out, identities=identities, say=say, show=show)
    if as_json:
        answer_json(result.to_dict())
        return
    rows = [(predictor, str(score)) for predictor, score in result.rows()]
    answer_table(("predictor", "macro F1 of 18 classes [95 %]"), rows)
    for line in result.closing():
        answer(line)
