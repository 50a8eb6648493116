"""From a run directory to a context: what a training left, under the names the questions know."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.inputs import context_of
from metric_face.diagnosis.measures.look_ahead import look_ahead
from metric_face.diagnosis.measures.training_log import COLUMNS
from metric_face.errors import ModelMismatchError
from metric_face.files import kept_pairs
from metric_face.optional import optional
from metric_face.search import graph_file

if TYPE_CHECKING:
    import pandas as pd

    from metric_face.data import ImageTable, LabelSpace
    from metric_face.embeddings import Embeddings
    from metric_face.run import Run

EPOCHS_LOOKED_AT = 2


def context_from_run(run: "Run", **known: Any) -> Context:
    """Read a run's embeddings, table, log, sampler, transforms and classifier.

    Args:
        run: a training with stored embeddings (``metric-face embed``).
        **known: anything :func:`.inputs.context_of` takes; it replaces what the run holds.

    Returns:
        The context.

    What only some questions look at, such as the log, may be missing: those questions abstain, and the others answer.

    Raises:
        FileFormatError: the run has no embeddings, or they or the model are damaged.
    """
    stored, space = run.embeddings(), run.space
    if space is not None:
        labeled = space.has_labels(stored.table)
        stored = stored if labeled.all() else stored.take(labeled)  # a test part may have no labels
    table = stored.table
    identities = table.identities
    split = table.frame["split"].to_numpy().astype(str) if "split" in table.frame.columns else None
    found: dict[str, Any] = {
        "split": split,
        "images": table.paths,
        "seed": run.config.seed,
    }
    missing: dict[str, str] = {}
    if run.trained:
        found |= _of_training(run, table, split, missing)
    labels: dict[str, Ints] = {}
    if space is not None:
        labels = space.encode(table)
        cuts = {name: space[name].cuts for name in space.names}
        found["classes"] = {name: space[name].classes for name in space.names}
        found["cuts"] = {name: ends for name, ends in cuts.items() if ends is not None}
        found["raw_values"] = {name: space[name].numbers(table.column(name)) for name in found["cuts"]}
        if space.has_heads(stored.logits):
            classes = space.head_classes(stored.logits)
            found["predictions"] = {name: classes[name] for name in space.names}
            found["probabilities"] = space.head_probabilities(stored.logits)
        with _lacking("conflict", "the classifiers", missing):
            found["head"] = _heads(run, stored, space)
    elif identities is not None:
        labels = {"identity": np.unique(identities.astype(str), return_inverse=True)[1].astype(np.int64)}
    context = context_of(stored.vectors, labels, identities, **(found | known))
    context.graph_file = graph_file(run.folder, "all")
    with _lacking("overlap", "where classes are told apart", missing):
        context.told_apart = kept_pairs(run.folder, run.fingerprint)
    context.missing = missing
    context.folder = run.folder
    return context


def _of_training(
    run: "Run", table: "ImageTable", split: NDArray[np.str_] | None, missing: dict[str, str]
) -> dict[str, Any]:
    """What only a training leaves: its settings, log, transforms and batches, and what its losses would do next."""
    found: dict[str, Any] = {
        "settings": _settings(run) | _opposed(run, table) | {"training": _training(run, table)},
        "look_ahead": lambda: look_ahead(run),
    }
    with _lacking("floors", "the log", missing):
        found["log"] = _log(run)
        found["settings"] |= _averaged(run)
    with _lacking("views", "the transforms", missing):
        found["transforms"] = _transforms(run)
    if split is not None:
        with _lacking("epoch", "the batches", missing):
            found |= _batches(run, table, split)
    return found


@contextmanager
def _lacking(question: str, what: str, missing: dict[str, str]) -> Iterator[None]:
    """Read something of a run that a question can do without; the question then names why it is missing."""
    notes: list[str] = []
    with optional(what, notes):
        yield
    if notes:
        missing[question] = notes[0]


def unlabeled_of(run: "Run", folder: str | Path) -> dict[str, Any]:
    """Embeddings of images without labels, and whom they show where that is known.

    Args:
        run: the training that is asked about.
        folder: what ``metric-face embed`` wrote with the same model.

    Returns:
        ``unlabeled`` and ``unlabeled_identities`` for :func:`context_from_run`.

    Raises:
        FileFormatError: the folder holds no embeddings.
        ModelMismatchError: they come from other weights than the run's, or are averaged over other copies.
    """
    from metric_face.embeddings import Embeddings

    stored = Embeddings.load(folder)
    own = run.embeddings(mmap=True).fingerprint
    if stored.fingerprint != own:
        raise ModelMismatchError(
            f"{folder}: made by model {stored.fingerprint}, the run's own vectors by {own}; embed these images "
            "with the run's model, in the same way"
        )
    return {"unlabeled": stored.vectors, "unlabeled_identities": stored.table.identities}


def _heads(run: "Run", stored: "Embeddings", space: "LabelSpace") -> dict[str, Doubles]:
    """Classifier weights (C, D) of the heads that read the embedding itself."""
    weights = {}
    for name, head in zip(run.model.head_names, run.model.heads, strict=True):
        weight = getattr(head, "weight", None)
        if name in space.names and weight is not None and weight.shape[1] == stored.vectors.shape[1]:
            weights[name] = weight.detach().double().numpy()
    return weights


def _log(run: "Run") -> "pd.DataFrame":
    """The log, with the learning rate that the configuration plans beside the one applied."""
    from metric_face.training import learning_rate_factor

    log, wanted, trainer = run.log.copy(), run.config.optimizer, run.config.trainer
    promised = COLUMNS["batches_promised"][0]
    if trainer.max_time is None and promised in log.columns and log[promised].notna().any():
        steps = max(1.0, float(log[promised].median()) * trainer.epochs / wanted.accumulate)
        at = log[COLUMNS["step"][0]].to_numpy(dtype=np.float64)
        factors = [learning_rate_factor(step / steps, wanted.warmup, wanted.final, 1 / steps) for step in at]
        log[COLUMNS["learning_rate_planned"][0]] = wanted.lr * np.array(factors)
    return log


def _transforms(run: "Run") -> dict[str, Callable[[Any], Floats]]:
    """Both transforms as callables on a PIL image, built as training and extraction build them."""
    import torch

    from metric_face.data import Augmentation

    evaluation = run.transform
    augment = Augmentation(**run.config.data.augmentation.model_dump()).build(evaluation)

    def evaluated(image: Any) -> Floats:
        return evaluation.normalize(evaluation.geometry(image))

    def trained(image: Any) -> Floats:
        pixels = torch.from_numpy(np.ascontiguousarray(evaluation.geometry(image).transpose(2, 0, 1)))
        return np.asarray(augment(pixels).numpy(), dtype=np.float32)

    return {"train": trained, "evaluation": evaluated}


def _settings(run: "Run") -> dict[str, Any]:
    config = run.config
    settings: dict[str, Any] = {
        "monitor": run.facts.get("monitor", config.trainer.monitor),
        "validation_drop_last": False,
        "metric": config.loss.metric,
        "start": run.facts.get("start"),
        "transform": run.card["transform"],
    }
    if config.loss.metric == "triplet":
        settings["margin"] = config.loss.arguments.get("margin", 0.2)
    return settings


def _training(run: "Run", table: "ImageTable") -> dict[str, Any]:
    """How the training ended beside its start, and what may have harmed it."""
    from metric_face.batches import METRIC, label_columns

    config, facts = run.config, run.facts
    if not facts.get("before"):
        return {}
    train = table.in_split("train")
    codes = label_columns(train, run.space, config).get(METRIC)
    scale = config.optimizer.backbone_scale
    return {
        **{name: facts.get(name) for name in ("before", "monitor", "best", "best_epoch")},
        "batch_norm": config.model.batch_norm,
        "projection": config.model.projection,
        "frozen": config.trainer.frozen,
        "backbone_rate": config.optimizer.lr * (1.0 if scale == "auto" else scale),
        "labels": 0 if codes is None or config.loss.metric == "none" else len(np.unique(codes)),
    }


def _opposed(run: "Run", table: "ImageTable") -> dict[str, Any]:
    """Attributes that the metric loss works against, by the settings alone."""
    from metric_face.training import opposed_attributes

    return {"opposed_attributes": opposed_attributes(run.config, table, run.space)}


def _averaged(run: "Run") -> dict[str, Any]:
    """What averaging the weights left of the start, where it was on."""
    from metric_face.training import averaged_start

    decay = run.config.trainer.ema
    taken = run.log[COLUMNS["step"][0]].dropna()
    if not decay or not len(taken):
        return {}
    steps = int(taken.max()) + 1
    return {"averaged_start": averaged_start(run.config, steps), "ema": decay, "steps": steps}


def _batches(run: "Run", table: "ImageTable", split: NDArray[np.str_]) -> Mapping[str, Any]:
    """What the run's sampler draws in its first epochs, as rows of the table."""
    from metric_face.batches import label_columns, make_sampler

    rows = np.flatnonzero(split == "train")
    if not len(rows):
        return {}
    train = table.take(rows)
    sampler = make_sampler(train, label_columns(train, run.space, run.config), run.config)
    epochs = [[rows[batch] for batch in sampler.epoch_batches(epoch)] for epoch in range(EPOCHS_LOOKED_AT)]
    return {"batches": epochs, "promised": len(sampler)}
