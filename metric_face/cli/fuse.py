"""``metric-face fuse``: fuse several models attribute by attribute."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import Json, Template
from metric_face.cli.output_options import check_apart, text_option
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, answer_table, remark
from metric_face.plurals import counted


def fuse(
    sources: Annotated[
        list[Path],
        typer.Argument(help="CSV of 'embed --csv', run directories, and folders that 'train --folds' wrote."),
    ],
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="The run whose validation split chooses; default the first source."),
    ] = None,
    out: Annotated[Path | None, text_option("--out", "-o", help="Write the submission here.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", help="Images to submit, or a CSV of their ImageIDs; a CSV source has its own."
        ),
    ] = None,
    template: Template = None,
    insist: Annotated[
        bool,
        typer.Option("--insist", help="Write the fusion even if it is worse than the best member."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Evaluate folds and runs on images they held out, and fuse them attribute by attribute."""
    from metric_face.ensemble import fuse

    check_apart({"--out": out}, [*sources, *(one for one in (images, template) if one is not None)])
    with steps(not as_json) as step:
        fused = fuse(sources, truth, out=out, images=images, template=template, insist=insist, say=step)
    if as_json:
        answer_json({**fused.to_dict(), "out": None if out is None else str(out)})
    else:
        for one in fused.estimates:
            answer(str(one))
            answer_table(
                ("  target", "macro F1"), [(f"  {name}", str(f1)) for name, f1 in one.macro_f1.items()]
            )
        for line in fused.plan.lines() if len(fused.estimates) > 1 else ():
            answer(line)
        remark(fused.notes, whole=fused.complete)
        if out is not None:
            answer(f"{counted(fused.written, 'images')} in {out}")
    if not fused.complete:
        raise typer.Exit(1)
