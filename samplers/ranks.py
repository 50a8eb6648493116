"""The rank of this process and the number of processes."""

import sys

from metric_face.errors import ArgumentError


def rank_and_world(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Fill in from torch.distributed what was left out, and check both.

    Args:
        rank: number of this process, or None.
        world_size: number of all processes, or None.

    Returns:
        rank and world size; (0, 1) where nothing is distributed.

    Raises:
        ArgumentError: a rank outside the world, or a world of no process.
    """
    distributed = sys.modules.get("torch.distributed")  # where nobody loaded it, nothing is distributed
    running = distributed is not None and distributed.is_available() and distributed.is_initialized()
    if world_size is None:
        world_size = distributed.get_world_size() if distributed is not None and running else 1
    if rank is None:
        rank = distributed.get_rank() if distributed is not None and running else 0
    if isinstance(world_size, bool) or not isinstance(world_size, int) or world_size < 1:
        raise ArgumentError(f"world_size must be a whole number of at least 1, found {world_size!r}")
    if isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank < world_size:
        raise ArgumentError(f"rank must be a whole number in [0, world_size={world_size}), found {rank!r}")
    return rank, world_size
