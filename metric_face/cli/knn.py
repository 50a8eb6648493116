"""``metric-face knn``: classify images by their nearest neighbors in an index."""

import typer

from metric_face.cli import knn_options as own
from metric_face.cli.knn_stream import print_stream
from metric_face.cli.knn_usage import check_usage, say_model
from metric_face.cli.options import DataRoot, Json, Lang, NoThumbnails, Template
from metric_face.cli.output_options import check_apart
from metric_face.cli.progress import bar
from metric_face.cli.terminal import answer_json, remark, show_answer, show_failure


def knn(
    run: own.RunFolder,
    images: own.Images = None,
    watch: own.Watch = None,
    k: own.Neighbors = None,
    votes: own.Vote = None,
    identity: own.Identity = None,
    shown: own.Shown = 3,
    index: own.IndexFolder = None,
    model: own.Model = "auto",
    csv: own.Csv = None,
    template: Template = None,
    explain: own.Explain = None,
    root: DataRoot = None,
    no_thumbnails: NoThumbnails = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Classify images by their neighbors in the index: class per attribute, probability, nearest images."""
    from metric_face.inference import Predictor, Session, collect_images

    check_usage(images, watch, lang, csv, explain, template)
    stream = watch is not None or images == ["-"]  # one process answers whatever comes, image by image
    request = collect_images(images or [], template, submitted=csv is not None)
    check_apart({"--csv": csv, "--explain": explain}, [*request.files, *([template] if template else [])])
    few = not stream and len(request.files) < 5
    predictor = Predictor(run, index, model=model, few=few, data=root)
    session = Session(predictor, request, k, votes, identity, shown, csv, explain, not no_thumbnails, lang)
    if not as_json:
        say_model(predictor, identity)
    if stream:
        print_stream(session, watch, as_json)
    else:
        with bar("reading images", not as_json) as progress:
            session.predict_all(progress)
        for one in () if as_json or csv else session.answers:
            show_answer(one.nearest(shown))
        for name, error in session.failed.items():
            show_failure(name, error)
    lines = session.write()
    if as_json and not stream:
        answer_json(session.to_dict())
    remark(lines, whole=session.complete)
    if not session.complete:
        raise typer.Exit(1)
