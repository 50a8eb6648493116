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
    """The optimizer's groups: weight decay on matrices only, backbone and losses with learning rates of their own.

    What lies past the backbone comes first, so that the rate of the first group is ``wanted.lr``; a group may be empty.

    Args:
        module: whose parameters are trained.
        wanted: learning rate, its multiples for the backbone and for the losses' own parameters, and weight decay.
        backbone: whether the backbone is trained.
    """
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    scale = 1.0 if wanted.backbone_scale == "auto" else wanted.backbone_scale
    whose = {"past": wanted.lr, "backbone": wanted.lr * scale, "loss": wanted.lr * wanted.loss_scale}
    groups: list[dict[str, Any]] = []
    for owner, rate in whose.items():
        mine = [p for name, p in trained if _owner(name) == owner]
        if (owner == "backbone" and not backbone) or (owner == "loss" and not mine):
            continue
        groups.append(
            {"params": [p for p in mine if p.ndim > 1], "weight_decay": wanted.weight_decay, "lr": rate}
        )
        groups.append({"params": [p for p in mine if p.ndim <= 1], "weight_decay": 0.0, "lr": rate})
    return groups


def _owner(name: str) -> str:
    """Whether a parameter is the backbone's, a loss's own, or lies past the backbone."""
    if name.startswith(("model.backbone.", "model.pooling.")):
        return "backbone"
    return "loss" if name.startswith("objective.") else "past"


def hold_statistics(backbone: nn.Module) -> None:
    """Keep the running means and variances of all batch norms; their weights and shifts may still be trained."""
    for part in backbone.modules():
        if isinstance(part, _BatchNorm):
            part.eval()
