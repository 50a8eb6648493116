"""``metric-face try``: what would help, tried on cached features."""

from typing import Annotated

import typer

from metric_face.cli.options import LATEST, DataRoot, Json, Lang, RunArgument
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json, answer_table, say


def try_(
    run: RunArgument = LATEST,
    time: Annotated[
        str | None,
        typer.Option("--time", help="Begin nothing new after this, such as 5m; a later call goes on."),
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", min=1, help="Batches that each change is trained on.")
    ] = 330,
    root: DataRoot = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Try changes of a run's settings on its cached features, in seconds each, and rank what they bring."""
    from metric_face.run import Run

    opened = Run.open(run, data=root)
    say("loading PyTorch ...")
    from metric_face.trying import curve_line, shown, verdict, what_if

    with bar("trying", not as_json) as progress:
        tried = what_if(opened, time_limit=time, steps=steps, lang=lang, say=say, progress=progress)
    if as_json:
        answer_json(tried.to_dict())
        return
    every = (*tried.ranked, *(() if tried.null is None else (tried.null,)))
    names = list(tried.baseline)
    rows = [
        (
            tried.name_of(one.what_if, lang),
            *(shown(one.differences[name]) if name in one.differences else "" for name in names),
            f"{one.seconds:.1f}",
        )
        for one in every
    ]
    answer_table(("change", *(tried.score_name(name, lang) for name in names), "s"), rows)
    answer(verdict(tried, lang))
    if tried.curve is not None:
        answer(curve_line(tried, lang))
    if tried.left:
        say(f"{tried.left} changes were not reached; the same command goes on")
    answer(f"page: {tried.folder / 'try' / 'try.html'}")
    answer(f"next: {tried.command}")
