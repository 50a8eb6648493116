"""Verification on LFW: pairs as LFW has them, by a backbone's features as they are and by a model trained on LFW.

    python -m benchmarks.pairs [--shared ../shared] [--out runs/pairs]

Each step is the command that a user types, and a step that is finished is not run again. Without ../shared there is
nothing to measure, and it says so.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.harness import machine, publish, table

if TYPE_CHECKING:
    from metric_face.data import ImageTable
    from metric_face.evaluation import ImagePairs

BACKBONE = "tf_efficientnet_lite0"
HALF = ["--set", "data.attributes=[]", "--set", "data.size=96", "--set", "data.split.val=0.5"]
RATES = ("0.1", "0.01", "0.001", "0.0001")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("runs/pairs"))
    given = parser.parse_args()
    images, weights = given.shared / "data/lfw", given.shared / f"weights/{BACKBONE}.safetensors"
    if absent := [str(place) for place in (images, weights) if not place.exists()]:
        return print(f"skipped: {' and '.join(absent)} must be there; give the folder of both with --shared")
    given.out.mkdir(parents=True, exist_ok=True)
    report(given.out, make_runs(images, weights, given.out))


def make_runs(images: Path, weights: Path, out: Path) -> dict[str, Path]:
    """The vectors of both models, by the name in the tables; the split is the same, since its seed and images are."""
    plain, trained = out / "features", out / "trained"
    steps: dict[Path, list[list[str]]] = {
        plain: [
            [
                "embed",
                "--backbone",
                BACKBONE,
                "--weights",
                f"{weights}",
                f"{images}",
                *HALF,
                "--out",
                f"{plain}",
            ]
        ],
        trained: [
            [
                "train",
                f"{images}",
                "--frozen",
                "--set",
                f"model.weights={weights}",
                *HALF,
                "--out",
                f"{trained}",
            ],
            ["embed", f"{trained}"],
        ],
    }
    for run, commands in steps.items():
        if not (run / "embeddings" / "embeddings.json").is_file():
            for words in commands:
                call(words)
    return {"features as they are": plain, "trained on the other half": trained}


def call(words: Sequence[str]) -> Any:
    """One command with ``--json``, and its answer."""
    done = subprocess.run(
        [sys.executable, "-m", "metric_face", *words, "--json"], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def write_as_lfw(pairs: "ImagePairs", table: "ImageTable", file: Path) -> None:
    """Write pairs in the form of LFW's ``pairs.txt``: of each fold the genuine ones, then as many impostors."""
    names = [Path(str(path)).stem.rpartition("_") for path in table.frame["path"]]
    assert pairs.folds is not None
    count = int(pairs.folds.max()) + 1
    lines = [f"{count}\t{len(pairs) // (2 * count)}"]
    for fold in range(count):
        for same in (True, False):
            for pair in np.flatnonzero((pairs.folds == fold) & (pairs.same == same)):
                (who, _, one), (whom, _, other) = names[pairs.first[pair]], names[pairs.second[pair]]
                lines.append("\t".join([who, str(int(one)), *([] if same else [whom]), str(int(other))]))
    file.write_text("\n".join(lines) + "\n", "utf-8")


def report(out: Path, runs: dict[str, Path]) -> None:
    """Evaluate both models on one file of pairs and on all pairs, and publish the tables."""
    from metric_face.evaluation.pairs import drawn_pairs
    from metric_face.run import Run

    tables = [Run.open(run).embeddings().table for run in runs.values()]
    held = tables[0].in_split("val")
    assert held.frame["path"].tolist() == tables[1].in_split("val").frame["path"].tolist()
    drawn, file = drawn_pairs(held), out / "pairs.txt"
    write_as_lfw(drawn, held, file)
    seen = set(tables[1].in_split("train").frame["identity"])
    met = set(held.frame["identity"][np.unique([drawn.first, drawn.second])])
    protocol = {name: call(["evaluate", str(run), "--pairs", str(file)]) for name, run in runs.items()}
    every = {name: call(["evaluate", str(run), "--pairs", "all"]) for name, run in runs.items()}
    scores = {name: found["verification"] for name, found in protocol.items()}
    better, worse = (np.array(scores[name]["fold_accuracies"]) for name in reversed(runs))
    gain = better - worse
    folds = len(scores[next(iter(runs))]["fold_accuracies"])
    words = (
        f"{len(tables[0]):,} images of LFW, {BACKBONE} at 96 px. Half of the images are for training, of {len(seen):,} "
        f"identities; the pairs show {len(met):,} others, and {len(seen & met)} of those trained on. They are drawn as "
        f"LFW's pairs were, in {folds} folds of whole identities, written in the form of LFW's `pairs.txt`, and read "
        "by `evaluate --pairs pairs.txt`. They are not LFW's own pairs, and 7,214 of its 13,233 images are missing, "
        "so the figures stand beside each other and not beside published ones."
    )
    paired = (
        f"The trained model is more accurate in {int((gain > 0).sum())} of {folds} folds, by {gain.mean():+.3f} in the "
        f"mean, with a standard error of {gain.std(ddof=1) / folds**0.5:.3f} over the folds. It is what `train "
        "--frozen` keeps: a projection to identities, learned from the training half on cached features."
    )
    counts = np.sort(held.frame["identity"].value_counts().to_numpy())[::-1].astype(np.int64)
    genuine = counts * (counts - 1) // 2
    rates = (
        "All pairs of the same half, for the false-accept rates that 3,000 impostor pairs cannot measure. The ten "
        f"identities with the most images make {genuine[:10].sum() / genuine.sum():.0%} of the genuine pairs, hence "
        "the width of the intervals."
    )
    publish(
        "pairs",
        "Verification on LFW",
        "python -m benchmarks.pairs",
        machine("torch", "timm", "numpy"),
        [words, protocol_table(scores), paired, rates, rates_table(every)],
    )


def protocol_table(scores: dict[str, Any]) -> str:
    """The ten folds: accuracy as LFW is published, and the ROC."""
    rows = [
        (
            name,
            f"{one['genuine']:,} + {one['impostor']:,}",
            shown(one["accuracy"]),
            f"{one['accuracy_error']:.4f}",
            shown(one["eer"]),
            shown(one["auc"]),
            *(shown(one["tpr_at_far"][rate]) for rate in RATES[:2]),
        )
        for name, one in scores.items()
    ]
    header = ("model", "pairs", "accuracy", "standard error over folds", "EER", "area under ROC")
    return table((*header, *(f"TPR at FAR {rate}" for rate in RATES[:2])), rows)


def rates_table(every: dict[str, Any]) -> str:
    """All pairs: true-positive rates down to a false-accept rate of 1e-4."""
    rows = []
    for name, found in every.items():
        one = found["verification"]
        rows.append(
            (
                name,
                f"{one['genuine']:,} + {one['impostor']:,}",
                shown(one["eer"]),
                *(shown(one["tpr_at_far"][rate]) for rate in RATES),
            )
        )
    return table(("model", "pairs", "EER", *(f"TPR at FAR {rate}" for rate in RATES)), rows)


def shown(score: dict[str, float]) -> str:
    """A value with its interval over identities."""
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


if __name__ == "__main__":
    main()
