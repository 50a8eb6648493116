"""What ``evaluate`` answers in words of queries against a gallery, and of pairs."""

from typing import TYPE_CHECKING

from metric_face.cli.terminal import answer, answer_table
from metric_face.plurals import counted

if TYPE_CHECKING:
    from metric_face.evaluation import PairScores, QueryScores


def report_queries(found: "QueryScores") -> None:
    """Print how queries find their identity."""
    left = " or ".join(found.left_out)
    rule = f"; images of a query's identity with its own {left} are left out" if left else ""
    answer(
        f"{counted(found.queries, 'queries')} against {counted(found.gallery, 'images')}, "
        f"{counted(found.identities, 'identities')}; 95 % intervals over identities{rule}"
    )
    names = {"map": "mAP", "minp": "mINP", "mrr": "MRR"}
    rows = [(names.get(name, name.replace("cmc", "CMC")), str(one)) for name, one in found.scores.items()]
    answer_table(("", "mean over queries"), [*rows, ("macro F1 of identities", str(found.macro_f1))])
    if found.without_relevant:
        answer(f"{counted(found.without_relevant, 'queries')} with nothing to find do not count.")
    if (asked := found.queries + found.without_relevant) < found.drawn_from:
        answer(f"{asked:,} of {found.drawn_from:,} queries were drawn; --max-queries 0 asks all.")


def report_pairs(found: "PairScores") -> None:
    """Print how pairs are verified."""
    scores = found.verification
    answer(
        f"{scores.genuine:,} genuine and {scores.impostor:,} impostor pairs of {counted(found.images, 'images')}, "
        f"{counted(found.identities, 'identities')}; 95 % intervals over identities"
    )
    rows = [
        (f"TPR at FAR {rate}", str(one), _four(scores.thresholds[rate]))
        for rate, one in scores.tpr_at_far.items()
    ]
    rows = [("EER", str(scores.eer), ""), ("area under ROC", str(scores.auc), ""), *rows]
    if scores.accuracy is not None:
        spread = f"{_four(min(scores.fold_thresholds))} to {_four(max(scores.fold_thresholds))}"
        rows.insert(0, (f"accuracy, {len(scores.fold_accuracies)} folds", str(scores.accuracy), spread))
    answer_table(("", "", "from similarity"), rows)
    if scores.accuracy_error is not None:
        answer(
            f"Standard error of the accuracy over folds, as LFW is published: {scores.accuracy_error:.4f}."
        )
    for rate, why in scores.abstained.items():
        answer(f"TPR at FAR {rate}: not measured, {why}.")


def _four(value: float) -> str:
    return f"{value:.4f}"
