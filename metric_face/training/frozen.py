"""Training on cached features: the backbone runs once over the images, and what lies past it is trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from metric_face.arrays import Floats
from metric_face.data import EvalTransform, ImageTable
from metric_face.features import VIEWS, FeatureDataset, Features, cached_features, whole_batch
from metric_face.models import EmbeddingModel, ModelOutput
from metric_face.progress import Progress, silent
from metric_face.training.objective import mean_output, output_of
from metric_face.training.process_group import rows_of_this_rank
from metric_face.training.readiness import Readiness

FOLDER = "features"
"""In the run directory."""


@dataclass(frozen=True)
class CachedSplits:
    """The features of both splits.

    Attributes:
        features: of the training images, then the validation images.
        train, val: (N,), (Q,) their rows in them.
        tta: what the model averages over where it is used, ``none`` or ``flip``.
        flipped: whether mirror images are trained on.
    """

    features: Features
    train: np.ndarray[Any, np.dtype[np.int64]]
    val: np.ndarray[Any, np.dtype[np.int64]]
    tta: str = "none"
    flipped: bool = True

    @property
    def evaluated(self) -> Floats:
        """(N + Q, F) the features as evaluation sees them: what is linear in them may be averaged before as after."""
        return self.features.plain if self.tta == "none" else self.features.mean

    @property
    def mirrored(self) -> Floats | None:
        """(N + Q, F) the other view that a vector is averaged over, if there is one."""
        return None if self.tta == "none" else self.features.views["flip"]

    @property
    def trained_on(self) -> list[Floats]:
        """The views of which one is drawn for each image of a batch."""
        return [view for name, view in self.features.views.items() if self.flipped or name == "plain"]


def cache_splits(
    model: EmbeddingModel,
    transform: EvalTransform,
    ready: Readiness,
    home: Path,
    *,
    flipped: bool = True,
    progress: Progress = silent,
) -> CachedSplits:
    """Compute what the backbone gives for the images of both splits, or read it where that was done before.

    Args:
        model: whose backbone is asked, as it is now.
        transform: of the images.
        ready: configuration, data and plan.
        home: the run directory; the features are kept in it.
        flipped: whether mirror images are trained on.
        progress: called with (images done, images in all).
    """
    table = ready.data.table
    split = table.frame["split"].to_numpy()
    rows = np.flatnonzero((split == "train") | (split == "val"))
    kept: ImageTable = table.take(rows)
    tta = ready.config.model.tta
    features = cached_features(
        model,
        kept,
        transform,
        home / FOLDER,
        views=VIEWS if flipped or tta == "flip" else VIEWS[:1],
        precision=ready.config.trainer.precision,
        progress=progress,
    )
    return CachedSplits(
        features, np.flatnonzero(split[rows] == "train"), np.flatnonzero(split[rows] == "val"), tta, flipped
    )


def evaluated_output(model: EmbeddingModel, cached: CachedSplits) -> ModelOutput:
    """What the model makes of all the features where it is used: the mean over the views, for all rows (N + Q)."""
    views = [cached.features.plain, *([] if cached.mirrored is None else [cached.mirrored])]
    with torch.inference_mode():
        outputs = [output_of(model, {"features": torch.from_numpy(np.array(view))}) for view in views]
    return outputs[0] if len(outputs) == 1 else mean_output(*outputs)


def freeze_backbone(model: EmbeddingModel) -> None:
    """Leave the backbone out of the training."""
    model.backbone.requires_grad_(False)
    if model.pooling is not None:
        model.pooling.requires_grad_(False)


def feature_batches(cached: CachedSplits, ready: Readiness) -> DataLoader[Any]:
    """The batches of the sampler, with features in place of images."""
    return _loader(feature_dataset(cached, ready), ready.config.seed, batch_sampler=ready.plan.sampler)


def feature_dataset(cached: CachedSplits, ready: Readiness) -> FeatureDataset:
    """The features of the training images, in all views."""
    return FeatureDataset(cached.trained_on, cached.train, ready.plan.codes, seed=ready.config.seed)


def validation_features(cached: CachedSplits, ready: Readiness) -> DataLoader[Any]:
    """The features of validation, in order; each rank takes its share."""
    val = FeatureDataset([cached.features.plain], cached.val, ready.plan.val_codes, mirrored=cached.mirrored)
    return _loader(val, ready.config.seed, sampler=rows_of_this_rank(len(val)), batch_size=4096)


def _loader(dataset: FeatureDataset, seed: int, **batching: Any) -> DataLoader[Any]:
    return DataLoader(
        dataset, collate_fn=whole_batch, generator=torch.Generator().manual_seed(seed), **batching
    )
