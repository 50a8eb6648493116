"""EmbeddingModel: backbone -> neck -> embedding, and the heads that read it.

::

    image (B, 3, H, W) -> backbone -> projection -> metric (B, D) -> neck -> embedding (B, D) -> heads -> logits
                                                      |                       |
                                           the metric loss sees this     search, kNN and probes see this
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.errors import ArgumentError
from metric_face.models.backbones import Size, feature_width, find_backbone, make_timm
from metric_face.models.heads import RegressionHead, make_head
from metric_face.models.pooling import POOLINGS, Pooling

NECKS = ("bn", "none", "cosine")


@dataclass(frozen=True)
class ModelOutput:
    """What the model makes of a batch.

    Attributes:
        metric: (B, D), what the metric loss sees.
        embedding: (B, D), what search and the heads see.
        logits: per head (B, C).
        numbers: per regression head (B, 2), location and logarithm of the scale of what it predicts.
    """

    metric: Tensor
    embedding: Tensor
    logits: dict[str, Tensor]
    numbers: dict[str, Tensor] = field(default_factory=dict)


class ImageEmbedder(nn.Module):
    """What :func:`extract` takes: a module from images (B, 3, H, W) to a :class:`ModelOutput`."""

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""
        raise NotImplementedError


class EmbeddingModel(ImageEmbedder):
    """A timm backbone, a neck and heads.

    Args:
        backbone: any timm model by name, as :mod:`metric_face.models.backbones` reads it.
        num_classes: head name -> C; {} for no head.
        embedding_size: D; None keeps the backbone's own features, without a projection.
        neck: ``bn`` (BNNeck: the metric loss sees the features before a batch norm without shift, the heads those
            after it), ``none`` (both see the same), or ``cosine`` (the embedding is normalized, and the heads are
            cosine classifiers with a learned scale).
        dropout: on the embedding, before the heads.
        feature_dropout: on the backbone's features, before the projection.
        head_kinds: head name -> arguments of :func:`metric_face.models.heads.make_head`, of heads that are no softmax.
        pooling: ``auto`` (the model's own, its head included), ``avg``, ``gem`` or ``token``.
        size: (height, width) of the images; None is the model's own size.
        arguments: of ``timm.create_model``, beside those of the name.
        published: weights that others trained, as :func:`metric_face.models.published_weights` gives them; None is
            a random start.

    Attributes:
        architecture: what it takes to build the model again, plain data.
        embedding_size: D.
        feature_size: F, of the backbone.

    Raises:
        ArgumentError: the backbone, the neck or the pooling is not known, or do not go together.

    Reference:
        BNNeck: Luo et al., "Bag of Tricks and a Strong Baseline for Deep Identity Re-identification", CVPRW 2019.
    """

    def __init__(
        self,
        backbone: str = "resnet18",
        num_classes: Mapping[str, int] | None = None,
        *,
        embedding_size: int | None = 128,
        neck: str = "bn",
        dropout: float = 0.0,
        feature_dropout: float = 0.0,
        head_kinds: Mapping[str, Mapping[str, Any]] | None = None,
        pooling: str = "auto",
        size: Size | None = None,
        arguments: Mapping[str, Any] | None = None,
        published: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        if neck not in NECKS:
            raise ArgumentError(f"neck={neck!r}: must be one of {', '.join(NECKS)}")
        if pooling not in POOLINGS:
            raise ArgumentError(f"model.pooling={pooling!r}: must be one of {', '.join(POOLINGS)}")
        found = find_backbone(backbone)
        size = None if size is None else (int(size[0]), int(size[1]))
        kinds = {name: dict(arguments) for name, arguments in (head_kinds or {}).items()}
        self.architecture: dict[str, Any] = {
            "backbone": found.name,
            "num_classes": dict(num_classes or {}),
            "embedding_size": embedding_size,
            "neck": neck,
            "dropout": dropout,
            "pooling": pooling,
            "size": None if size is None else list(size),
            "arguments": {**found.arguments, **(arguments or {})},
            "feature_dropout": feature_dropout,
            "head_kinds": kinds,
        }
        self.backbone = make_timm(found.name, self.architecture["arguments"], size, published)
        self.pooling = None if pooling == "auto" else Pooling(pooling, self.backbone)
        features = feature_width(self.features, self, size or found.own.size)
        self.feature_size, self.embedding_size = features, embedding_size or features
        self.feature_dropout = nn.Dropout(feature_dropout)
        self.projection: nn.Module = nn.Identity()
        if embedding_size is not None:
            self.projection = nn.Linear(features, embedding_size)
        self.neck: nn.Module = nn.Identity()
        if neck == "bn":
            batch_norm = nn.BatchNorm1d(self.embedding_size)
            batch_norm.bias.requires_grad_(False)  # without a shift the classifier's planes pass the origin
            self.neck = batch_norm
        self.dropout = nn.Dropout(dropout)
        # A list, not a dict: a head has the name of a user's column, which a ModuleDict may refuse ("type", "a.b").
        self.head_names = tuple(num_classes or {})
        self.heads = nn.ModuleList(
            make_head(self.embedding_size, count, **kinds.get(name, {}), of_angles=neck == "cosine")
            for name, count in (num_classes or {}).items()
        )

    def forward(self, images: Tensor | None = None, *, features: Tensor | None = None) -> ModelOutput:
        """Embed and classify images (B, 3, H, W), or features of the backbone (B, F)."""
        if features is None:
            if images is None:
                raise ArgumentError("images: give images, or features of the backbone")
            features = self.features(images)
        return self.read(self.projection(self.feature_dropout(features)))

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""
        return self.embedding_size, dict(self.architecture["num_classes"])

    @torch.no_grad()
    def start_projection(self, weight: Tensor, bias: Tensor) -> None:
        """Let the first rows of the projection be an affine map of the features: (R, F) and (R,), R at most D.

        Raises:
            ArgumentError: there is no projection, or the shapes do not fit.
        """
        if not isinstance(self.projection, nn.Linear):
            raise ArgumentError("weight: there is no projection to start; give the model an embedding_size")
        rows, features = weight.shape
        if rows > self.embedding_size or features != self.projection.in_features:
            raise ArgumentError(
                f"weight: must be (R, {self.projection.in_features}) with R at most {self.embedding_size}, "
                f"found {tuple(weight.shape)}"
            )
        self.projection.weight[:rows] = weight
        self.projection.bias[:rows] = bias

    def features(self, images: Tensor) -> Tensor:
        """The backbone's features (B, F) of images (B, 3, H, W), pooled."""
        pooled: Tensor = (
            self.backbone(images)
            if self.pooling is None
            else self.pooling(self.backbone.forward_features(images))
        )
        return pooled

    def read(self, metric: Tensor) -> ModelOutput:
        """Embed and classify what the metric loss sees (B, D), which is all that lies past the backbone."""
        embedding = self._embedding(metric)
        seen = self.dropout(embedding)
        logits, numbers = {}, {}
        for name, head in zip(self.head_names, self.heads, strict=True):
            if isinstance(head, RegressionHead):
                numbers[name] = head.numbers(seen)
                logits[name] = head.logits(numbers[name])
            else:
                logits[name] = head(seen)
        return ModelOutput(metric, embedding, logits, numbers)

    def embed(self, images: Tensor) -> Tensor:
        """Embed images (B, 3, H, W) into (B, D)."""
        embedding: Tensor = self._embedding(self.projection(self.features(images)))
        return embedding

    def _embedding(self, metric: Tensor) -> Tensor:
        if self.architecture["neck"] == "cosine":
            return F.normalize(metric.float(), dim=1)
        embedding: Tensor = self.neck(metric)
        return embedding

    def last_shared_parameters(self) -> list[nn.Parameter]:
        """The weights that every loss reaches last on its way into the backbone."""
        if isinstance(self.projection, nn.Linear):
            return list(self.projection.parameters())
        blocks = [module for module in self.backbone.children() if any(True for _ in module.parameters())]
        return list(blocks[-1].parameters())


class EmbeddingOnly(nn.Module):
    """A model from images (B, 3, H, W) to embeddings (B, D), for export."""

    def __init__(self, model: EmbeddingModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D)."""
        return self.model.embed(images)
