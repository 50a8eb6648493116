"""Does a metric loss help on the frozen features of a pretrained backbone, and which? By identity or by class.

``python -m benchmarks.metric_loss --shared ../shared`` computes the features, trains what is missing, one cell (set,
start of the projection, loss, seed) after the other, and writes the table of what there is; a stopped run goes on where
it was. ``--report`` only writes the table.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frozen_features import SETS, features_of
from benchmarks.harness import machine, publish
from benchmarks.metric_loss_table import INTRODUCTION, choices, section
from metric_face.config import Config

SEEDS = (0, 1)
STEPS = 330


def _triplet(margin: float | str = 0.2, mining: str = "batch_hard", weight: float = 1.0) -> dict[str, Any]:
    return {
        "metric": "triplet",
        "arguments": {"margin": margin, "mining": mining},
        "metric_weight": weight,
    }


ARMS: dict[str, dict[str, Any]] = {
    "none": {"metric": "none"},
    "triplet hard .2": _triplet(),
    "triplet all .2": _triplet(mining="batch_all"),
    "SupCon": {"metric": "pml.SupConLoss"},
    "triplet hard .2, weight .1": _triplet(weight=0.1),
    "ArcFace": {"metric": "pml.ArcFaceLoss"},
    "MultiSimilarity": {"metric": "pml.MultiSimilarityLoss"},
    "triplet hard .1": _triplet(0.1),
    "triplet hard soft": _triplet("soft"),
    "triplet all .2, weight .3": _triplet(mining="batch_all", weight=0.3),
    "triplet semi-hard .2": _triplet(mining="semi_hard"),
    "soft F1": {"metric": "none", "f1_weight": 1.0, "f1_ramp": 100},
    "triplet all .2 + soft F1": {**_triplet(mining="batch_all"), "f1_weight": 1.0, "f1_ramp": 100},
}
STARTS = ("discriminant", "whitened")


class Prepared:
    """A set with its features, read once."""

    def __init__(self, name: str, shared: Path, work: Path) -> None:
        self.config, self.data, self.features = features_of(name, shared, work)
        split = self.data.table.frame["split"].to_numpy()
        self.train, self.val = np.flatnonzero(split == "train"), np.flatnonzero(split == "val")
        self.maps: dict[str, Any] = {}


def config_of(config: Config, arm: str, start: str, seed: int) -> Config:
    """The configuration of a cell; the number of epochs is settled once the batches are known."""
    loss = config.loss.model_copy(update=ARMS[arm])
    model = config.model.model_copy(update={"projection": start})
    return config.model_copy(update={"loss": loss, "model": model, "seed": seed})


def train_cell(prepared: Prepared, arm: str, start: str, seed: int, out: Path) -> None:
    """Train what lies past the backbone, and keep what head, neighbors and nearest image say of validation."""
    import torch

    from metric_face.features import whitening
    from metric_face.models import EmbeddingModel
    from metric_face.training.before_training import projection_to_labels
    from metric_face.training.components import head_sizes
    from metric_face.training.frozen import CachedSplits
    from metric_face.training.module import TrainingModule
    from metric_face.training.objective import build_objective
    from metric_face.training.on_features import train_past_backbone
    from metric_face.training.readiness import Readiness
    from metric_face.training.training_plan import plan_training

    started = time.process_time()
    torch.manual_seed(seed)
    config, space = config_of(prepared.config, arm, start, seed), prepared.data.space
    alone = config.loss.metric == "none" and space is None
    planned = (
        replace_loss(config) if alone else config
    )  # nothing is trained, and the labels are needed all the same
    plan = plan_training(prepared.data, planned)
    epochs = 0 if alone else max(1, round(STEPS / len(plan.sampler)))
    config = planned.model_copy(
        update={"optimizer": planned.optimizer.model_copy(update={"freeze_epochs": epochs})}
    )
    ready = Readiness(config, prepared.data, plan)
    cached = CachedSplits(prepared.features, prepared.train, prepared.val)
    heads = head_sizes(space, config)
    made = config.model
    model = EmbeddingModel(
        made.backbone,
        heads,
        embedding_size=made.embedding_size,
        neck=made.neck,
        feature_dropout=made.feature_dropout,
    )
    if start not in prepared.maps:  # the same for every seed and loss
        plain = np.asarray(prepared.features.plain[prepared.train])
        fitted = projection_to_labels(cached, model.embedding_size, ready)
        prepared.maps[start] = fitted or whitening(plain, model.embedding_size)
    found = prepared.maps[start]
    model.start_projection(*(torch.from_numpy(part[: found.rank]) for part in (found.weight, found.bias)))
    drawn = plan.sampler.epoch_batches(0).ravel()
    objective = build_objective(config.loss, plan.codes, drawn, heads, embedding_size=model.embedding_size)
    module = TrainingModule(model, objective, config, space)
    if epochs:
        train_past_backbone(module, cached, ready, epochs, 1.0)
    facts = {"steps": epochs * len(plan.sampler), "seconds": time.process_time() - started}
    module.eval()
    with torch.inference_mode():
        output = module.model(features=torch.from_numpy(np.array(prepared.features.plain)))
    logits = {name: value.numpy() for name, value in output.logits.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.stem + ".part.npz")
    np.savez_compressed(beside, **facts, **answers(prepared, output.embedding.numpy(), logits))
    beside.replace(out)


def replace_loss(config: Config) -> Config:
    """The same batches for a cell that trains nothing."""
    return config.model_copy(
        update={"loss": config.loss.model_copy(update={"metric": "triplet", "arguments": {}})}
    )


def answers(
    prepared: Prepared, vectors: np.ndarray[Any, Any], logits: dict[str, np.ndarray[Any, Any]]
) -> dict[str, np.ndarray[Any, Any]]:
    """Per validation image: its class, what head and neighbors say, whether the nearest image shares its label."""
    from metric_face.classifiers import KNNClassifier
    from metric_face.data import identities_of
    from metric_face.search import NeighborGraph

    table, space = prepared.data.table, prepared.data.space
    known, asked = table.take(prepared.train), table.take(prepared.val)
    gallery, queries = vectors[prepared.train], vectors[prepared.val]
    identities = np.unique(identities_of(asked, prepared.config.data.split.group), return_inverse=True)[1]
    found: dict[str, np.ndarray[Any, Any]] = {"identities": identities}
    labels = identities
    if space is not None:
        labels = true = space.joint(space.encode(asked))
        predicted = space.head_classes({name: values[prepared.val] for name, values in logits.items()})
        knn = KNNClassifier(20).fit(gallery, space.joint(space.encode(known))).predict(queries)
        found |= {
            "true": true,
            "head": space.joint(predicted),
            "knn": knn,
            "classes": np.array(space.num_classes),
        }
    if space is None or prepared.config.loss.label == "identity":
        labels = np.unique(asked.identities.astype(str), return_inverse=True)[1]
    nearest = NeighborGraph.build(queries, 1).ids[:, 0]
    counted = np.bincount(labels)[labels] > 1
    return found | {"hit": labels[nearest] == labels, "counted": counted}


def cells(names: list[str], work: Path) -> list[tuple[str, str, str, int, Path]]:
    """All cells, one seed of everything before the next, one loss on every set before the next."""
    every = []
    for seed in SEEDS:
        for arm in ARMS:
            for name in names:
                for start in STARTS:
                    alone = SETS[name].data.get("attributes") == []
                    if alone and ("F1" in arm or (arm == "none" and seed)):
                        continue  # there is no head; and the start alone has no seed
                    file = f"{list(ARMS).index(arm)}-{start}-{seed}.npz"
                    every.append((name, start, arm, seed, work / "cells" / name / file))
    return every


def main() -> None:
    """Train what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="holds data/ and weights/")
    parser.add_argument("--work", type=Path, default=Path("runs/metric_loss"), help="where cells are kept")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--cells", type=int, default=10**6, help="train at most so many cells, then report")
    parser.add_argument("--report", action="store_true", help="train nothing")
    wanted = parser.parse_args()
    every = cells(wanted.sets, wanted.work)
    prepared: dict[str, Prepared] = {}
    todo = [] if wanted.report else [cell for cell in every if not cell[-1].exists()]
    for number, (name, start, arm, seed, out) in enumerate(todo[: wanted.cells]):
        if name not in prepared:
            prepared[name] = Prepared(name, wanted.shared, wanted.work)
        began = time.monotonic()
        train_cell(prepared[name], arm, start, seed, out)
        taken = time.monotonic() - began
        print(f"{number + 1}/{len(todo)} {name} / {start} / {arm} / seed {seed}: {taken:.0f} s", flush=True)
    found: dict[str, dict[tuple[str, str], list[Any]]] = {}
    for name, start, arm, _, file in every:
        if file.exists():
            with np.load(file, allow_pickle=False) as stored:
                found.setdefault(name, {}).setdefault((start, arm), []).append(dict(stored))
    publish(
        "metric_loss",
        "Metric losses on frozen features",
        "python -m benchmarks.metric_loss --shared ../shared",
        machine("torch", "timm", "pytorch-metric-learning"),
        [INTRODUCTION, choices(found), *(section(name, arms) for name, arms in found.items())],
    )


if __name__ == "__main__":
    main()
