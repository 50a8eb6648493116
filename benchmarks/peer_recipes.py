"""Three peers as their users would write them, each a loop that stops at a deadline and leaves vectors and predictions.

`python -m benchmarks.peer_recipes RECIPE SET --home HOME --weights FILE --out OUT --seconds 60 180` trains in this
process until the last of the deadlines, counted from when the packages are loaded, and writes `OUT/SECONDS.npz` for
each.

- timm: a classifier of the class, or of the identity, on the pooled features; AdamW, cosine by the clock.
- pml: trunk, embedder and classifier of pytorch-metric-learning's example TrainWithClassifier: its sampler, batch-hard
  triplets and cross-entropy, each network with its own Adam.
- oml: what open-metric-learning's documentation describes, with parts of PyTorch and pytorch-metric-learning: P labels
  x K images, batch-hard triplets on normalized features, Adam; no classifier.
- untrained: the features as they are, a line to compare with.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from pytorch_metric_learning import losses, miners, samplers
from safetensors.torch import load_file
from timm.data import create_transform, resolve_model_data_config
from torch import nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.peer_sets import SETS, SIDE, Labels, read_labels

BACKBONE = "tf_efficientnet_lite0"
BATCH = 64
EMBEDDING = 128
RECIPES = ("timm", "pml", "oml", "untrained")
RATES = {"timm": {"trunk": 3e-4, "new": 3e-3}, "pml": {"trunk": 1e-4, "new": 1e-3}, "oml": {"trunk": 1e-4}}
"""Highest learning rates of the trained weights, and of what starts at random."""


class Images(Dataset[Any]):
    """Images of some rows through one of timm's transforms, with their codes."""

    def __init__(self, labels: Labels, rows: Any, transform: Callable[[Any], torch.Tensor]) -> None:
        self.paths = [labels.paths[row] for row in rows]
        self.codes, self.transform = labels.codes[rows], transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.paths[item]) as image:
            return self.transform(image.convert("RGB")), int(self.codes[item])


class Network(nn.Module):
    """Trunk, embedder and classifier, the latter two where a recipe has them."""

    def __init__(self, weights: Path, embedding: int | None, classes: int | None) -> None:
        super().__init__()
        self.trunk = timm.create_model(BACKBONE, num_classes=0)
        given = load_file(weights)
        known = self.trunk.state_dict()
        self.trunk.load_state_dict({**known, **{name: given[name] for name in known if name in given}})
        width = self.trunk.num_features
        self.train_norm = True
        self.embedder = nn.Identity() if embedding is None else nn.Linear(width, embedding)
        self.classifier = None if classes is None else nn.Linear(embedding or width, classes)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        vectors = self.embedder(self.trunk(images.contiguous(memory_format=torch.channels_last)))
        return vectors, None if self.classifier is None else self.classifier(vectors)


@dataclass(frozen=True)
class Recipe:
    """What is trained, on which batches, towards what.

    Attributes:
        network: the network.
        batches: endless batches of images and codes.
        optimizers: each takes a step after every batch.
        loss: of vectors, logits and codes.
        cosine: whether the learning rates fall with the clock.
    """

    network: Network
    batches: Iterator[tuple[torch.Tensor, torch.Tensor]]
    optimizers: list[torch.optim.Optimizer]
    loss: Callable[[torch.Tensor, Any, torch.Tensor], torch.Tensor]
    cosine: bool


