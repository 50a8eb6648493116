"""Do the intervals of `why` hold: overlaps on few identities, angles where images recur, wrong labels in small sets?

Run as ``python -m benchmarks.why_intervals``; ``--seeds`` sets the sets of each line. Truth is known in closed form.
"""

import argparse

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.fault_worlds import draw
from benchmarks.harness import machine, publish, table
from metric_face import diagnose
from metric_face.losses.angles import cosines, estimate

OVERLAPS = (0.1, 0.3, 0.42, 0.6, 0.9)
SIZES = ((64, 200), (256, 100), (256, 200), (256, 400))
KAPPAS = (-0.5, 0.0, 0.4)
EPOCHS = (1, 3, 9)
Doubles = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    sections = [_overlaps(options.seeds), _angles(4 * options.seeds), _labels(options.seeds)]
    command = "python -m benchmarks.why_intervals" + (
        f" --seeds {options.seeds}" if options.seeds != 10 else ""
    )
    title = "Intervals of `why` where the truth is known"
    publish("why_intervals", title, command, machine("numpy", "scikit-learn", "cleanlab"), sections)


def two_classes(
    seed: int, dimensions: int, identities: int, overlapping: float
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Two Gaussian classes that share ``overlapping``, three images of each identity."""
    rng = np.random.default_rng([seed, 6])
    kind, who = np.arange(identities) % 2, np.repeat(np.arange(identities), 3)
    vectors = 0.8 * rng.normal(size=(identities, dimensions))[who]
    vectors += 0.6 * rng.normal(size=(len(who), dimensions))
    vectors[:, 0] += -2 * norm.ppf(overlapping / 2) * kind[who]
    return vectors.astype(np.float32), kind[who], who


def _overlaps(seeds: int) -> str:
    rows, held, of, wrong = [], 0, 0, 0
    for dimensions, identities in SIZES:
        for true in OVERLAPS:
            values, covered, said = [], 0, 0
            for seed in range(seeds):
                found = diagnose(*two_classes(seed, dimensions, identities, true), questions=["overlap"])
                pairs = found.tables["overlap.pairs"]
                pair = dict(zip(pairs.columns, pairs.rows[0], strict=True))
                values.append(pair["overlap"])
                covered += pair["low"] <= true <= pair["high"]
                said += found.answers[0].verdict.value == "supported"
            held, of, wrong = held + covered, of + seeds, wrong + (said if true < 0.5 else 0)
            cells = (f"{np.mean(values):.2f}", f"{covered} of {seeds}", f"{said} of {seeds}")
            rows.append((dimensions, identities, true, *cells))
            print(*rows[-1], sep=" | ", flush=True)
    head = ("dimensions", "identities", "true overlap", "mean estimate", "interval holds it", "A supported")
    note = f"Held: {held} of {of} ({held / of:.2f}). A supported where the overlap is below a half: {wrong}."
    return f"## Overlap of two classes\n\n{table(head, rows)}\n\n{note}"


def _angles(seeds: int) -> str:
    rows = []
    for epochs in EPOCHS:
        for true in KAPPAS:
            plain, widened, answered = 0, 0, 0
            for seed in range(seeds):
                found = _angle(seed, true, epochs)
                if found is None:
                    continue
                answered += 1
                plain += found[0] <= true <= found[1]
                widened += found[2] <= true <= found[3]
            rows.append(
                (
                    epochs,
                    true,
                    answered,
                    f"{plain / max(answered, 1):.2f}",
                    f"{widened / max(answered, 1):.2f}",
                )
            )
            print(*rows[-1], sep=" | ", flush=True)
    head = ("epochs", "true kappa", "trainings", "logged interval holds it", "as `why` widens it")
    note = "Each image has a gradient of its own, the same in every epoch; batches of 8 are drawn anew."
    return f"## Angle between two losses\n\n{table(head, rows)}\n\n{note}"


def _angle(seed: int, true: float, epochs: int) -> tuple[float, float, float, float] | None:
    """Ends of the logged interval, and of the one that the diagnosis gives."""
    rng = np.random.default_rng([seed, 8])
    images, size, wide = 1600, 8, 16
    a = np.eye(wide)[0]
    b = true * a + np.sqrt(1 - true**2) * np.eye(wide)[1]
    own = [one + 1.5 * rng.normal(size=(images, wide)) for one in (a, b)]
    probes = []
    for _ in range(epochs):
        for batch in rng.permutation(images).reshape(-1, size):
            halves = np.split(batch, 2)
            probes.append(cosines(*(g[half].mean(axis=0) for g in own for half in halves)))
    found = estimate(probes, seed=seed)
    if found.abstains:
        return None
    log = pd.DataFrame(
        {
            "step": np.arange(epochs) * (images // size),
            "epoch": np.arange(epochs),
            "conflict/kappa": found.kappa,
            "conflict/low": found.low,
            "conflict/high": found.high,
            "conflict/probes": float(len(probes)),
            "batches_promised": images // size,
        }
    )
    answer = diagnose(np.eye(4), [0, 0, 1, 1], questions=["conflict"], log=log).answers[0].measure
    return found.low, found.high, answer.low, answer.high


def _labels(seeds: int) -> str:
    rows = []
    for share in (0.0, 0.05, 0.15):
        ours, theirs, said = [], [], 0
        for seed in range(seeds):
            world = draw(seed, identities=160, each=1)
            rng = np.random.default_rng([seed, 9])
            kind = world["labels"]["kind"]
            wrong = rng.random(len(kind)) < share
            written = np.where(wrong, (kind + rng.integers(1, 3, len(kind))) % 3, kind)
            found = diagnose(world["embeddings"], {"kind": written}, questions=["label_errors"])
            suspects = next((f for f in found.findings if f.id == "label_errors.wrong"), None)
            said += suspects is not None
            named = np.empty(0, dtype=int) if suspects is None else suspects.rows
            ours.append(_scores(named, wrong))
            theirs.append(_scores(_cleanlab(found.context), wrong))
        means = [_mean(np.array(side)) for one in (ours, theirs) for side in zip(*one, strict=True)]
        rows.append((f"{share:.0%}", f"{said} of {seeds}", *means))
        print(*rows[-1], sep=" | ", flush=True)
    head = ("wrong", "named at all", "precision", "recall", "cleanlab: precision", "recall")
    return f"## Wrong labels among 160 images\n\n{table(head, rows)}"


def _cleanlab(context: object) -> NDArray[np.int64]:
    from metric_face.diagnosis.questions.label_errors import cleanlab_suspects

    return cleanlab_suspects(context, "kind")  # type: ignore[arg-type]


def _scores(named: NDArray[np.int64], wrong: NDArray[np.bool_]) -> tuple[float, float]:
    hits = float(wrong[named].sum())
    return (hits / len(named) if len(named) else np.nan), (hits / wrong.sum() if wrong.any() else np.nan)


def _mean(values: Doubles) -> str:
    return f"{np.nanmean(values):.2f}" if np.isfinite(values).any() else "-"


if __name__ == "__main__":
    main()
