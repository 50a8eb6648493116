"""``metric-face audit``: check data, split and sampler before a training."""

from pathlib import Path
from typing import Annotated

import typer

from metric_face.cli.options import Json, Lang, NoThumbnails, Overrides
from metric_face.cli.output_options import check_apart, text_option
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer, answer_json
from metric_face.plurals import counted


def audit(
    source: Annotated[Path, typer.Argument(help="Images (folder, CSV, Parquet) or a configuration (YAML).")],
    out: Annotated[Path | None, text_option("--out", "-o", help="Write the page here.")] = None,
    overrides: Overrides = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            "--fixed", help="Attribute in which an identity's images cannot differ, such as gender."
        ),
    ] = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Check data, split and sampler in one dry pass, without training; exit code 1 where a training would refuse."""
    from metric_face.auditing import audit, write_page
    from metric_face.pages import check_language

    check_language(lang)  # refused before anything is read
    check_apart({"--out": out}, [source])
    with bar("reading images", not as_json) as progress:
        report = audit(source, overrides or [], fixed=fixed or [], progress=progress)
    if as_json:
        page = None if out is None else write_page(report, out, lang=lang, thumbnails=not no_thumbnails)
        answer_json({**report.to_dict(), "page": None if page is None else str(page)})
    else:
        of_identities = counted(report.identities, "identities") if report.identities else "no identities"
        answer(f"{counted(report.images, 'images')}, {of_identities}; {report.splits or 'not split'}")
        for line in report.notes:
            answer(line)
        for finding in report.findings:
            answer(f"[{finding.severity}] {finding.sentence} {finding.remedy}".rstrip())
        if out is not None:  # last: the answer is not lost to a page that cannot be written
            answer(str(write_page(report, out, lang=lang, thumbnails=not no_thumbnails)))
    raise typer.Exit(1 if report.refusal else 0)
