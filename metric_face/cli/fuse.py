"""``metric-face fuse``: several models as one."""

from math import isnan
from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import Json
from metric_face.cli.output_options import check_apart, text_option


def fuse(
    sources: Annotated[
        list[Path],
        typer.Argument(help="CSV of 'embed --csv', run directories, and folders that 'train --folds' wrote."),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", help="The run whose validation split chooses; default the first among the sources."
        ),
    ] = None,
    out: Annotated[Path | None, text_option("--out", "-o", help="Write the submission here.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            help="Images to submit, or a CSV of their ImageIDs, for runs and folds to predict; files hold theirs.",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="A CSV of ImageIDs: each gets a row of --out, in its order."),
    ] = None,
    insist: Annotated[
        bool,
        typer.Option(
            "--insist",
            help="Write the fusion even where it measures worse than the best alone, or cannot be measured.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Evaluate folds and runs on images they held out, and fuse them attribute by attribute."""
    from metric_face.cli.terminal import answer, answer_json, answer_table, counted, say, steps, with_interval
    from metric_face.ensemble import fuse

    check_apart({"--out": out}, [*sources, *(one for one in (images, template) if one is not None)])
    with steps(not as_json) as step:
        fused = fuse(sources, truth, out=out, images=images, template=template, insist=insist, say=step)
    if as_json:
        answer_json({**vars(fused), "out": None if out is None else str(out)})
        raise typer.Exit(0 if fused.complete else 1)
    for one in fused.estimates:
        folds = "" if one.folds is None else f", {one.folds[0]} of {one.folds[1]} folds"
        who = "" if one.identities == one.images else f" of {counted(one.identities, 'identities')}"
        answer(f"{one.name}{folds}: {counted(one.images, 'images')}{who}, none trained on")
        answer_table(
            ("  target", "macro F1"),
            [(f"  {name}", with_interval(value)) for name, value in one.macro_f1.items()],
        )
    if len(fused.estimates) > 1:
        for member in fused.plan.members:
            score = "not measured" if isnan(member.macro_f1) else f"macro F1 {member.macro_f1:.3f}"
            answer(f"{member.attribute}: {' + '.join(member.runs)}, {score}")
    if fused.plan.gain is not None:
        gain = with_interval(fused.plan.gain)
        answer(
            f"gain over {fused.plan.base} ({fused.plan.base_macro_f1:.3f}): {gain}, on identities unseen by the choice"
        )
    for note in fused.notes:
        say(note)
    if out is not None:
        answer(f"{counted(fused.written, 'images')} in {out}")
    if not fused.complete:
        raise typer.Exit(1)