def make_recipe(name: str, labels: Labels, weights: Path, scale: float, frozen_norm: bool) -> Recipe:
    """Build a recipe.

    Args:
        name: of ``RECIPES``.
        labels: of the set.
        weights: of the trunk.
        scale: of its learning rates.
        frozen_norm: whether the trunk's batch-norm statistics stay as they are.
    """
    rows = np.flatnonzero(labels.train)
    codes = np.unique(labels.codes[rows], return_inverse=True)[1]
    train = labels._replace(codes=_placed(codes, rows, len(labels.codes)))
    classes = int(codes.max()) + 1
    network = Network(weights, EMBEDDING if name == "pml" else None, None if name == "oml" else classes)
    network = network.to(memory_format=torch.channels_last)
    network.train_norm = not frozen_norm
    images = Images(train, rows, transform(network.trunk, True, labels.flip))
    rates = {kind: rate * scale for kind, rate in RATES.get(name, RATES["timm"]).items()}
    if name == "timm":
        batches = endless(DataLoader(images, BATCH, shuffle=True, drop_last=True))
        new = {"params": network.classifier.parameters(), "lr": rates["new"]}  # type: ignore[union-attr]
        trunk = {"params": network.trunk.parameters(), "lr": rates["trunk"]}
        adam: list[Any] = [torch.optim.AdamW([trunk, new], weight_decay=0.05)]
        return Recipe(network, batches, adam, lambda _, logits, true: cross_entropy(logits, true), True)
    labels_drawn, each = min(classes, 16), max(4, BATCH // classes)
    size = labels_drawn * each
    miner, triplets = miners.BatchHardMiner(), losses.TripletMarginLoss(margin=0.2)
    if name == "pml":
        sampler = samplers.MPerClassSampler(codes, each, size, length_before_new_iter=max(size, len(codes)))
        batches = endless(DataLoader(images, size, sampler=sampler, drop_last=True))
        parts = [(network.trunk, "trunk"), (network.embedder, "new"), (network.classifier, "new")]
        adam = [torch.optim.Adam(part.parameters(), rates[kind]) for part, kind in parts]  # type: ignore[union-attr]

        def both(vectors: torch.Tensor, logits: Any, true: torch.Tensor) -> torch.Tensor:
            return triplets(vectors, true, miner(vectors, true)) + cross_entropy(logits, true)

        return Recipe(network, batches, adam, both, False)
    batches = endless(DataLoader(images, batch_sampler=Balanced(codes, labels_drawn, each)))
    adam = [torch.optim.Adam(network.trunk.parameters(), rates["trunk"])]
    return Recipe(network, batches, adam, lambda v, _, true: triplets(v, true, miner(v, true)), False)


class Balanced:
    """Batches of P labels with K images each, as open-metric-learning describes its BalanceSampler: an epoch shows each
    label once, and an image twice only where a label has fewer than K.

    Args:
        codes: (N,) labels.
        labels: P.
        each: K.
    """

    def __init__(self, codes: np.ndarray[Any, Any], labels: int, each: int) -> None:
        self.rows = [np.flatnonzero(codes == code) for code in np.unique(codes)]
        self.labels, self.each = labels, each

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.labels)

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(len(self.rows)).tolist()
        order += order[: -len(order) % self.labels]  # the last batch is filled up from the first
        for at in range(0, len(order), self.labels):
            yield [row for code in order[at : at + self.labels] for row in self._of(self.rows[code])]

    def _of(self, rows: np.ndarray[Any, Any]) -> list[int]:
        times = math.ceil(self.each / len(rows))
        drawn = torch.cat([torch.randperm(len(rows)) for _ in range(times)])[: self.each]
        return [int(row) for row in rows[drawn.numpy()]]


