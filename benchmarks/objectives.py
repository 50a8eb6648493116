"""Does it help? Objectives of equal budget on real and synthetic images, judged on identities they never saw.

``python -m benchmarks.objectives --data ../shared/data`` trains what is missing, one cell (data, objective, seed)
after the other, and writes the table of what there is; a stopped run goes on where it was. ``--report`` only
writes the table. Every cell has the same network, start, learning rate, number of steps and images a step.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import machine, publish
from benchmarks.objectives_table import INTRODUCTION, section
from metric_face.config import Config, load_config
from metric_face.data.preparation import PreparedData, prepare_data

SEEDS = (0, 1, 2)
IMAGES_A_STEP = 48
SIZE = 40
MOST_IMAGES = 5000

TRIPLET: dict[str, Any] = {"metric": "triplet", "arguments": {"margin": 0.2}}
SHUFFLED = ("ce", "ce + soft F1", "logit adjusted")
ARMS: dict[str, tuple[dict[str, Any], str]] = {
    "ce": ({"metric": "none"}, "bn"),
    "ce, P x K batches": ({"metric": "none"}, "bn"),
    "ce + soft F1": ({"metric": "none", "f1_weight": 1.0}, "bn"),
    "logit adjusted": ({"metric": "none", "classifier": "logit_adjusted"}, "bn"),
    "triplet + ce, no neck": (TRIPLET, "none"),
    "triplet + ce, bn neck": (TRIPLET, "bn"),
    "triplet + ce, cosine neck": (TRIPLET, "cosine"),
    "triplet + soft F1 + ce": ({**TRIPLET, "f1_weight": 1.0}, "bn"),
}
"""Name -> the loss section and the neck. The second is the control: the triplet's batches without the triplet."""


@dataclass(frozen=True)
class Task:
    """A data set, what is predicted of it, and what the triplet loss goes by."""

    folder: str
    data: dict[str, Any]
    label: str
    per_batch: int
    identity: str | None = None
    """The column whose values are resampled together; default the identity."""


TASKS = {
    "utkface": Task("utkface", {"attributes": ["gender", "age"], "bins": {"age": [30, 60]}}, "joint", 6),
    "masks3": Task("masks3", {"attributes": ["mask"], "split": {"group": "source"}}, "mask", 3, "source"),
    "lfw": Task("lfw", {"attributes": ["gender"]}, "identity", 12),
    "faces": Task("", {"attributes": ["mask", "gender", "age"], "bins": {"age": [30, 60]}}, "joint", 8),
}
FACES_PEOPLE = 400
LFW_LEAST, LFW_MOST = 3, 20


