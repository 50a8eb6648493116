"""``metric-face search``: find similar images."""

from typing import Any

import typer

from metric_face.cli import search_options as own
from metric_face.cli.options import DataRoot, Json, Lang, NoThumbnails, RunArgument
from metric_face.cli.output_options import check_apart
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, say, show_failure


def search(
    run: RunArgument,
    queries: own.Queries = None,
    rows: own.Rows = None,
    k: own.Count = None,
    where: own.Where = None,
    within: own.Within = None,
    rerank: own.Rerank = None,
    expand: own.Expand = 0,
    unique: own.Unique = None,
    identity: own.Identity = None,
    others: own.Others = False,
    page: own.Page = None,
    index: own.IndexFolder = None,
    root: DataRoot = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Find the indexed images that are most like an image, a vector or an indexed image."""
    from metric_face.inference import SearchRequest

    request = SearchRequest.read(queries or [], rows or [], lang)
    check_apart({"--page": page}, queries or [])
    settings: dict[str, Any] = {
        "k": k, "where": where or (), "within": within, "rerank": rerank, "expand": expand,
        "unique": unique, "identity": identity, "others": others,
    }  # fmt: skip
    with bar("reading images", not as_json) as progress:
        found = request.search(run, index, root, settings, progress)
    written = None if page is None else found.write_page(page, thumbnails=not no_thumbnails, lang=lang)
    if as_json:
        answer_json(found.to_dict() | {"page": None if written is None else str(written)})
    else:
        for line in found.lines():
            answer(line)
        if written is not None:
            say(str(written))
    for name, error in found.failed.items():
        show_failure(name, error)
    if found.failed:
        raise typer.Exit(1)
