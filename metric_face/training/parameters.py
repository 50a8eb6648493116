"""Which parameters are trained how: weight decay, the backbone's own rate, batch-norm statistics that stay."""

from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from metric_face.config import OptimizerConfig

if TYPE_CHECKING:
    from metric_face.training.module import TrainingModule


def parameter_groups(
    module: "TrainingModule", wanted: OptimizerConfig, *, backbone: bool = True
) -> list[dict[str, Any]]:
    """The optimizer's groups: weight decay on matrices only, and the backbone with a learning rate of its own.

    What lies past the backbone comes first, so that the rate of the first group is ``wanted.lr``; a group may be empty.

    Args:
        module: whose parameters are trained.
        wanted: learning rate, its share for the backbone, and weight decay.
        backbone: whether the backbone is trained.
    """
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    scale = 1.0 if wanted.backbone_scale == "auto" else wanted.backbone_scale
    groups: list[dict[str, Any]] = []
    for of_backbone in (False, True)[: 1 + backbone]:
        mine = [
            p for name, p in trained if name.startswith(("model.backbone.", "model.pooling.")) == of_backbone
        ]
        rate = wanted.lr * (scale if of_backbone else 1.0)
        groups.append(
            {"params": [p for p in mine if p.ndim > 1], "weight_decay": wanted.weight_decay, "lr": rate}
        )
        groups.append({"params": [p for p in mine if p.ndim <= 1], "weight_decay": 0.0, "lr": rate})
    return groups


def hold_statistics(backbone: nn.Module) -> None:
    """Keep the running means and variances of all batch norms; their weights and shifts may still be trained."""
    for part in backbone.modules():
        if isinstance(part, _BatchNorm):
            part.eval()
