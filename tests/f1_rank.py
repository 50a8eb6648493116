"""One of two ranks that each hold a part of a batch: run in a process of its own, so it imports little."""

import torch
import torch.distributed as dist
from torch import Tensor

from metric_face.losses import SoftF1Loss


def batch(items: int = 24, classes: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits and targets that every process draws alike."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(items, classes, dtype=torch.float64, generator=generator)
    return logits, torch.randint(classes, (items,), generator=generator)


def one_rank(rank: int, meeting: str, out: str) -> None:
    """Write this rank's third loss and its gradient to OUT/RANK.pt."""
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    logits, targets = batch()
    mine = slice(0, 9) if rank == 0 else slice(9, 24)
    loss = SoftF1Loss(5, history=2)
    for _ in range(3):
        free = logits[mine].clone().requires_grad_()
        value = loss(free, targets[mine])
        value.backward()
    torch.save((value.detach(), free.grad), f"{out}/{rank}.pt")
    dist.destroy_process_group()
