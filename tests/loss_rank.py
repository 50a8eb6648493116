"""One of two ranks that hold a half each of every batch: writes the losses and gradients of a small model."""

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from metric_face.batches import ShuffledBatches
from metric_face.losses import (
    CrossEntropy,
    FocalLoss,
    JointLoss,
    LossTerm,
    PMLLoss,
    SoftF1Loss,
    TripletLoss,
    gathered,
    ranks,
)
from metric_face.training.shared_norm import SharedBatchNorm

STEPS = 3


class BatchNormAct1d(nn.BatchNorm1d):
    """A batch norm with an activation in it, as timm has them."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).tanh()


def objective() -> JointLoss:
    """Every kind of term, with a metric loss that has parameters of its own."""
    from pytorch_metric_learning.losses import ArcFaceLoss, CrossBatchMemory, MultiSimilarityLoss
    from pytorch_metric_learning.miners import MultiSimilarityMiner

    torch.manual_seed(1)
    weights = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    terms: Mapping[str, LossTerm] = {
        "hard": LossTerm(TripletLoss(0.3)),
        "all": LossTerm(TripletLoss(0.3, "batch_all", "squared_euclidean")),
        "semi": LossTerm(TripletLoss("soft", "semi_hard", "cosine")),
        "arc": LossTerm(PMLLoss(ArcFaceLoss(3, 6))),
        "memory": LossTerm(PMLLoss(CrossBatchMemory(MultiSimilarityLoss(), 6, 60, MultiSimilarityMiner()))),
        "ce": LossTerm(CrossEntropy(3, label_smoothing=0.1, class_weights=weights)),
        "focal": LossTerm(FocalLoss(3)),
        "f1": LossTerm(SoftF1Loss(3, history=2), ramp=1),
    }
    return JointLoss(terms).double()


def inputs(points: Tensor, logits: Tensor, labels: Tensor, images: Tensor) -> dict[str, tuple[Tensor, ...]]:
    """What each term reads."""
    metric = dict.fromkeys(("hard", "all", "semi", "arc", "memory"), (points, labels, images))
    return {**metric, **dict.fromkeys(("ce", "focal", "f1"), (logits, labels))}


def train(rank: int = 0, world: int = 1) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
    """Loss and gradients, averaged over ranks as DDP does, of some batches, and the running statistics after them."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(2, 4, 3), BatchNormAct1d(4), nn.Flatten(), nn.Linear(12, 6), nn.BatchNorm1d(6)
    ).double()
    head = nn.Linear(6, 3).double()
    for parameter in (*model.parameters(), *head.parameters()):
        nn.init.normal_(parameter, generator=generator)
    loss, found = objective(), []
    trained = {f"{at}.{n}": p for at, m in enumerate((model, head, loss)) for n, p in m.named_parameters()}
    for _ in range(STEPS):
        images = torch.randn(24, 2, 5, dtype=torch.float64, generator=generator)
        labels = torch.randint(3, (24,), generator=generator)
        numbers = torch.arange(24) // torch.randint(1, 3, (1,), generator=generator)  # some are copies
        mine = slice(24 // world * rank, 24 // world * (rank + 1))
        with SharedBatchNorm():
            points = model(images[mine])
        shared = [gathered(value) for value in (points, head(points), labels[mine], numbers[mine])]
        total = loss(inputs(*shared)).total
        gradients = torch.autograd.grad(total, list(trained.values()))
        if world > 1:
            for gradient in gradients:
                dist.all_reduce(gradient)
        row = {name: gradient / world for name, gradient in zip(trained, gradients, strict=True)}
        found.append(row | {"loss": total.detach()})
    return found, dict(model.named_buffers())


def main(rank: int, meeting: str, out: Path) -> None:
    """Write to OUT/RANK.pt what this rank saw, and the shuffled batches that it was given."""
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    assert ranks() == 2
    half = torch.randn(3, 2, dtype=torch.bfloat16).requires_grad_()
    assert gathered(half).dtype == torch.bfloat16
    batches = {
        (n, b): [list(batch) for batch in ShuffledBatches(n, b)] for n, b in ((50, 8), (9, 8), (2, 8), (1, 8))
    }
    steps, running = train(rank, 2)
    torch.save({"steps": steps, "running": running, "batches": batches}, out / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