def cross_entropy(logits: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy."""
    return nn.functional.cross_entropy(logits, codes)


def transform(trunk: nn.Module, training: bool, flip: bool) -> Any:
    """timm's own transform at 96 px, with the values of the weights; crops of half of the area at least."""
    data = {**resolve_model_data_config(trunk), "input_size": (3, SIDE, SIDE)}
    if not training:
        return create_transform(**data)
    return create_transform(
        **data, is_training=True, scale=(0.5, 1.0), hflip=0.5 * flip, color_jitter=None, auto_augment=None
    )


def endless(loader: Iterable[Any]) -> Iterator[Any]:
    """The batches of one epoch after the other."""
    while True:
        yield from loader


def train(recipe: Recipe, deadlines: list[float], since: float) -> dict[float, dict[str, Any]]:
    """Train until the last deadline.

    Returns:
        Deadline -> the weights of the last step before it (``state``), ``steps``, ``images``, and the ``seconds``
        and seconds of the processor (``processor``) that they took.
    """
    highest = [[group["lr"] for group in one.param_groups] for one in recipe.optimizers]
    recipe.network.train()
    steps = images = 0
    longest = 0.0
    left = {}
    for deadline in deadlines:
        while (elapsed := time.monotonic() - since) + longest < deadline:
            began = time.monotonic()
            factor = 0.5 * (1 + math.cos(math.pi * min(1.0, elapsed / deadlines[-1]))) if recipe.cosine else 1
            for one, rates in zip(recipe.optimizers, highest, strict=True):
                for group, rate in zip(one.param_groups, rates, strict=True):
                    group["lr"] = max(1e-8, rate * factor)
            batch, codes = next(recipe.batches)
            hold_norms(recipe.network)
            vectors, logits = recipe.network(batch)
            loss = recipe.loss(vectors, logits, codes)
            for one in recipe.optimizers:
                one.zero_grad()
            loss.backward()
            for one in recipe.optimizers:
                one.step()
            steps, images = steps + 1, images + len(codes)
            longest = max(0.8 * longest, time.monotonic() - began)
            if steps % 20 == 1:
                print(f"{elapsed:.0f} s, step {steps}: loss {loss.item():.3f}", flush=True)
        state = {name: value.clone() for name, value in recipe.network.state_dict().items()}
        taken = time.monotonic() - since
        left[deadline] = {"state": state, "steps": steps, "images": images}
        left[deadline] |= {"seconds": taken, "processor": time.process_time()}
    return left


def hold_norms(network: Network) -> None:
    """Keep the batch-norm statistics of the trunk where that is wanted."""
    if not network.train_norm:
        for module in network.trunk.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def answers(network: Network, labels: Labels) -> dict[str, np.ndarray[Any, Any]]:
    """The vectors of all images, and where there are classes to predict, the class that the classifier gives."""
    network.eval()
    images = Images(labels, np.arange(len(labels.paths)), transform(network.trunk, False, labels.flip))
    with torch.inference_mode():
        made = [network(batch) for batch, _ in DataLoader(images, 128)]
    found = {"vectors": torch.cat([vectors for vectors, _ in made]).numpy()}
    if labels.has_classes and network.classifier is not None:
        found["head"] = torch.cat([logits.argmax(1) for _, logits in made]).numpy()  # type: ignore[union-attr]
    return found


def _placed(values: np.ndarray[Any, Any], rows: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """(count,) -1, and the values at their rows."""
    placed = np.full(count, -1)
    placed[rows] = values
    return placed


def main() -> None:
    """Train one recipe on one set, and write what came of it at each deadline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("set", choices=list(SETS))
    parser.add_argument("--home", type=Path, required=True, help="the folder that write_set wrote")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, nargs="+", default=[180.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="of the learning rates")
    parser.add_argument("--constant", action="store_true", help="no learning rate falls")
    parser.add_argument("--frozen-norm", action="store_true", help="batch-norm statistics stay")
    wanted = parser.parse_args()
    since = time.monotonic()
    torch.manual_seed(wanted.seed)
    np.random.seed(wanted.seed)  # noqa: NPY002, the sampler of pytorch-metric-learning draws from it
    labels = read_labels(wanted.set, wanted.home)
    recipe = make_recipe(wanted.recipe, labels, wanted.weights, wanted.scale, wanted.frozen_norm)
    if wanted.constant:
        recipe = Recipe(recipe.network, recipe.batches, recipe.optimizers, recipe.loss, False)
    wanted.out.mkdir(parents=True, exist_ok=True)
    deadlines = [0.0] if wanted.recipe == "untrained" else sorted(wanted.seconds)
    for deadline, left in train(recipe, deadlines, since).items():
        recipe.network.load_state_dict(left.pop("state"))
        found = answers(recipe.network, labels)
        if wanted.recipe == "untrained":
            found.pop("head", None)
        np.savez(wanted.out / f"{deadline:g}.npz", **left, **found)


if __name__ == "__main__":
    main()
