"""Disturb `train` in every way, go on, and compare the model with an undisturbed one's.

Killed at every file operation and at random moments, stopped by SIGTERM, on a full disk, two commands at once.
"""

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, publish, table
from benchmarks.training_disturbances import all_of
from benchmarks.training_trials import COLUMNS, Trial
from metric_face.config import Config, dump_config, load_config
from metric_face.training.fitting import fit

EPOCHS = 5
TRAININGS: dict[str, dict[str, dict[str, Any]]] = {
    "triplet and heads": {},
    "averaged weights, two batches a step": {"optimizer": {"accumulate": 2}, "trainer": {"ema": 0.9}},
    "folds": {"trainer": {"epochs": 2}},
}


def settings(data: Path, seed: int, /, **changes: Any) -> Config:
    """A training of well under a second: 48 images of 16 px, five epochs."""
    values: dict[str, Any] = {
        "seed": seed,
        "data": {"path": str(data), "attributes": ["color", "shape"], "size": [16, 16], "workers": 0},
        "model": {"backbone": "test_resnet", "embedding_size": 16, "pretrained": False},
        "sampler": {"identities": 2, "instances": 4},
        "loss": {"metric": "triplet", "label": "color", "probe_every": 0},
        "optimizer": {"lr": 3e-3},
        "trainer": {"epochs": EPOCHS, "export_onnx": False},
    }
    for section, content in changes.items():
        values[section] |= content
    return load_config(values)


def begin_with_a_best_that_is_not_last(data: Path, home: Path, **changes: Any) -> Config:
    """The first seed whose best epoch is neither the first nor among the last two."""
    for seed in range(40):
        config, run = settings(data, seed, **changes), home / f"seed-{seed}"
        best = fit(config, run, quiet=True).facts["best_epoch"]
        shutil.rmtree(run)
        if 0 < best < EPOCHS - 2:
            return config
    raise SystemExit("no seed gives a best epoch before the last two")


def draw_images(folder: Path) -> Path:
    """48 noisy squares and discs in two colors, four of each of twelve identities."""
    from tests.conftest import draw_toy

    draw_toy(folder, identities=12, size=16)
    return folder


def trained(place: Path, data: Path, name: str, until: float, most: int, each: int) -> list[list[object]]:
    """The disturbances of one kind of training, as many as are begun before the clock says ``until``."""
    home, spare = place / name.replace(" ", "-").replace(",", ""), place / f"tmp of {name}"
    for folder in (home, spare):
        folder.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(spare)
    if name == "folds":
        config, words = settings(data, 0, **TRAININGS[name]), ["--folds", "2"]
    else:
        config, words = begin_with_a_best_that_is_not_last(data, home, **TRAININGS[name]), []
    file = place / f"{home.name}.yaml"
    file.write_text(dump_config(config))
    trial = Trial(file, words, home, spare)
    for disturb, number in all_of(trial, most, each):
        if time.monotonic() > until:
            break
        disturb(trial, number)
    return [
        [name, kind, *(outcomes[key] for key in COLUMNS)] for kind, outcomes in sorted(trial.outcomes.items())
    ]


def main() -> None:
    """Run the cases and publish what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A few of each, printed and not published.")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="Time after which no other case is begun."
    )
    given = parser.parse_args()
    most, each = (6, 2) if given.quick else (10_000, 20)
    until = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = draw_images(place / "images")
        with ProcessPoolExecutor(len(TRAININGS), multiprocessing.get_context("fork")) as pool:
            made = [pool.submit(trained, place, data, name, until, most, each) for name in TRAININGS]
            rows = [row for one in made for row in one.result()]
    total = ["all", "", *(sum(int(str(row[i])) for row in rows) for i in range(2, 2 + len(COLUMNS)))]
    shown = table(["training", "disturbed by", *COLUMNS], [*rows, total])
    if given.quick:
        print(shown)
    else:
        publish(
            "robustness-train_kills",
            "Trainings that are killed, stopped, crowded or without room, and go on",
            f"python -m benchmarks.robust_train_kills --minutes {given.minutes:g}",
            machine("torch", "lightning"),
            [
                f"A training of {EPOCHS} epochs, whose best is neither the first nor among the last two, is disturbed, "
                "then gone on with by `train --resume`. *Same model*: `model.safetensors` is that of an undisturbed "
                "training, byte for byte. *Same files*: nothing else is left in the run; *left elsewhere*: beside it, "
                "or in the folder for temporary files, which is on another file system than the full disk. Kills "
                "before a file operation are placed by an audit hook. *Said wrongly*: a traceback; SIGTERM without "
                "exit code 143 and one line how to go on; a full disk without exit code 1 and one line; of two "
                "commands at once one that was refused in anything but one line.",
                shown,
            ],
        )
    wanted = total[2 + COLUMNS.index("cases")]
    clean = (total[2 + COLUMNS.index(name)] for name in ("said wrongly", "left elsewhere"))
    if any(total[2 + COLUMNS.index(name)] != wanted for name in ("same model", "same files")) or any(clean):
        raise SystemExit("a training that was disturbed and gone on with did not end as an undisturbed one")


if __name__ == "__main__":
    main()
