"""Classifying and scoring an embedding, against scikit-learn, pytorch-metric-learning, raw FAISS and the floor.

python -m benchmarks.classify                # all, at full size; a quarter of an hour on two free cores
python -m benchmarks.classify --rows 6000    # a quick look
"""

import argparse
import statistics
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.classify_choice import choice_section
from benchmarks.classify_data import draw_embeddings
from benchmarks.harness import machine, peak_memory, publish, table, timed, times
from metric_face.classifiers.attribute_probes import fit_probes
from metric_face.classifiers.linear_probe import DEFAULT_STRENGTHS, LinearProbe
from metric_face.classifiers.probe_solver.logistic import logistic_path
from metric_face.classifiers.probe_solver.softmax_objective import NumpyObjective
from metric_face.classifiers.votes import votes_for_ks
from metric_face.metrics import bootstrap_interval, macro_f1, retrieval_metrics
from metric_face.search.exact import nearest

KS = (1, 5, 10, 20, 50, 100)
CLASSES = 18


TOLERANCES = (1e-4, 1e-6)
"""The default of both; and one at which the optimum, which is one and the same, shows in the third digit of F1."""


def path_section(rows: int, dimensions: int) -> str:
    """Ten strengths on all rows, ours and scikit-learn's, macro F1 on unseen identities, and the gradient reached."""
    X, y, identity = draw_embeddings(rows + rows // 5, dimensions)
    X = (X - X[:rows].mean(axis=0)) / X[:rows].std(axis=0)
    unseen = np.flatnonzero(identity > identity[rows - 1])
    data = X[:rows], y[:rows], X[unseen], y[unseen]
    parts = [_paths(*data, tol) for tol in TOLERANCES]
    return (
        f"## Ten strengths at {rows:,} x {dimensions}, {CLASSES} classes\n\nThe same standardized float32 rows, the "
        "same convex objective, both to the same largest gradient entry; macro F1 on "
        f"{len(unseen):,} images of unseen identities. Under a weak penalty 1e-4 (the default of both) is not near "
        "the optimum yet: the two stop at different places, and so do their F1.\n\n" + "\n\n".join(parts)
    )


def _paths(X: Any, y: Any, test: Any, truth: Any, tol: float) -> str:
    from sklearn.linear_model import LogisticRegression

    rows = len(X)

    def path() -> list[Any]:
        objective = NumpyObjective(X, [y], [CLASSES], [None])
        gram = (X.T @ X).astype(np.float64) / rows
        start = np.log(np.bincount(y, minlength=CLASSES) / rows)
        return list(logistic_path(objective, gram, start, DEFAULT_STRENGTHS, tol=tol, max_passes=20_000))

    ours, peer, lines, floors = [], 0.0, [], []
    weights, residuals = np.zeros((X.shape[1], CLASSES), np.float32), np.ones((rows, CLASSES), np.float32)
    for position, strength in enumerate(DEFAULT_STRENGTHS):  # in turn, so that a busy machine slows all alike
        if position % 3 == 0:
            optima, taken = timed(path)
            ours.append(taken.wall)
        floors.append(timed(lambda: (X @ weights, X.T @ residuals))[1].wall)
        model = LogisticRegression(C=1 / (strength * rows), max_iter=20_000, tol=tol)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a strength that does not converge shows in the table
            peer += timed(partial(model.fit, X, y))[1].wall
        optimum = optima[position]
        mine = macro_f1(truth, (test @ optimum.weights[:-1] + optimum.weights[-1]).argmax(axis=1), CLASSES)
        theirs = macro_f1(truth, model.predict(test), CLASSES)
        its_gradient = _gradient(X, y, model, strength)
        found = f"{mine:.4f}", int(model.n_iter_[0]), f"{its_gradient:.1e}", f"{theirs:.4f}"
        lines.append(
            [
                f"{strength:.1e}",
                optimum.passes,
                f"{optimum.gradient_norm:.1e}",
                *found,
                f"{mine - theirs:+.4f}",
            ]
        )
        print(*lines[-1], flush=True)
    mine_s, passes = statistics.median(ours), sum(int(row[1]) for row in lines)
    floor = passes * statistics.median(floors)
    summary = [
        ["logistic_path", f"{mine_s:.1f}", "1"],
        ["scikit-learn LogisticRegression, one fit each", f"{peer:.1f}", f"{peer / mine_s:.1f} x ours"],
        [
            f"floor: the two matrix products of {passes} passes",
            f"{floor:.1f}",
            f"{floor / mine_s:.2f} x ours",
        ],
    ]
    head = (
        "strength",
        "passes",
        "gradient",
        "macro F1",
        "sklearn iterations",
        "its gradient",
        "its F1",
        "difference",
    )
    largest = max(abs(float(line[-1])) for line in lines)
    return (
        f"### Largest gradient entry {tol:g}\n\n{table(['ten strengths', 'seconds', 'ratio'], summary)}\n\n"
        f"{table(head, lines)}\n\nLargest difference in macro F1: {largest:.4f}."
    )


def _gradient(X: Any, y: Any, model: Any, strength: float) -> float:
    """Largest absolute gradient entry of the common objective at scikit-learn's solution."""
    weights = np.concatenate([model.coef_.T, model.intercept_[None]]).astype(np.float64)
    gradient = NumpyObjective(X, [y], [CLASSES], [None]).evaluate(weights).gradient
    gradient[:-1] += strength * weights[:-1]
    return float(np.abs(gradient).max())


def fit_section(rows: int, dimensions: int) -> str:
    """The estimator with its folds, ridge, and three attributes in one pass against one after the other."""
    X, joint, identity = draw_embeddings(rows, dimensions)
    attributes = {"mask": joint // 6, "gender": joint // 3 % 2, "age": joint % 3}
    taken = times(
        {
            "LinearProbe, 10 strengths, 5 folds of identities": lambda: LinearProbe().fit(X, joint, identity),
            'LinearProbe(solver="ridge"), the same': lambda: LinearProbe(solver="ridge").fit(
                X, joint, identity
            ),
            "fit_probes: mask, gender and age together": lambda: fit_probes(X, attributes, identity),
            "LinearProbe for each of the three": lambda: [
                LinearProbe().fit(X, values, identity) for values in attributes.values()
            ],
        },
        repeats=1,
        warmup=0,
    )
    lines = [[name, f"{seconds:.1f}"] for name, seconds in taken.items()]
    return f"## Choosing the strength, {rows:,} x {dimensions}\n\n" + table(["fit", "seconds"], lines)


def knn_section(queries: int, items: int, dimensions: int) -> str:
    """Six k from one search, against raw FAISS and scikit-learn; memory with 10,000 classes."""
    import faiss
    from sklearn.neighbors import KNeighborsClassifier

    X, y, _ = draw_embeddings(items + queries, dimensions)
    base, labels, asked, truth = X[:items], y[:items], X[items:], y[items:]

    def ours() -> dict[int, Any]:
        ids, similarities = nearest(asked, base, max(KS), "cosine")
        return votes_for_ks(ids, similarities, labels, KS, votes="uniform")

    def peer() -> list[Any]:
        models = (KNeighborsClassifier(k, algorithm="brute", metric="cosine", n_jobs=-1) for k in KS)
        return [model.fit(base, labels).predict(asked) for model in models]

    found = nearest(asked, base, max(KS), "cosine")
    taken = times(
        {
            "raw faiss.knn, k = 100 (floor)": lambda: faiss.knn(
                asked, base, max(KS), metric=faiss.METRIC_INNER_PRODUCT
            ),
            "one exact search + six votes": ours,
            "the six votes alone": lambda: votes_for_ks(*found, labels, KS, votes="uniform"),
            "scikit-learn KNeighborsClassifier, six times": peer,
        },
        repeats=3,
    )
    floor = taken["raw faiss.knn, k = 100 (floor)"]
    lines = [[name, f"{1e3 * s:.0f}", f"{s / floor:.2f}"] for name, s in taken.items()]
    agree = [
        float(np.mean(answer.labels == other))
        for (_, answer), other in zip(ours().items(), peer(), strict=True)
    ]
    scores = ", ".join(f"{k}: {macro_f1(truth, answer.labels, CLASSES):.3f}" for k, answer in ours().items())
    memory = peak_memory(_prepare_votes, 12_600, 100, 50_000, 10_000)
    return (
        f"## kNN with k in {{{', '.join(map(str, KS))}}}: {queries:,} queries, {items:,} x {dimensions}\n\n"
        + table(["", "ms", "x raw FAISS"], lines)
        + f"\n\nSame answer as scikit-learn, least over the six k: {min(agree):.4f} (the rest are ties). Macro F1 by "
        f"k: {scores}.\n\nVotes of 12,600 queries x 100 neighbors among 10,000 classes: {memory:.0f} MB above "
        "their inputs; a one-hot array would take 50 GB."
    )


def _prepare_votes(queries: int, neighbors: int, items: int, classes: int) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, items, (queries, neighbors))
    near = -np.sort(-rng.random((queries, neighbors)).astype(np.float32), axis=1)
    return partial(votes_for_ks, ids, near, rng.integers(0, classes, items), KS)


def scores_section(rows: int, dimensions: int, large: int) -> str:
    """Bootstrap against a loop, retrieval against AccuracyCalculator, and memory at a large size."""
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from sklearn.metrics import f1_score

    X, y, identity = draw_embeddings(rows, dimensions)
    rng = np.random.default_rng(0)
    predicted = np.where(rng.random(rows) < 0.8, y, rng.integers(0, CLASSES, rows))
    members = np.split(np.argsort(identity, kind="stable"), np.cumsum(np.bincount(identity))[:-1])

    def loop(resamples: int = 20) -> None:
        for _ in range(resamples):
            drawn = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
            f1_score(y[drawn], predicted[drawn], average="macro")

    boot = times({"ours": partial(bootstrap_interval, y, predicted, identity), "loop": loop}, repeats=5)
    calculator = AccuracyCalculator(include=("precision_at_1", "r_precision", "mean_average_precision_at_r"))
    vectors, labels = torch.from_numpy(X), torch.from_numpy(y)
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = retrieval_metrics(X, y)

    def peer() -> None:
        found["peer"] = calculator.get_accuracy(vectors, labels)

    taken = times(
        {"ours": ours, "peer": peer, "floor": lambda: [X[i : i + 512] @ X.T for i in range(0, rows, 512)]}, 3
    )
    mine, theirs = found["ours"], found["peer"]
    pairs = [
        ("recall@1", mine.recall[1], theirs["precision_at_1"]),
        ("R-precision", mine.r_precision, theirs["r_precision"]),
        ("MAP@R", mine.map_at_r, theirs["mean_average_precision_at_r"]),
    ]
    memory = peak_memory(_prepare_retrieval, large, 512)
    lines = [
        [
            "1,000 bootstrap resamples of identities",
            f"{boot['ours']:.3f}",
            f"{50 * boot['loop']:.1f} (from 20)",
            "",
        ],
        [
            f"recall, R-precision, MAP@R, {rows:,} x {dimensions}",
            f"{taken['ours']:.2f}",
            f"{taken['peer']:.2f}",
            "",
        ],
    ]
    lines[0][3] = f"{50 * boot['loop'] / boot['ours']:.0f} x"
    lines[1][3] = f"{taken['peer'] / taken['ours']:.1f} x; the matrix product alone {taken['floor']:.2f} s"
    return (
        "## Scores\n\n"
        + table(["", "ours, s", "loop of f1_score / AccuracyCalculator, s", "ratio"], lines)
        + "\n\n"
        + table(["", "ours", "AccuracyCalculator"], [[n, f"{a:.6f}", f"{b:.6f}"] for n, a, b in pairs])
        + f"\n\nRetrieval of {large:,} x 512, every item a query: {memory:.0f} MB above its inputs."
    )


def _prepare_retrieval(rows: int, dimensions: int) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((rows, dimensions), dtype=np.float32)
    return partial(retrieval_metrics, vectors, np.arange(rows) % CLASSES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--large", type=int, default=100_000, help="rows of the retrieval memory check")
    parser.add_argument(
        "--only", choices=("path", "fit", "choice", "knn", "scores"), help="one part, which has its own file"
    )
    options = parser.parse_args()
    rows, dimensions = options.rows, options.dimensions
    parts: dict[str, tuple[str, Callable[[], str]]] = {
        "path": ("A path of logistic regressions", partial(path_section, rows, dimensions)),
        "fit": ("Choose a probe's strength", partial(fit_section, rows, dimensions)),
        "choice": ("Choose a strength on folds", partial(choice_section, min(rows, 12_000), dimensions // 2)),
        "knn": ("Classify by neighbors", partial(knn_section, max(1000, rows // 25), rows, dimensions)),
        "scores": ("Score", partial(scores_section, max(1000, rows // 5), dimensions, options.large)),
    }
    packages = ("numpy", "scikit-learn", "faiss-cpu", "torch", "pytorch-metric-learning")
    for name, (title, section) in parts.items():
        if options.only in (None, name):
            command = f"python -m benchmarks.classify --only {name} --rows {rows} --dimensions {dimensions}"
            command += f" --large {options.large}" if name == "scores" else ""
            publish(f"classify-{name}", title, command, machine(*packages), [section()])


if __name__ == "__main__":
    main()
