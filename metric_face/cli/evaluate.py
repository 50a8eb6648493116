"""``metric-face evaluate``: compute the scores of a run."""

from metric_face.cli.options import LATEST, Json, MaxQueries, RunArgument, Split
from metric_face.cli.progress import steps
from metric_face.cli.scores import report_scores
from metric_face.cli.terminal import answer_json, say


def evaluate(
    run: RunArgument = LATEST, split: Split = "val", max_queries: MaxQueries = 10_000, as_json: Json = False
) -> None:
    """Compute macro F1 of head, kNN and probe, recall@1/5, R-precision and MAP@R, with intervals over identities."""
    from metric_face.data import report_image_state
    from metric_face.evaluation import evaluate
    from metric_face.run import Run

    opened = Run.open(run)
    report_image_state(opened, say, shown=False)
    with steps(not as_json) as step:
        found = evaluate(opened, split=split, max_queries=max_queries or None, say=step)
    if as_json:
        answer_json(found.to_dict())
        return
    report_scores(found)
    for note in found.notes:
        say(note)
