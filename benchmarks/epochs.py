"""What an epoch is worth: identity batches that show every image, and shuffled batches, by the images they draw.

    python -m benchmarks.epochs [--identities 170] [--seeds 3] [--epochs 6]

Each training is kept as it ends; a call that was stopped goes on with the next one.
Where classes are rare, an epoch of ``coverage="images"`` draws more images than there are: a batch takes at most K of
a common class. The arms: that epoch as it is; fewer of them, so that as many images are drawn as if an epoch were
as long as the data; and shuffled batches, of as many images each. Drawn faces, 18 joint classes, cross-entropy from
scratch.
"""

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Kept, machine, publish, table, timed
from metric_face.config import load_config
from metric_face.data import prepare_data
from metric_face.demo import SETTINGS
from metric_face.synthetic_faces import make_faces
from metric_face.training import fit, plan_training


def settings(faces: Path, seed: int, epochs: int, batches: str) -> Any:
    given = {
        **SETTINGS,
        "loss": {"metric": "none", "label": "joint"},
        "sampler": {"batches": batches},
        "trainer": {"epochs": epochs, "export_onnx": False},
        "seed": seed,
    }
    return load_config(given, values={"data.path": faces})


def train(config: Any, folder: Path, data: Any) -> tuple[float, float]:
    """Train, and return the best macro F1 and the seconds of the processor."""
    run, taken = timed(lambda: fit(config, folder, data=data, quiet=True))
    return run.facts["best"], taken.processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--identities", type=int, default=170, help="to draw, 7 images each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    settled = {"identities": options.identities, "epochs": options.epochs}
    kept = Kept("epochs", settled)
    found: dict[str, list[tuple[float, float, int]]] = {}
    with tempfile.TemporaryDirectory() as name:
        faces = Path(name) / "faces"
        make_faces(faces, identities=options.identities, size=(96, 128))
        first = settings(faces, 0, options.epochs, "identity").settled(True)
        data = prepare_data(first.data)
        images = len(data.table.in_split("train"))
        drawn = plan_training(data, first).sampler.epoch_batches(0).size
        shorter = max(1, round(options.epochs * images / drawn))
        longer = round(options.epochs * drawn / images)
        arms = {
            f"identity batches, {options.epochs} epochs": (options.epochs, "identity"),
            f"identity batches, {shorter} epochs": (shorter, "identity"),
            f"shuffled batches, {options.epochs} epochs": (options.epochs, "shuffled"),
            f"shuffled batches, {longer} epochs": (longer, "shuffled"),
        }
        for seed in range(options.seeds):
            for arm, (epochs, batches) in arms.items():
                config = settings(faces, seed, epochs, batches)
                of_epoch = plan_training(data, config.settled(True)).sampler.epoch_batches(0).size
                folder = Path(name) / f"{seed}-{arm}"
                score, processor = kept.get(f"{arm}, seed {seed}", partial(train, config, folder, data))
                found.setdefault(arm, []).append((score, processor, epochs * of_epoch))
                print(arm, seed, found[arm][-1], flush=True)
    rows = [
        [
            arm,
            f"{each[0][2]:,}",
            f"{statistics.mean(score for score, _, _ in each):.3f}",
            f"{min(score for score, _, _ in each):.3f} to {max(score for score, _, _ in each):.3f}",
            f"{statistics.median(seconds for _, seconds, _ in each):.0f}",
        ]
        for arm, each in found.items()
    ]
    text = (
        f"{images:,} training images; an epoch of identity batches draws {drawn:,}, {drawn / images:.2f} x as many. "
        f"Macro F1 of 18 joint classes on validation, best epoch, {options.seeds} seeds.\n\n"
        + table(["arm", "images drawn", "macro F1", "least to most", "processor s"], rows)
    )
    command = (
        f"python -m benchmarks.epochs --identities {options.identities} --seeds {options.seeds} "
        f"--epochs {options.epochs}"
    )
    publish("epochs", "What an epoch is worth", command, machine("torch", "lightning", "timm"), [text])
    kept.forget()


if __name__ == "__main__":
    main()