def configuration(task: Task, arm: str, seed: int, steps: int, path: Path) -> Config:
    """The run of one cell."""
    loss, neck = ARMS[arm]
    split = {"val": 0.3, **task.data.get("split", {})}
    several = len(task.data["attributes"]) > 1
    return load_config(
        {
            "data": {
                **task.data,
                "augmentation": {"scale": 1.0, "color": 0.0},
                "path": str(path),
                "split": split,
                "size": [SIZE, SIZE],
                "workers": 0,
            },
            "model": {
                "backbone": "test_resnet",
                "pretrained": False,
                "embedding_size": 64,
                "neck": neck,
                "heads": "joint" if several else "attributes",
            },
            "sampler": {
                "batches": "shuffled" if arm in SHUFFLED else "identity",
                "identities": task.per_batch,
                "instances": IMAGES_A_STEP // task.per_batch,
                "batch_size": IMAGES_A_STEP,
            },
            "loss": {**loss, "label": task.label, "f1_ramp": steps // 4},
            "optimizer": {"lr": 2e-3},
            "seed": seed,
        }
    )


def images_of(name: str, task: Task, data: Path, work: Path) -> Path:
    """Where the images of a task are; draws the synthetic ones, takes at most 5,000, and of lfw whom it shows often."""
    if name == "faces":
        from metric_face.synthetic_faces.faces import make_faces

        place = work / "faces"
        if not place.exists():
            make_faces(place, identities=FACES_PEOPLE, size=(96, 128), seed=0)
        return place
    source = data / task.folder / "images.csv"
    kept = pd.read_csv(source)
    if name == "lfw":
        kept = kept[kept.groupby("identity")["identity"].transform("size") >= LFW_LEAST]
        kept = kept.groupby("identity").head(LFW_MOST)
    kept = kept.sample(min(len(kept), MOST_IMAGES), random_state=0).sort_index()
    kept = kept.assign(path=[str((source.parent / path).resolve()) for path in kept["path"]])
    chosen = work / f"{name}.csv"
    kept.to_csv(chosen, index=False)
    return chosen


def train_cell(config: Config, data: PreparedData, steps: int, identity: str | None, out: Path) -> None:
    """Train, judge on the part held out, and keep the predictions."""
    import lightning as L

    from metric_face.batches import METRIC, label_columns, make_sampler
    from metric_face.data.transforms import EvalTransform
    from metric_face.models.embedding_model import EmbeddingModel
    from metric_face.training.conflict_callback import ConflictCallback
    from metric_face.training.loaders import train_loader
    from metric_face.training.module import TrainingModule
    from metric_face.training.objective import build_objective

    assert data.space is not None
    L.seed_everything(config.seed, verbose=False)
    train = data.table.in_split("train")
    transform = EvalTransform((SIZE, SIZE))
    codes = label_columns(train, data.space, config)
    sampler = make_sampler(train, codes, config)
    several = config.model.heads == "joint"
    head = "joint" if several else data.space.attributes[0].name
    heads = {head: data.space.num_classes}
    model = EmbeddingModel(
        config.model.backbone, heads, embedding_size=config.model.embedding_size, neck=config.model.neck
    )
    drawn = sampler.epoch_batches(0).ravel()
    objective = build_objective(config.loss, codes, drawn, heads, embedding_size=model.embedding_size)
    module = TrainingModule(model, objective, config, data.space)
    with_metric = METRIC in objective.terms
    watch = ConflictCallback(
        every=2,
        shared_every=0,
        least_probes=100,
        one_side=(METRIC,) if with_metric else (f"{head}/f1",),
        labels=METRIC if with_metric else head,
    )
    trainer = L.Trainer(
        accelerator="cpu",
        max_steps=steps,
        max_epochs=-1,
        gradient_clip_val=config.optimizer.clip,
        callbacks=[watch],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    loader = train_loader(train, transform, codes, sampler, config)
    started = time.monotonic()
    trainer.fit(module, loader)
    seconds = time.monotonic() - started
    whole = watch.estimate().components.get("whole")
    judged = judge(model, transform, data, identity)
    facts = {
        "steps": trainer.global_step,
        "images": IMAGES_A_STEP,
        "seconds": seconds,
        "kappa": None if whole is None else asdict(whole),
        "at_floor": [str(floor) for floor in objective.at_floor()],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.stem + ".part.npz")
    np.savez_compressed(beside, facts=np.array(json.dumps(facts)), **judged)
    beside.replace(out)


def judge(
    model: Any, transform: Any, data: PreparedData, identity: str | None
) -> dict[str, np.ndarray[Any, Any]]:
    """What head, neighbors and probe say of the images held out, and whether each finds its identity."""
    from metric_face.classifiers.knn import KNNClassifier
    from metric_face.classifiers.linear_probe import LinearProbe
    from metric_face.data.targets import targets_of
    from metric_face.extraction import extract
    from metric_face.metrics.retrieval import retrieval_metrics

    embeddings = extract(model, data.table, transform=transform, precision="fp32")
    gallery, queries = embeddings.in_split("train"), embeddings.in_split("val")
    known, asked = targets_of(gallery.table, data.space), targets_of(queries.table, data.space)
    name = "joint" if "joint" in asked else next(iter(asked))
    true, classes = asked[name]
    said = data.space.head_classes(queries.logits)[name]
    knn = KNNClassifier(20).fit(gallery.vectors, known[name][0]).predict(queries.vectors)
    identities, gallery_identities = (_identities(part.table, identity) for part in (queries, gallery))
    probe = LinearProbe(np.logspace(0, -4, 5).tolist()).fit(
        gallery.vectors, known[name][0], groups=gallery_identities
    )
    found = {
        "true": true,
        "head": said,
        "knn": knn,
        "probe": probe.predict(queries.vectors),
        "classes": np.array(len(classes)),
        "identities": np.arange(len(true))
        if identities is None
        else np.unique(identities, return_inverse=True)[1],
    }
    if queries.table.identities is not None:
        found["recall"] = np.array(retrieval_metrics(queries.vectors, found["identities"]).recall[1])
    return found


def _identities(table: Any, identity: str | None) -> Any:
    return table.identities if identity is None else table.column(identity).to_numpy().astype(str)


def missing(tasks: list[str], work: Path) -> Iterator[tuple[str, str, int, Path]]:
    """The cells that are not there yet, one seed of everything before the next."""
    for seed in SEEDS:
        for name in tasks:
            for arm in ARMS:
                out = work / "cells" / name / f"{list(ARMS).index(arm)}-{seed}.npz"
                if not out.exists():
                    yield name, arm, seed, out


def load(name: str, work: Path) -> dict[str, list[dict[str, Any]]]:
    """Arm -> its cells of every seed there is."""
    found: dict[str, list[dict[str, Any]]] = {}
    for number, arm in enumerate(ARMS):
        for seed in SEEDS:
            file = work / "cells" / name / f"{number}-{seed}.npz"
            if file.exists():
                with np.load(file, allow_pickle=False) as stored:
                    cell = dict(stored)
                found.setdefault(arm, []).append({**cell, **json.loads(str(cell["facts"]))})
    return found


def main() -> None:
    """Train what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("runs/objectives"), help="where cells are kept")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--cells", type=int, default=10**6, help="train at most so many cells, then report")
    parser.add_argument("--report", action="store_true", help="train nothing")
    wanted = parser.parse_args()
    import warnings

    warnings.filterwarnings("ignore", module="lightning.*")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    prepared: dict[str, PreparedData] = {}
    todo = [] if wanted.report else list(missing(wanted.tasks, wanted.work))
    for number, (name, arm, seed, out) in enumerate(todo[: wanted.cells]):
        task = TASKS[name]
        wanted.work.mkdir(parents=True, exist_ok=True)
        config = configuration(task, arm, seed, wanted.steps, images_of(name, task, wanted.data, wanted.work))
        if name not in prepared:
            prepared[name] = prepare_data(config.data)
        started = time.monotonic()
        train_cell(config, prepared[name], wanted.steps, task.identity, out)
        print(
            f"{number + 1}/{len(todo)} {name} / {arm} / seed {seed}: {time.monotonic() - started:.0f} s",
            flush=True,
        )
    found = {name: load(name, wanted.work) for name in TASKS}
    publish(
        "objectives",
        "Objectives",
        f"python -m benchmarks.objectives --steps {wanted.steps}",
        machine("torch", "timm", "lightning"),
        [INTRODUCTION, *(section(name, cells) for name, cells in found.items() if cells)],
    )


if __name__ == "__main__":
    main()
