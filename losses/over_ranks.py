"""What several processes hold of one batch, seen whole by each, with the gradient that one process would have."""

import torch
import torch.distributed as dist
from torch import Tensor


def ranks() -> int:
    """Number of processes that share a batch; 1 where nothing is distributed."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gathered(own: Tensor) -> Tensor:
    """The rows of all processes, in the order of their ranks.

    A loss of the gathered rows is the same in every process. Each is the gradient's source for its own rows alone,
    multiplied by the number of processes W: so the mean over processes, which DDP takes, is the gradient of the loss in
    one process that holds all the rows. Parameters of the loss itself get the same gradient everywhere.

    Args:
        own: (B, ...) of this process; every process has as many rows.

    Returns:
        (W * B, ...), which carries a gradient where ``own`` does.
    """
    world = ranks()
    if world == 1:
        return own
    shares = [torch.empty_like(own) for _ in range(world)]
    dist.all_gather(shares, own.detach().contiguous())
    if own.requires_grad:
        # The value is that of own; the gradient is W times it.
        shares[dist.get_rank()] = own.detach() + world * (own - own.detach())
    return torch.cat(shares)


def summed(counts: Tensor) -> Tensor:
    """The sum over processes; the gradient is multiplied by their number, so that its mean over them is the whole's."""
    world = ranks()
    if world == 1:
        return counts
    total = counts.detach().clone()
    dist.all_reduce(total)
    whole: Tensor = total + world * (counts - counts.detach())
    return whole
