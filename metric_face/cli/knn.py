"""``metric-face knn``: classify images by their neighbors."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from metric_face.cli.options import DataRoot, Json, Lang, NoThumbnails
from metric_face.cli.output_options import check_apart, text_option
from metric_face.cli.stopping import Stopped
from metric_face.files import write_text


def knn(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="Images, folders of images, a CSV of ImageIDs, or - for a list on standard input."
        ),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option("--watch", help="Answer each image that appears in this folder, until Ctrl-C."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Neighbors that vote; default chosen on validation.")
    ] = None,
    votes: Annotated[
        Literal["uniform", "distance", "softmax", "prior-corrected"] | None,
        typer.Option(help="uniform, distance, softmax or prior-corrected."),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(help="Who is on the images: images of this identity in the index do not count."),
    ] = None,
    shown: Annotated[int, typer.Option("--show", min=1, help="Neighbors to print.")] = 3,
    index_folder: Annotated[
        Path | None, typer.Option("--index", help="The index; default RUN/index.")
    ] = None,
    csv: Annotated[
        Path | None, text_option("--csv", help="Write a submission: ImageID,ans with the joint class.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="A CSV of ImageIDs: each gets a row of --csv, in its order."),
    ] = None,
    explain: Annotated[
        Path | None,
        text_option("--explain", help="Write a page (HTML): each image, its votes, its neighbors."),
    ] = None,
    root: DataRoot = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Ask the index about photographs: class per attribute, probability, nearest images."""
    from metric_face.cli.terminal import (
        answer_json,
        bar,
        counted,
        say,
        show_answer,
        show_failure,
        standard_input,
        who_counts,
    )
    from metric_face.inference import (
        Answer,
        ImageRequest,
        Predictor,
        collect_images,
        fill,
        predict_lines,
        watch_folder,
    )
    from metric_face.pages import check_language

    check_language(lang)
    if bool(images) == (watch is not None):
        raise typer.BadParameter("give images, or - for a list on standard input, or --watch FOLDER")
    if watch is not None and (csv or explain or template):
        raise typer.BadParameter("--csv, --explain and --template need a list that ends; leave out --watch")
    warm = watch is not None or images == ["-"]  # one process answers whatever comes, image by image
    asked = ImageRequest([]) if warm else collect_images(images or [], template, submitted=csv is not None)
    if warm and template is not None:
        from metric_face.data import Template

        asked = ImageRequest([], Template.read(template))
    check_apart(
        {"--csv": csv, "--explain": explain}, [*asked.files, *([] if template is None else [template])]
    )
    predictor = Predictor(run, index_folder, few=not warm and len(asked.files) < 5, data=root)
    nearest = shown if explain is None else max(shown, 12)

    def predict(paths: list[str], **progress: Any) -> list[Answer]:
        others = None if identity is None else [identity] * len(paths)
        return predictor.predict(paths, k=k, votes=votes, shown=nearest, exclude=others, **progress)

    def predict_one(path: str) -> Answer:
        return predict([path])[0]

    if not as_json:
        say(who_counts(predictor, identity))
    answers, failed = [], 0
    if warm:
        come = (
            predict_lines(standard_input(), predict_one)
            if watch is None
            else watch_folder(watch, predict_one)
        )
        if watch is not None:
            say(f"watching {watch}; Ctrl-C ends it")
        try:
            for name, outcome in come:
                if isinstance(outcome, Answer):
                    show_answer(outcome, as_json, shown)
                    answers += [outcome] if csv or explain else []
                else:
                    show_failure(name, outcome, as_json)
                    failed += 1
        except (KeyboardInterrupt, Stopped) as ended:
            if watch is None or (isinstance(ended, Stopped) and ended.name != "SIGINT"):
                raise
    else:
        broken: dict[str, Any] = {}
        with bar("reading images", not as_json) as progress:
            answers = predict(asked.files, broken=broken, progress=progress)
        broken |= asked.failed
        failed = len(broken)
        if as_json and csv is None:
            listed = [one.nearest(shown).to_dict() for one in answers]
            answer_json(listed + [{"path": name, "error": str(error)} for name, error in broken.items()])
        elif csv is None:
            for one in answers:
                show_answer(one, shown=shown)
        for name, error in broken.items():
            show_failure(name, error)
    if failed and not answers and (csv or explain):
        say(f"{csv or explain}: not written, as no image could be used")
        raise typer.Exit(1)
    if csv is not None:
        text, lines, complete = fill(answers, predictor, asked.template)
        write_text(csv, text)
        say(
            f"{counted(len(answers), 'answers')} in {csv}"
            + (f"; {failed} could not be used" if failed else "")
        )
        for line in lines:
            say(line)
        failed += not complete
    if explain is not None:
        from metric_face.inference import write_answers

        say(str(write_answers(answers, predictor, explain, thumbnails=not no_thumbnails, lang=lang)))
    if failed:
        raise typer.Exit(1)
