"""What a training has before its first step: the backbone's features, their scores, and where the projection starts."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from metric_face.arrays import Ints
from metric_face.batches import METRIC
from metric_face.data import EvalTransform, identities_of
from metric_face.features import AffineMap, discriminant, start_scores, whitening
from metric_face.models import EmbeddingModel
from metric_face.training.checkpoint_file import read_checkpoint
from metric_face.training.frozen import CachedSplits, cache_splits, feature_batches, validation_features
from metric_face.training.process_group import first_goes_first, from_first
from metric_face.training.readiness import Readiness
from metric_face.training.reporting import Reporting
from metric_face.training.start_checkpoint import before_of, model_weights


@dataclass(frozen=True)
class Before:
    """What the backbone gives before training.

    Attributes:
        scores: of its features on validation, plain data as :class:`StartScores` names them; None where a resumed
            run does not know them.
        cached: the features on both splits; None where they are not needed any more.
        validation: seconds that the backbone took for the validation images.
    """

    scores: Mapping[str, Any] | None
    cached: CachedSplits | None
    validation: float = 0.0

    def train_batches(self, ready: Readiness) -> DataLoader[Any]:
        """The batches of the sampler, with features in place of images."""
        assert self.cached is not None
        return feature_batches(self.cached, ready)

    def val_batches(self, ready: Readiness) -> DataLoader[Any]:
        """The features of validation, in order."""
        assert self.cached is not None
        return validation_features(self.cached, ready)


def measure_start(
    model: EmbeddingModel, transform: EvalTransform, ready: Readiness, home: Path, reporting: Reporting
) -> Before:
    """Compute the backbone's features, score them, and start the projection from them.

    Args:
        model: whose projection is started, where ``model.projection`` asks for that.
        transform: of the images.
        ready: configuration, data and plan.
        home: the run directory, where the features are kept.
        reporting: for progress, and the line with the scores.
    """
    began = time.monotonic()
    cached = _cache(model, transform, ready, home, reporting)
    each = (time.monotonic() - began) / (len(cached.train) + len(cached.val)) / len(cached.features.views)
    start, scores = from_first(lambda: _score(cached, model.embedding_size, ready))
    if _is_fitted(ready):
        start_at(model, start)
    reporting.say(describe_start(scores))
    return Before(scores, cached, 0.0 if ready.config.trainer.frozen else each * len(cached.val))


def resume_start(
    model: EmbeddingModel,
    transform: EvalTransform,
    ready: Readiness,
    home: Path,
    checkpoint: Path,
    reporting: Reporting,
) -> Before:
    """What a resumed training knows of its start; a frozen backbone's features are read again.

    Args:
        model: gets the weights of the checkpoint, which a frozen backbone needs before the trainer loads them.
        transform: of the images.
        ready: configuration, data and plan.
        home: the run directory.
        checkpoint: to go on from.
        reporting: for progress.
    """
    cached = None
    if ready.config.trainer.frozen:
        model.load_state_dict(model_weights(read_checkpoint(checkpoint)["state_dict"]))
        cached = _cache(model, transform, ready, home, reporting)
    return Before(before_of(checkpoint.parent), cached)


def describe_start(scores: Mapping[str, Any]) -> str:
    """The line that states what the backbone gives before training."""
    parts = []
    if scores["recall_at_1"] is not None:
        parts.append(
            f"recall@1 {scores['recall_at_1']:.3f} ({scores['recall_at_1_projected']:.3f} projected)"
        )
    for name in scores["probe"]:
        parts.append(f"macro F1 of {name}: probe {scores['probe'][name]:.3f}, kNN {scores['knn'][name]:.3f}")
    return f"before training, on {scores['images']:,} validation images: {'; '.join(parts)}"


def _score(
    cached: CachedSplits, embedding_size: int, ready: Readiness
) -> tuple[AffineMap, dict[str, object]]:
    """Where the projection starts, and what the features are worth."""
    train, val = (np.asarray(cached.evaluated[rows]) for rows in (cached.train, cached.val))
    whitened = whitening(train, embedding_size)
    start = projection_to_labels(cached, embedding_size, ready) or whitened
    scores = start_scores(
        train,
        val,
        start,
        whitened,
        metric_labels=ready.plan.val_codes.get(METRIC),
        targets=_targets(ready),
        groups=_groups(ready),
        seed=ready.config.seed,
    )
    return start, scores.to_dict()


def projection_start(cached: CachedSplits, ready: Readiness) -> AffineMap | None:
    """The projection that a training on these features starts from; None where it starts at random, or has none."""
    size = ready.config.model.embedding_size
    if size is None or not _is_fitted(ready):
        return None
    fitted = projection_to_labels(cached, size, ready)
    return fitted or whitening(np.asarray(cached.evaluated[cached.train]), size)


def start_at(model: EmbeddingModel, start: AffineMap) -> None:
    """Let the model's projection begin as what was fitted to the features."""
    model.start_projection(*(torch.from_numpy(part[: start.rank]) for part in (start.weight, start.bias)))


def _is_fitted(ready: Readiness) -> bool:
    """Whether there is a projection, and it starts from the features."""
    return ready.config.model.embedding_size is not None and ready.config.model.projection != "random"


def projection_to_labels(cached: CachedSplits, embedding_size: int, ready: Readiness) -> AffineMap | None:
    """The projection fitted to the metric label; None where that is not wanted, or no label has two images."""
    wanted, labels = ready.config.model.projection, ready.plan.codes.get(METRIC)
    of_identities = ready.config.loss.label == "identity" or ready.data.space is None
    if labels is None or not (wanted == "discriminant" or (wanted == "auto" and of_identities)):
        return None
    if np.bincount(labels).max() < 2:
        return None
    views = [np.asarray(view[cached.train]) for view in cached.trained_on]
    return discriminant(views, labels, embedding_size)


def _cache(
    model: EmbeddingModel, transform: EvalTransform, ready: Readiness, home: Path, reporting: Reporting
) -> CachedSplits:
    config = ready.config
    on_features = config.trainer.frozen or config.optimizer.head_epochs > 0
    flipped = on_features and config.data.augmentation.flip > 0
    with first_goes_first():  # the others read what it computed
        return cache_splits(model, transform, ready, home, flipped=flipped, progress=reporting.progress)


def _targets(ready: Readiness) -> dict[str, tuple[Ints, Ints, int]]:
    space, plan = ready.data.space, ready.plan
    if space is None:
        return {}
    known, true = (space.encode(table) for table in (plan.train, plan.val))
    return {"joint": (space.joint(known), space.joint(true), space.num_classes)}


def _groups(ready: Readiness) -> Ints:
    names = identities_of(ready.plan.train, ready.config.data.split.group)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
