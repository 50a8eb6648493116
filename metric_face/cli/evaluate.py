"""``metric-face evaluate``: compute the scores of a run, or those of a protocol."""

from metric_face.cli import protocol_options as own
from metric_face.cli.options import LATEST, Json, MaxQueries, RunArgument
from metric_face.cli.progress import bar, steps
from metric_face.cli.protocol_scores import report_pairs, report_queries
from metric_face.cli.protocols import Asked
from metric_face.cli.scores import report_scores
from metric_face.cli.terminal import answer_json, say


def evaluate(
    run: RunArgument = LATEST,
    split: own.SplitOrAll = None,
    max_queries: MaxQueries = 10_000,
    query: own.Query = None,
    gallery: own.GalleryImages = None,
    query_from: own.QueryFrom = None,
    camera: own.Camera = None,
    sequence: own.Sequence = None,
    identity: own.Identity = "identity",
    ranks: own.Ranks = "1,5,10",
    pairs: own.Pairs = None,
    metric: own.By = "cosine",
    as_json: Json = False,
) -> None:
    """Compute macro F1 of head, kNN and probe, recall@1/5, R-precision and MAP@R, with intervals over identities.

    With --query or --pairs: as re-identification and verification are evaluated; RUN may be a folder of embeddings.
    """
    others = {"query_from": query_from, "camera": camera, "sequence": sequence, "identity": identity}
    asked = Asked.read(query, gallery, ranks, pairs, metric, others)
    if asked.protocol is not None:
        with bar("queries", not as_json) as progress:
            found = asked.evaluate(run, progress, split=split, max_queries=max_queries or None, metric=metric)
    else:
        from metric_face.data import report_image_state
        from metric_face.evaluation import evaluate
        from metric_face.run import Run

        opened = Run.open(run)
        report_image_state(opened, say, shown=False)
        with steps(not as_json) as step:
            found = evaluate(opened, split=split or "val", max_queries=max_queries or None, say=step)
    if as_json:
        return answer_json(found.to_dict())
    if asked.protocol == "pairs":
        report_pairs(found)
    elif asked.protocol == "queries":
        report_queries(found)
    else:
        report_scores(found)
    for note in found.notes:
        say(note)
