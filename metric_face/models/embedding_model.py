"""EmbeddingModel: backbone -> neck -> embedding, and the heads that read it.

::

    image (B, 3, H, W) -> backbone -> projection -> metric (B, D) -> neck -> embedding (B, D) -> heads -> logits
                                                      |                       |
                                           the metric loss sees this     search, kNN and probes see this
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metric_face.errors import ArgumentError

NECKS = ("bn", "none", "cosine")


@dataclass(frozen=True)
class ModelOutput:
    """What the model makes of a batch.

    Attributes:
        metric: (B, D), what the metric loss sees.
        embedding: (B, D), what search and the heads see.
        logits: per head (B, C).
    """

    metric: Tensor
    embedding: Tensor
    logits: dict[str, Tensor]


class ImageEmbedder(nn.Module):
    """What :func:`extract` takes: a module from images (B, 3, H, W) to a :class:`ModelOutput`."""

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""
        raise NotImplementedError


class EmbeddingModel(ImageEmbedder):
    """A timm backbone, a neck and heads.

    Args:
        backbone: any timm model by name.
        num_classes: head name -> C; {} for no head.
        embedding_size: D; None keeps the backbone's own features, without a projection.
        neck: ``bn`` (BNNeck: the metric loss sees the features before a batch norm without shift, the heads those
            after it), ``none`` (both see the same), or ``cosine`` (the embedding is normalized, and the heads are
            cosine classifiers with a learnt scale).
        dropout: on the embedding, before the heads.
        pretrained: load timm's published weights.

    Raises:
        ArgumentError: the backbone or the neck is not known, or published weights cannot be had.

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
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        if neck not in NECKS:
            raise ArgumentError(f"neck={neck!r}: must be one of {', '.join(NECKS)}")
        self.architecture: dict[str, Any] = {
            "backbone": backbone,
            "num_classes": dict(num_classes or {}),
            "embedding_size": embedding_size,
            "neck": neck,
            "dropout": dropout,
        }
        self.backbone = _make_backbone(backbone, pretrained)
        features = int(self.backbone.num_features)
        self.embedding_size = embedding_size or features
        self.projection: nn.Module = nn.Identity()
        if embedding_size is not None:
            self.projection = nn.Linear(features, embedding_size, bias=False)
        self.neck: nn.Module = nn.Identity()
        if neck == "bn":
            batch_norm = nn.BatchNorm1d(self.embedding_size)
            batch_norm.bias.requires_grad_(False)  # without a shift the classifier's planes pass the origin
            self.neck = batch_norm
        self.dropout = nn.Dropout(dropout)
        head = CosineHead if neck == "cosine" else _linear_head
        # A list, not a dict: a head has the name of a user's column, which a ModuleDict may refuse ("type", "a.b").
        self.head_names = tuple(num_classes or {})
        self.heads = nn.ModuleList(head(self.embedding_size, count) for count in (num_classes or {}).values())

    def forward(self, images: Tensor) -> ModelOutput:
        """Embed and classify images (B, 3, H, W)."""
        return self.from_features(self.backbone(images))

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""
        return self.embedding_size, dict(self.architecture["num_classes"])

    def from_features(self, features: Tensor) -> ModelOutput:
        """Embed and classify features of the backbone (B, F)."""
        return self.read(self.projection(features))

    def read(self, metric: Tensor) -> ModelOutput:
        """Embed and classify what the metric loss sees (B, D), which is all that lies past the backbone."""
        embedding = self._embedding(metric)
        seen = self.dropout(embedding)
        logits = [head(seen) for head in self.heads]
        return ModelOutput(metric, embedding, dict(zip(self.head_names, logits, strict=True)))

    def embed(self, images: Tensor) -> Tensor:
        """Embed images (B, 3, H, W) into (B, D)."""
        embedding: Tensor = self._embedding(self.projection(self.backbone(images)))
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


class CosineHead(nn.Module):
    """A classifier of angles: logits = scale * cos(embedding, class weight).

    Args:
        embedding_size: D.
        num_classes: C.
        scale: where the learnt scale starts.
    """

    def __init__(self, embedding_size: int, num_classes: int, scale: float = 16.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_classes, embedding_size))
        self.log_scale = nn.Parameter(torch.tensor(scale).log())
        nn.init.normal_(self.weight, std=embedding_size**-0.5)

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, C)."""
        cosines = F.linear(F.normalize(embedding.float(), dim=1), F.normalize(self.weight.float(), dim=1))
        return self.log_scale.exp() * cosines


def _linear_head(embedding_size: int, num_classes: int) -> nn.Linear:
    head = nn.Linear(embedding_size, num_classes)
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return head


def _make_backbone(name: str, pretrained: bool) -> Any:
    if name not in timm.list_models() and not timm.is_model(name.split(".")[0]):
        close = timm.list_models(f"*{name[:6]}*")[:5]
        hint = f"; near it are {', '.join(close)}" if close else ""
        raise ArgumentError(f"backbone={name!r}: must be a timm model{hint}; timm.list_models() lists them")
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=0)
    except Exception as error:
        if not pretrained:
            raise
        reason = str(error).splitlines()[0][:160]
        raise ArgumentError(
            f"model.pretrained: timm's weights of {name!r} cannot be had ({reason}); "
            "give a local file as model.weights, or train from scratch"
        ) from error
