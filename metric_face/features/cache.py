"""cached_features: what a backbone makes of each image, computed once, kept on disk and mapped into memory."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from metric_face.arrays import Floats
from metric_face.data import EvalTransform, ImageTable
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.extraction import extract
from metric_face.models import EmbeddingModel, ImageEmbedder, ModelOutput, computing_dtype, device_of_choice
from metric_face.progress import Progress, silent

VIEWS = ("plain", "flip")
"""``plain`` is the image as evaluation sees it, ``flip`` its mirror image."""


@dataclass(frozen=True)
class Features:
    """The features of N images, in one or more views.

    Attributes:
        views: name -> (N, F) float32, memory-mapped; row i is image i of the table in each.
        table: the N images.
    """

    views: dict[str, Floats]
    table: ImageTable

    @property
    def plain(self) -> Floats:
        """(N, F) of the images as evaluation sees them."""
        return self.views["plain"]

    @cached_property
    def mean(self) -> Floats:
        """(N, F): the mean of all views."""
        every = [np.asarray(view) for view in self.views.values()]
        mean: Floats = np.mean(every, axis=0, dtype=np.float32)
        return mean


def cached_features(
    model: EmbeddingModel,
    table: ImageTable,
    transform: EvalTransform,
    folder: str | Path,
    *,
    views: Sequence[str] = VIEWS,
    precision: str = "auto",
    progress: Progress = silent,
) -> Features:
    """Compute the features of a frozen backbone, or read them where they were computed before.

    Each view is a folder of its own below ``folder``. It is used again if backbone, transform, image names and image
    files are what they were, and made anew otherwise; an interrupted call continues where it stopped.

    Args:
        model: whose backbone is asked, pooled as it does.
        table: N images.
        transform: of the images.
        folder: where the views are kept.
        views: any of :data:`VIEWS`; ``plain`` is among them.
        precision: as of :func:`extract`.
        progress: called with (images done, images in all) over all views that are computed.

    Returns:
        The features.

    Raises:
        ArgumentError: a view is not known, or ``plain`` is missing.
        ImageError: an image cannot be used.
        OutputError: something else is in a view's folder, or the disk is full.
    """
    unknown = [view for view in views if view not in VIEWS]
    if unknown or "plain" not in views:
        raise ArgumentError(f"views must be plain and any of {', '.join(VIEWS)}; found {', '.join(views)}")
    device = device_of_choice()
    state = _digest(model, transform, str(computing_dtype(device, precision)))
    home, found = Path(folder), {}
    missing = {view: f"{state}-{view}" for view in views}
    for view, key in list(missing.items()):
        kept = _kept(home / view, key, table)
        if kept is not None:
            found[view] = kept
            del missing[view]
    for number, (view, key) in enumerate(missing.items()):
        made = extract(
            _View(model, flip=view == "flip"),
            table,
            transform=transform,
            folder=home / view,
            fingerprint=key,
            device=device,
            precision=precision,
            progress=_over_all(progress, number, len(missing)),
        )
        found[view] = made.vectors
    return Features({view: found[view] for view in views}, table)


class _View(ImageEmbedder):
    """The backbone of a model as an embedder without neck and heads, seeing images or their mirror images."""

    def __init__(self, model: EmbeddingModel, *, flip: bool) -> None:
        super().__init__()
        self.model, self.flip = model, flip

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """F, and no heads."""
        return self.model.feature_size, {}

    def forward(self, images: Tensor) -> ModelOutput:
        """(B, 3, H, W) -> (B, F)."""
        if self.flip:
            images = images.flip(3).contiguous(memory_format=torch.channels_last)
        features = self.model.features(images)
        return ModelOutput(features, features, {})


def _kept(folder: Path, key: str, table: ImageTable) -> Floats | None:
    """The vectors of a finished view of the same backbone and the same files, or None."""
    if not (folder / "embeddings.json").is_file():
        return None
    try:
        stored = Embeddings.load(folder, mmap=True)
    except FileFormatError:
        return None
    same = stored.fingerprint == key and stored.table.frame["path"].equals(table.frame["path"])
    if not same or stored.table.root.resolve() != table.root.resolve():
        return None
    now = stored.state()
    return stored.vectors if not len(now.missing) + len(now.changed) else None


def _digest(model: EmbeddingModel, transform: EvalTransform, dtype: str) -> str:
    how = [transform.to_dict(), dtype, model.architecture["pooling"]]
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    state = model.backbone.state_dict()
    if model.pooling is not None:
        state |= {f"pooling.{name}": value for name, value in model.pooling.state_dict().items()}
    for name, value in state.items():
        digest.update(
            name.encode() + value.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()[:32]


def _over_all(progress: Progress, number: int, views: int) -> Progress:
    return lambda done, total: progress(number * total + done, views * total)
