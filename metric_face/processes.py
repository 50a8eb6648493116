"""this_process: which of several processes this one is, as torchrun, Lightning or Slurm state it in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from metric_face.errors import ConfigError


@dataclass(frozen=True)
class Process:
    """One process among those that a launcher started for the same work.

    Attributes:
        rank: number of this process among all, from 0.
        world_size: number of all processes.
        local_rank: number of this process among those of its machine.
        local_world_size: number of processes on its machine.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    @property
    def num_nodes(self) -> int:
        """Number of machines."""
        return self.world_size // self.local_world_size


def this_process(environment: Mapping[str, str] | None = None) -> Process:
    """Which process this is: of torchrun, of Lightning's own launcher, of a Slurm step, or alone.

    A Slurm batch script counts as alone: it holds the numbers of its job, and ``srun`` starts the processes.

    Args:
        environment: in place of ``os.environ``.

    Raises:
        ConfigError: the variables of the launcher are not whole numbers, or contradict each other.
    """
    known = os.environ if environment is None else environment
    if "RANK" in known and "WORLD_SIZE" in known:
        return _torchrun(known)
    if "LOCAL_RANK" in known and "WORLD_SIZE" in known:
        return _lightning(known)
    if "SLURM_PROCID" in known and not _is_batch_script(known):
        return _slurm(known)
    return Process()


def forget_launcher() -> None:
    """Take the launcher's variables out of the environment: what follows in this process is done by it alone."""
    for name in _TORCHRUN | {"NODE_RANK"}:
        os.environ.pop(name, None)
    if "SLURM_PROCID" in os.environ:
        os.environ.pop("SLURM_PROCID")


_TORCHRUN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE"}
_INTERACTIVE = ("bash", "interactive")


def _torchrun(known: Mapping[str, str]) -> Process:
    world = _whole(known, "WORLD_SIZE", 1)
    rank = _whole(known, "RANK", 0, below=world)
    local_world = _whole(known, "LOCAL_WORLD_SIZE", 1) if "LOCAL_WORLD_SIZE" in known else world
    local = _whole(known, "LOCAL_RANK", 0) if "LOCAL_RANK" in known else rank % local_world
    return _checked(rank, world, local, local_world, "LOCAL_WORLD_SIZE")


def _lightning(known: Mapping[str, str]) -> Process:
    """``LOCAL_RANK``, ``NODE_RANK`` and ``WORLD_SIZE``; all machines run the same number of processes."""
    world, local = _whole(known, "WORLD_SIZE", 1), _whole(known, "LOCAL_RANK", 0)
    node = _whole(known, "NODE_RANK", 0) if "NODE_RANK" in known else 0
    if "LOCAL_WORLD_SIZE" not in known and node:
        raise ConfigError(
            "LOCAL_WORLD_SIZE: must be set beside NODE_RANK and LOCAL_RANK; start with torchrun"
        )
    local_world = _whole(known, "LOCAL_WORLD_SIZE", 1) if "LOCAL_WORLD_SIZE" in known else world
    return _checked(node * local_world + local, world, local, local_world, "LOCAL_WORLD_SIZE")


def _slurm(known: Mapping[str, str]) -> Process:
    tasks = "SLURM_STEP_NUM_TASKS" if "SLURM_STEP_NUM_TASKS" in known else "SLURM_NTASKS"
    if tasks not in known or known.get("SLURM_JOB_NAME") in _INTERACTIVE:
        return Process()
    world = _whole(known, tasks, 1)
    rank = _whole(known, "SLURM_PROCID", 0, below=world)
    nodes = "SLURM_STEP_NUM_NODES" if "SLURM_STEP_NUM_NODES" in known else "SLURM_NNODES"
    local_world = world // (_whole(known, nodes, 1) if nodes in known else 1)
    local = _whole(known, "SLURM_LOCALID", 0) if "SLURM_LOCALID" in known else rank % max(1, local_world)
    return _checked(rank, world, local, local_world, nodes)


def _is_batch_script(known: Mapping[str, str]) -> bool:
    return "SLURM_STEP_ID" not in known and "MASTER_ADDR" not in known and known["SLURM_PROCID"] == "0"


def _checked(rank: int, world: int, local: int, local_world: int, name: str) -> Process:
    if local_world < 1 or world % local_world or rank >= world:
        raise ConfigError(
            f"{name}: every machine must run as many processes as any other, found process {rank} of {world} with "
            f"{local_world} a machine; start as many on each"
        )
    if local >= local_world:
        raise ConfigError(
            f"LOCAL_RANK={local}: must be below {local_world}, the processes of a machine; start with torchrun"
        )
    return Process(rank, world, local, local_world)


def _whole(known: Mapping[str, str], name: str, least: int, below: int | None = None) -> int:
    text = known[name]
    value = int(text) if text.strip().isdecimal() and text.isascii() else -1
    if value < least or (below is not None and value >= below):
        rule = f"a whole number of at least {least}"
        rule += "" if below is None else f", below {below}, the number of processes"
        raise ConfigError(f"{name}={text}: must be {rule}; start with torchrun, or unset it")
    return value
