"""``metric-face evaluate``: compute the scores of a run."""

from metric_face.cli.options import LATEST, Json, MaxQueries, RunArgument, Split
from metric_face.cli.progress import steps
from metric_face.cli.terminal import answer, answer_json, answer_table, say
from metric_face.plurals import counted


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
    of_identities, over = f" of {counted(found.identities, 'identities')}", "identities"
    if found.met_own is None and found.identities == found.images:  # each image stands for itself
        of_identities, over = "", "images, as the table names no identities"
    answer(f"{found.split}: {counted(found.images, 'images')}{of_identities}; 95 % intervals over {over}")
    if found.scores:
        rows = [(s.predictor, s.target, str(s.macro_f1), *three(s.start), s.note) for s in found.scores]
        answer_table(("predictor", "target", "macro F1", "untrained", ""), rows)
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
    head = ("retrieval by", "recall@1", "untrained", "recall@5", "R-prec.", "MAP@R", "queries")
    answer_table(head, nearest)
    if found.asking < found.images:
        answer(
            f"{found.asking:,} of {counted(found.images, 'images')}, drawn at random, ask kNN and retrieval; all are "
            f"searched. Means over all images lie within {found.drawing_error:.3f} (95 %); --max-queries 0 asks all."
        )
    for_ = ", ".join(r.label for r in found.retrieval if r.same_identity_excluded)
    own = f"Images of the query's own identity are left out of its neighbors for {for_}." if for_ else ""
    if found.retrieval:
        answer(own or "No query's own identity is left out of its neighbors.")
    if found.open_set is not None:
        answer(str(found.open_set))
    for note in found.notes:
        say(note)


def three(*scores: float | None) -> list[str]:
    """Scores with three decimals; nothing where one is not known."""
    return ["" if score is None else f"{score:.3f}" for score in scores]
