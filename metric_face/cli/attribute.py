"""``metric-face attribute``: which regions make two images similar, or an answer what it is."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli import attribute_options as own
from metric_face.cli.options import DataRoot, Json, Lang, NoThumbnails
from metric_face.cli.output_options import check_apart, check_targets
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, say


def attribute(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    images: own.Images = None,
    head: own.Head = None,
    chosen: own.Answer = None,
    between: own.Between = None,
    side: own.Side = 8,
    orders: own.Orders = 10,
    out: own.Out = None,
    root: DataRoot = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Show which regions make two images similar, or an answer what it is, and whether the map is to be believed."""
    from metric_face.attribution import attribute, attribute_classes, write_attribution, write_pair
    from metric_face.pages import check_language
    from metric_face.run import Run

    check_language(lang)
    own.check_usage(images or [], between, head, chosen)
    opened = Run.open(run, data=root)
    targets = {name: (out or opened.folder) / name for name in own.ATTRIBUTION_FILES}
    check_targets(out or opened.folder, own.ATTRIBUTION_FILES)
    check_apart(targets, images or [])
    say("loading PyTorch ...")
    with bar("maps", not as_json) as progress:
        if between is not None:
            pair = attribute_classes(opened, *between, side=side, progress=progress)
        else:
            found = attribute(
                opened, images or [], head=head, answer=chosen, side=side, orders=orders, progress=progress
            )
    if between is not None:
        kept = write_pair(pair, out or opened.folder)
        lines, plain = [*pair.lines(), str(kept)], pair.to_dict() | {"file": str(kept)}
    else:
        written = write_attribution(found, out or opened.folder, thumbnails=not no_thumbnails, lang=lang)
        lines = [*found.lines(), *map(str, written)]
        plain = found.to_dict() | {"picture": str(written[0]), "page": str(written[1])}
    if as_json:
        answer_json(plain)
    for line in () if as_json else lines:
        answer(line)
