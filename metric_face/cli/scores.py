"""What ``evaluate`` answers in words: a table of predictors, one of retrieval, and what to know of them."""

from typing import TYPE_CHECKING

from metric_face.cli.score_rows import START, three, without_start
from metric_face.cli.teacher_line import teacher_line
from metric_face.cli.terminal import answer, answer_table
from metric_face.plurals import counted

if TYPE_CHECKING:
    from metric_face.evaluation import Evaluation


def report_scores(found: "Evaluation") -> None:
    """Print the scores of a run."""
    of_identities, over = f" of {counted(found.identities, 'identities')}", "identities"
    if found.met_own is None and found.identities == found.images:  # each image stands for itself
        of_identities, over = "", "images, as the table names no identities"
    answer(f"{found.split}: {counted(found.images, 'images')}{of_identities}; 95 % intervals over {over}")
    if found.scores:
        rows = [(s.predictor, s.target, str(s.macro_f1), *three(s.start), s.note) for s in found.scores]
        answer_table(*without_start(("predictor", "target", "macro F1", START, ""), rows))
    if found.met_own:
        answer(f"kNN and probe: {found.met_own:,} images find their own identity in the training split.")
    elif found.met_own == 0:
        answer("kNN and probe: no identity is in both splits.")
    if found.after_training:
        gains = [(r.kind, r.target, str(r.gain)) for r in found.after_training]
        answer_table(("heads read with", "target", "gain on identities not chosen on"), gains)
    nearest = [
        (
            r.label,
            str(r.recall_at_1),
            *three(r.start_recall_at_1, r.recall_at_5, r.r_precision, r.map_at_r),
            f"{r.queries:,}",
        )
        for r in found.retrieval
    ]
    head = ("retrieval by", "recall@1", START, "recall@5", "R-prec.", "MAP@R", "queries")
    answer_table(*without_start(head, nearest))
    if found.asking < found.images:
        answer(
            f"{found.asking:,} of {counted(found.images, 'images')}, drawn at random, ask kNN and retrieval; all are "
            f"searched. Means over all images lie within {found.drawing_error:.3f} (95 %); --max-queries 0 asks all."
        )
    for_ = ", ".join(r.label for r in found.retrieval if r.same_identity_excluded)
    own = f"Images of the query's own identity are left out of its neighbors for {for_}." if for_ else ""
    if found.retrieval:
        answer(own or "No query's own identity is left out of its neighbors.")
    if found.teacher is not None:
        answer(teacher_line(found.teacher))
    if found.open_set is not None:
        answer(str(found.open_set))
