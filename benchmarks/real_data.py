"""The main job on real images: train, embed, index, ask, evaluate and draw, each with the command that a user types.

    python -m benchmarks.real_data [--data ../shared/data] [--out runs/real] [SET ...]

A set that is finished is not run again, so a killed command can be given again. Without the data it says so.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, publish, table

# What each set is trained for; from scratch, at a size that two cores finish in minutes.
SETS: dict[str, list[str]] = {
    "utkface": [
        "data.attributes=[gender, age]",
        "data.bins={age: [30, 60]}",
        "data.size=[64, 64]",
        "data.augmentation={erase: 0.2}",
        "loss.metric=none",
        "sampler.batches=shuffled",
        "model.pretrained=false",
        "optimizer.lr=2e-3",
        "trainer.epochs=11",
    ],
    "masks3": [
        "data.attributes=[mask]",
        "data.split.group=source",
        "data.size=[64, 64]",
        "loss.metric=triplet",
        "loss.label=mask",
        "model.pretrained=false",
        "optimizer.lr=2e-3",
        "trainer.epochs=8",
    ],
    "lfw": [
        "data.attributes=[]",
        "data.size=[64, 64]",
        "loss.label=identity",
        "sampler.singletons=drop",
        "loss.arguments={mining: batch_all}",
        "model.pretrained=false",
        "optimizer.lr=2e-3",
        "trainer.epochs=5",
    ],
    "omniglot": [
        "data.attributes=[]",
        "data.split.group=alphabet",
        "data.size=[48, 48]",
        "data.augmentation={flip: 0.0, color: 0.0, rotate: 10.0}",
        "loss.label=identity",
        "sampler.coverage=identities",
        "loss.arguments={mining: batch_all}",
        "model.pretrained=false",
        "optimizer.lr=2e-3",
        "trainer.epochs=12",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/real"))
    parser.add_argument("sets", nargs="*", default=[])
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data}: no such folder; give the real sets with --data")
    for name in arguments.sets or SETS:
        finished = arguments.out / f"{name}.json"
        if not finished.is_file():
            found = run_set(name, arguments.data, arguments.out / name)
            finished.write_text(json.dumps(found, indent=2))
    report(arguments.out)


def run_set(name: str, data: Path, run: Path) -> dict[str, Any]:
    """Every command of the main job on one set."""
    settings = [word for setting in SETS[name] for word in ("--set", setting)]
    resume = ["--resume"] if (run / "checkpoints" / "last.ckpt").is_file() else []
    steps = {
        "train": ["train", str(data / name), *settings, "--out", str(run), *resume],
        "embed": ["embed", str(run)],
        "index": ["index", str(run)],
        "evaluate": ["evaluate", str(run)],
        "visualize": ["visualize", str(run)],
    }
    found: dict[str, Any] = {"commands": [], "seconds": {}}
    for step, words in steps.items():
        found[step], found["seconds"][step] = call(words)
        found["commands"].append(
            " ".join(f"'{word}'" if " " in word else word for word in ["metric-face", *words])
        )
    asked = sorted((data / name).rglob("*.[jp][pn]g"))[:1]
    found["knn"], found["seconds"]["knn"] = call(["knn", str(run), *map(str, asked)])
    return found


def call(words: list[str]) -> tuple[Any, float]:
    """One command with ``--json``; its answer and its seconds."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "metric_face", *words, "--json"], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout), round(time.monotonic() - started, 1)


def report(out: Path) -> None:
    """The table of every set that is finished."""
    found = {
        name: json.loads((out / f"{name}.json").read_text())
        for name in SETS
        if (out / f"{name}.json").is_file()
    }
    if not found:
        return
    f1_rows, recall_rows, cost_rows = [], [], []
    for name, one in found.items():
        for score in one["evaluate"]["scores"]:
            if score["target"] in ("joint", "mask"):
                f1_rows.append(
                    (name, score["predictor"], score["target"], interval(score["macro_f1"]), score["note"])
                )
        for near in one["evaluate"]["retrieval"]:
            recall_rows.append(
                (
                    name,
                    near["label"],
                    "left out" if near["same_identity_excluded"] else "counts",
                    interval(near["recall_at_1"]),
                    f"{near['r_precision']:.3f}",
                    f"{near['map_at_r']:.3f}",
                    near["queries"],
                )
            )
        facts, seconds = one["train"], one["seconds"]
        cost_rows.append(
            (
                name,
                one["embed"]["images"],
                facts["epochs"],
                f"{facts['seconds']:.0f} s",
                f"{one['embed']['images_per_second']:.0f}",
                *(f"{seconds[step]:.1f} s" for step in ("index", "evaluate", "visualize", "knn")),
            )
        )
    publish(
        "real_data",
        "The main job on real images",
        "python -m benchmarks.real_data",
        machine("torch", "timm", "lightning", "faiss-cpu", "umap-learn"),
        [
            "All backbones are `resnet10t`, from scratch. Scores are of identities (utkface: contents; masks3: source "
            "photographs; omniglot: alphabets) that training has not seen; 95 % intervals over identities.",
            table(("set", "predictor", "target", "macro F1", "kNN setting"), f1_rows),
            table(
                ("set", "label", "same identity", "recall@1", "R-precision", "MAP@R", "queries"), recall_rows
            ),
            table(
                (
                    "set",
                    "images",
                    "epochs",
                    "training",
                    "embed, images/s",
                    "index",
                    "evaluate",
                    "visualize",
                    "knn, one image",
                ),
                cost_rows,
            ),
            "The machine was shared while this ran; seconds are of wall time and include each command's start.",
            "```\n" + "\n".join(line for one in found.values() for line in one["commands"]) + "\n```",
        ],
    )


def interval(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


if __name__ == "__main__":
    main()
