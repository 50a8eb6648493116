"""``metric-face index``: build the index that ``knn`` searches."""

from pathlib import Path
from typing import Annotated, Any

from metric_face.cli import index_options as own
from metric_face.cli.options import LATEST, Json, RunArgument
from metric_face.cli.output_options import folder_option
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, say
from metric_face.files import INDEX, folder_target
from metric_face.plurals import counted


def index(
    run: RunArgument = LATEST,
    split: own.Split = None,
    kind: own.Kind = "auto",
    memory: own.Memory = None,
    recall: own.Recall = 0.98,
    reject: own.Reject = None,
    vectors: own.Vectors = None,
    shards: own.Shards = 1,
    mmap: own.Mmap = False,
    store: own.Store = None,
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
    folder = out or opened.folder / "index"
    folder_target(folder, INDEX)
    report_image_state(opened, say, shown=False)
    where: dict[str, Any] = {"folder": folder, "shards": shards, "mmap": mmap, "store": store}
    where["memory_budget"] = None if memory is None else int(memory * 2**30)
    with steps(not as_json) as step:
        step("building the index")
        built = build_index(
            opened, split=split, reject=reject, vectors=vectors, kind=kind, recall=recall, **where
        )
    if as_json:
        known = {"folder": str(folder), "vectors": len(built), "kind": built.kind, "shards": built.shards}
        answer_json({**known, **built.metadata})
        return
    pieces = f" in {counted(built.shards, 'shards')}" if built.shards > 1 else ""
    answer(f"{counted(len(built), 'vectors')} x {built.dimensions}, {built.kind}{pieces}; {folder}")
    for line in chosen_lines(built):
        answer(f"  {line}")
    for note in built.metadata["notes"]:
        say(note)
