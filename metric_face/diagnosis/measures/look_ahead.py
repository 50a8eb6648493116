"""Look-ahead: does a step along one loss help or hurt the other, on images the step has not seen?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Doubles

if TYPE_CHECKING:
    import torch

    from metric_face.run import Run

FEWEST, BATCHES, IMAGES = 4, 8, 256
"""Batches looked at: as many as make up these images, but not fewer nor more than this."""
REACH = 1e-3
"""Length of the step as a share of the length of the weights: what one step of a usual training does."""
SIDES = ("metric", "heads")


def look_ahead(run: "Run") -> dict[tuple[str, str], Doubles] | None:
    """Measure Z_ij = 1 - L_j(theta - eta grad L_i) / L_j(theta) for the metric loss and the heads' losses.

    Each batch gives a step of the whole model along the gradient of L_i on training images, its length set to
    ``REACH`` of the weights'; L_j is then read on a batch of validation images. The model is copied, in
    evaluation mode, and left alone.

    Args:
        run: a training with a metric loss and heads, whose metric loss has no weights of its own.

    Returns:
        For each (i, j) the values over batches: above zero a step for i helps j, below zero it hurts. None where
        there are not two losses, or the validation split cannot fill a batch.

    Reference:
        Inter-task affinity of Fifty et al., Efficiently Identifying Task Groupings for Multi-Task Learning (2021),
        there over the shared weights and a batch's own images; here over all weights, and measured on other images.
    """
    import torch
    from torch.func import functional_call

    splits = _prepare(run)
    if splits is None:
        return None
    model, losses, pairs = splits
    names, weights = zip(*((n, p) for n, p in model.named_parameters() if p.requires_grad), strict=True)
    size = torch.stack([w.detach().norm() for w in weights]).norm()
    found: dict[tuple[str, str], list[float]] = {(i, j): [] for i in SIDES for j in SIDES}
    for seen, held in pairs:
        with torch.no_grad():
            before = losses(model(held["image"]), held)
        now = losses(model(seen["image"]), seen)
        for i in SIDES:
            slopes = torch.autograd.grad(now[i], weights, retain_graph=True, allow_unused=True)
            kept = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, slopes, strict=True)]
            length = torch.stack([g.norm() for g in kept]).norm()
            if not length > 0:
                continue
            moved = {
                n: w.detach() - REACH * size / length * g
                for n, w, g in zip(names, weights, kept, strict=True)
            }
            with torch.no_grad():
                after = losses(functional_call(model, moved, (held["image"],)), held)
            for j in SIDES:
                if before[j] > 0:
                    found[i, j].append(float(1 - after[j] / before[j]))
    return {pair: np.array(values) for pair, values in found.items() if values}


def _prepare(
    run: "Run",
) -> tuple[Any, Any, list[tuple[dict[str, "torch.Tensor"], dict[str, "torch.Tensor"]]]] | None:
    """The model, a function that reads both losses, and batches of training and validation images."""
    import copy

    import torch

    from metric_face.batches import METRIC, label_columns, make_sampler
    from metric_face.data import file_of
    from metric_face.losses import JointLoss
    from metric_face.models import ModelOutput
    from metric_face.training import build_objective, objective_inputs

    config, space, table = run.config, run.space, run.table
    if "regression" in config.model.head_kinds.values():
        return None  # its loss holds the numbers of the training images alone
    if config.loss.metric == "none" or config.model.heads == "none" or space is None:
        return None
    batches = []
    for split in ("train", "val"):
        if split not in table.splits:
            return None
        rows = table.in_split(split)
        there = np.array([file_of(path).is_file() for path in rows.paths])
        if not there.any():
            return None
        rows = rows.take(there)
        codes = label_columns(rows, space, config)
        if len(np.unique(codes[METRIC])) < 2:
            return None
        try:
            plan = make_sampler(rows, codes, config).epoch_batches(0)
        except ValueError:  # too few labels in this split for a batch
            return None
        count = min(len(plan), int(np.clip(IMAGES // plan.shape[1], FEWEST, BATCHES)))
        chosen = plan[np.linspace(0, len(plan) - 1, count).round().astype(int)]
        batches.append([_batch(run, rows, codes, np.asarray(batch)) for batch in chosen])
        if split == "train":
            taught = codes, plan.ravel()
    model = copy.deepcopy(run.model).eval()
    objective: JointLoss = build_objective(
        config.loss, *taught, model.architecture["num_classes"], embedding_size=model.embedding_size
    ).eval()
    if any(True for _ in objective.parameters()):
        return None  # weights of the metric loss itself are not stored with the model

    def losses(output: ModelOutput, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        inputs = objective_inputs(objective, output, batch)
        weight = {name: term.weight for name, term in objective.terms.items()}
        values = {name: weight[name] * objective.losses[name](*(inputs[name] or ())) for name in inputs}
        others = torch.stack([value for name, value in values.items() if name != METRIC]).sum()
        return {"metric": values[METRIC], "heads": others}

    return model, losses, list(zip(*batches, strict=False))


def _batch(run: "Run", table: Any, codes: Mapping[str, Any], rows: Any) -> dict[str, "torch.Tensor"]:
    import torch

    images = np.stack([run.transform(path) for path in table.take(rows).paths])
    labels = {name: torch.from_numpy(values[rows]) for name, values in codes.items()}
    return {"image": torch.from_numpy(images), "index": torch.from_numpy(np.asarray(rows)), **labels}
