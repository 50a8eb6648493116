"""How often the 95 % intervals over identities hold the truth, by simulation.

``python -m benchmarks.robust_intervals`` takes about ten minutes; ``--quick`` a small run of it.
"""

import argparse

import numpy as np

from benchmarks.harness import machine, publish, table
from metric_face.metrics import bootstrap_interval, retrieval_metrics
from metric_face.metrics.f1 import macro_f1

IMAGES = 7  # of each identity
SHARES = [0.30, 0.25, 0.20, 0.10, 0.10, 0.05]  # of six classes; at 30 identities the rarest has one or two


def classified(rng, identities, of_identity):
    """True and predicted classes: of the identity, or partly of the image; identities differ in how hard they are."""
    own = rng.choice(len(SHARES), identities, p=SHARES)
    true = np.repeat(own[:, None], IMAGES, axis=1)
    if not of_identity:
        true = np.where(rng.random(true.shape) < 0.3, rng.choice(len(SHARES), true.shape, p=SHARES), true)
    right = rng.random(true.shape) < rng.beta(4, 1.2, identities)[:, None]
    wrong = (true + rng.integers(1, len(SHARES), true.shape)) % len(SHARES)
    return true.ravel(), np.where(right, true, wrong).ravel()


def f1_coverage(identities, of_identity, trials, seed):
    """Coverage of macro F1: of the whole population's, and of the mean over sets of so many identities."""
    rng = np.random.default_rng(seed)
    whole = macro_f1(*classified(rng, 40_000, of_identity))
    owners = np.repeat(np.arange(identities), IMAGES)
    found = [
        bootstrap_interval(true, predicted, owners, num_classes=6, seed=trial)
        for trial in range(trials)
        for true, predicted in [classified(rng, identities, of_identity)]
    ]
    return covered(found, whole), covered(found), width(found)


def embedded(rng, identities, attribute):
    """Vectors around each identity, around the class of the identity for an attribute; and both labels."""
    owners = np.repeat(np.arange(identities), IMAGES)
    own = rng.integers(0, 4, identities)
    centers = rng.normal(size=(identities, 8)) * rng.uniform(0.4, 1.2, (identities, 1))
    if attribute:
        centers += 1.1 * np.eye(4, 8)[own]
    spread = rng.uniform(0.5, 1.1, (identities, 1))[owners]
    vectors = centers[owners] + spread * rng.normal(size=(len(owners), 8))
    return vectors.astype(np.float32), owners, own[owners] if attribute else owners


def retrieval_coverage(identities, attribute, trials, seed):
    """Coverage of each retrieval metric, of its mean over sets of so many identities."""
    rng = np.random.default_rng(seed)
    names = ("recall@1", "recall@5", "r_precision", "map_at_r")
    found = {name: [] for name in names}
    for _ in range(trials):
        vectors, owners, labels = embedded(rng, identities, attribute)
        result = retrieval_metrics(vectors, labels, identities=owners, exclude_same_identity=attribute)
        for name in names:
            found[name].append(result.interval(name))
    return {name: (covered(each), width(each)) for name, each in found.items()}


def covered(intervals, truth=None):
    """Share of intervals that hold the truth; the mean of their values where none is given."""
    truth = np.mean([one.value for one in intervals]) if truth is None else truth
    return float(np.mean([one.low <= truth <= one.high for one in intervals]))


def width(intervals):
    return float(np.mean([one.high - one.low for one in intervals]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="60 trials in place of 600")
    options = parser.parse_args()
    trials = 60 if options.quick else 600
    scores, nearest = [], []
    for identities in (30, 60, 120):
        for of_identity in (True, False):
            population, mean, wide = f1_coverage(identities, of_identity, trials, identities)
            kind = "of the identity" if of_identity else "partly of the image"
            scores.append([identities, kind, f"{population:.3f}", f"{mean:.3f}", f"{wide:.3f}"])
    for identities in (30, 60, 120):
        for attribute in (False, True):
            for name, (share, wide) in retrieval_coverage(identities, attribute, trials, identities).items():
                kind = "class, own identity left out" if attribute else "identity"
                nearest.append([identities, kind, name, f"{share:.3f}", f"{wide:.3f}"])
    publish(
        "robustness-intervals",
        "Coverage of the 95 % intervals over identities",
        "python -m benchmarks.robust_intervals" + (" --quick" if options.quick else ""),
        machine("numpy", "scipy"),
        [
            f"{trials} simulated sets of seven images an identity; wanted: at least .92 "
            f"from 30 identities on. The share itself is uncertain by {1.96 * np.sqrt(0.05 * 0.95 / trials):.3f}.",
            "## Macro F1\n\nSix classes, the rarest with 1 identity in 20. Against macro F1 of the population, and "
            "against its mean over sets of so many identities, which lies lower where classes are rare.",
            table(["identities", "class", "covers the population's", "covers the mean", "width"], scores),
            "## Retrieval\n\nAgainst the mean over sets of so many identities: they depend on how many there are.",
            table(["identities", "relevant", "metric", "covers", "width"], nearest),
        ],
    )


if __name__ == "__main__":
    main()
