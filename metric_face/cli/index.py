"""``metric-face index``: build the index that ``knn`` searches."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import LATEST, Json, RunArgument
from metric_face.cli.output_options import folder_option
from metric_face.cli.terminal import answer, answer_json, say
from metric_face.files import INDEX, folder_target
from metric_face.plurals import counted


def index(
    run: RunArgument = LATEST,
    split: Annotated[
        str | None,
        typer.Option(help="Split to search in; default train, and all of a run without a training."),
    ] = None,
    kind: Annotated[str, typer.Option(help="auto, flat, ivf, hnsw or ivfpq.")] = "auto",
    memory: Annotated[float | None, typer.Option(help="GiB that the index may take.")] = None,
    recall: Annotated[float, typer.Option(help="Recall@10 that an approximate index is tuned for.")] = 0.98,
    reject: Annotated[
        str | None,
        typer.Option(help="Answer 'unknown' below a threshold: 'f1', or a false-accept rate such as 0.05."),
    ] = None,
    out: Annotated[
        Path | None, folder_option(INDEX, "--out", "-o", help="Folder to write; default RUN/index.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the index that 'knn' searches; how its neighbors vote is chosen on validation."""
    from metric_face.data import report_image_state
    from metric_face.inference import build_index, chosen_lines
    from metric_face.run import Run

    opened = Run.open(run)
    target = out or opened.folder / "index"
    folder_target(target, INDEX)
    report_image_state(opened, say, shown=False)
    budget = None if memory is None else int(memory * 2**30)
    built = build_index(opened, split=split, reject=reject, kind=kind, memory_budget=budget, recall=recall)
    folder = built.save(target)
    if as_json:
        answer_json({"folder": str(folder), "vectors": len(built), "kind": built.kind, **built.metadata})
        return
    answer(f"{counted(len(built), 'vectors')} x {built.dimensions}, {built.kind}; {folder}")
    for line in chosen_lines(built):
        answer(f"  {line}")
    for note in built.metadata["notes"]:
        say(note)
