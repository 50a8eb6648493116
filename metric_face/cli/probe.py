"""``metric-face probe``: fit a linear probe on the embeddings."""

from metric_face.cli.options import LATEST, Json, RunArgument, Split
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, answer_table, say


def probe(run: RunArgument = LATEST, split: Split = "val", as_json: Json = False) -> None:
    """Fit a linear probe on the training embeddings, and print its F1 per class on another split."""
    from metric_face.data import report_image_state
    from metric_face.evaluation import probe
    from metric_face.run import Run

    opened = Run.open(run)
    report_image_state(opened, say, shown=False)
    with steps(not as_json) as step:
        scores = probe(opened, split=split, say=step)
    if as_json:
        answer_json({"split": split, "scores": scores})
        return
    for score in scores:
        answer(f"{score.target}: macro F1 {score.macro_f1}  ({score.note})")
        answer_table(("  class", "F1"), [(f"  {name}", f"{value:.3f}") for name, value in score.f1.items()])
