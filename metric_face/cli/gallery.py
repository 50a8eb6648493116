"""``metric-face gallery``: the index of a run as it grows."""

from typing import Annotated

import typer

from metric_face.cli import gallery_options as own
from metric_face.cli.gallery_usage import as_table, check_usage
from metric_face.cli.options import Json
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, answer_table, remark, say


def gallery(
    action: Annotated[own.Action, typer.Argument(help="add, remove, relabel or list.")],
    run: own.RunFolder,
    images: own.Images = None,
    where: own.Where = None,
    rows: own.Rows = None,
    values: own.Values = None,
    refit: own.Refit = None,
    index: own.IndexFolder = None,
    batch_size: own.BatchSize = 64,
    precision: own.Precision = "auto",
    as_json: Json = False,
) -> None:
    """Add images to the index of a run without a training, remove, relabel or list them; knn sees it at once."""
    assigned = check_usage(action, images, where, rows, values, refit)
    from metric_face.gallery import Gallery

    opened = Gallery(run, index)
    if action == "list":
        listed = opened.list(where or ())
        if as_json:
            return answer_json({"images": len(listed), "rows": listed})
        return answer_table(*as_table(listed), numbers=False)
    if action == "add" and images is not None:
        with bar("embedding", not as_json) as progress:
            done = opened.add(
                images,
                assigned,
                refit=refit,
                batch_size=batch_size,
                precision=precision,
                say=say,
                progress=progress,
            )
    elif action == "remove":
        done = opened.remove(where or (), rows or ())
    else:
        done = opened.relabel(assigned, where or (), rows or ())
    if as_json:
        answer_json(done.to_dict())
    for line in () if as_json else done.lines():
        answer(line)
    remark(done.notes, whole=done.complete)
    if not done.complete:
        raise typer.Exit(1)
