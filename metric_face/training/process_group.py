"""joined: the processes of a launcher as one group, in which the first reads and writes and all end together."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store

from metric_face.errors import ConfigError, FailedElsewhere, MetricFaceError, ProcessError
from metric_face.models import device_of_choice
from metric_face.processes import Process, this_process

T = TypeVar("T")

_TO_ARRIVE = timedelta(minutes=10)
_TO_WORK = timedelta(days=7)
"""Longest that one process waits for another: the first alone checks images, computes features and exports."""
_TO_CONFESS = 3.0
"""Seconds that a process which lost another one waits for the reason."""
_NAME, _FAILED = "metric_face", "failed"
_meetings = count()
"""A launcher's store outlives a group: each group of a process takes a name of its own in it."""


@contextmanager
def joined() -> Iterator[Process]:
    """Join the other processes of the launcher, if there are any, until the block ends.

    Where one of them fails, all do: the one that failed first keeps its error, and the others raise a
    :class:`FailedElsewhere` that quotes it.

    Yields:
        This process.

    Raises:
        ConfigError: the launcher's variables are wrong.
        ProcessError: another process failed, or did not come.
    """
    process = this_process()
    if process.world_size == 1 or dist.is_initialized():
        yield process
        return
    store = _meet(process)
    _make_group(store, process)
    try:
        yield process
    except BaseException as error:
        failure = _first_failure(store, process, error) if isinstance(error, Exception) else error
        if dist.get_backend() == "gloo":  # so the others need not wait; NCCL would itself wait for them
            dist.destroy_process_group()
        if failure is error:
            raise
        raise failure from error
    dist.destroy_process_group()


def failure_in(store: Store) -> tuple[str, str] | None:
    """The error of the first process to fail in the only meeting of a store: the name of its class, and its line."""
    with suppress(dist.DistError, RuntimeError):
        if store.check([f"{_NAME}/0/{_FAILED}"]):
            _, kind, line = store.get(f"{_NAME}/0/{_FAILED}").decode().split(" ", 2)
            return kind, line
    return None


def from_first(make: Callable[[], T]) -> T:
    """What the first process makes, in all of them; where it fails, all do."""
    if not _several():
        return make()
    result: list[tuple[T | None, Exception | None]] = [(None, None)]
    if dist.get_rank() == 0:
        try:
            result = [(make(), None)]
        except MetricFaceError as error:
            result = [(None, error)]
    dist.broadcast_object_list(result, src=0, device=_device())
    value, failure = result[0]
    if failure is not None:
        raise failure if dist.get_rank() == 0 else FailedElsewhere(f"process 0 failed first: {failure}")
    return value  # type: ignore[return-value]


def from_each(mine: T) -> list[T]:
    """What every process gives, in the order of their ranks."""
    if not _several():
        return [mine]
    shares: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(shares, mine)
    return shares


def rows_of_this_rank(count: int) -> list[int]:
    """This process's share of so many rows: as many as any other has, where need be with one of the first twice.

    Equally many, because DDP synchronizes the buffers of the network at each batch, those of validation too.
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if _several() else (0, 1)
    return [row % count for row in range(rank, -(-count // world) * world, world)] if count else []


@contextmanager
def first_goes_first() -> Iterator[None]:
    """Let the first process through the block before the others, which find what it wrote."""
    if _several() and dist.get_rank() > 0:
        dist.barrier()
    yield
    if _several() and dist.get_rank() == 0:
        dist.barrier()


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if _several():
        dist.barrier()


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _device() -> torch.device:
    return (
        torch.device("cuda", torch.cuda.current_device())
        if dist.get_backend() == "nccl"
        else torch.device("cpu")
    )


def _meet(process: Process) -> Store:
    """The store of the launcher, when every process has come to it."""
    try:
        store, _, _ = next(
            dist.rendezvous(_address(), process.rank, process.world_size, timeout=_TO_ARRIVE)  # type: ignore[attr-defined]
        )
        store = PrefixStore(f"{_NAME}/{next(_meetings)}", store)
        store.set(f"here/{process.rank}", "")
        store.wait([f"here/{rank}" for rank in range(process.world_size)], _TO_ARRIVE)
    except (dist.DistError, RuntimeError) as error:
        raise ProcessError(
            f"process {process.rank} of {process.world_size}: the others did not come within "
            f"{_TO_ARRIVE.seconds // 60} minutes; start all of them, with torchrun or srun, where "
            f"MASTER_ADDR and MASTER_PORT can be reached ({' '.join(str(error).split())[:80]})"
        ) from None
    return store


def _address() -> str:
    """Where the processes meet: as torchrun states it, or the first machine of a Slurm job."""
    if "MASTER_ADDR" in os.environ and "MASTER_PORT" in os.environ:
        return "env://"
    if "SLURM_PROCID" not in os.environ:
        raise ConfigError(
            "MASTER_ADDR and MASTER_PORT: must be set beside RANK and WORLD_SIZE; start with torchrun"
        )
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    slurm = SLURMEnvironment()
    return f"tcp://{slurm.main_address}:{slurm.main_port}"


def _make_group(store: Store, process: Process) -> None:
    shared: dict[str, Any] = {"store": store, "rank": process.rank, "world_size": process.world_size}
    if device_of_choice().type != "cuda":
        dist.init_process_group("gloo", timeout=_TO_WORK, **shared)
        return
    device = torch.device("cuda", process.local_rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    dist.init_process_group("nccl", timeout=_TO_WORK, device_id=device, **shared)


def _first_failure(store: Store, process: Process, error: Exception) -> Exception:
    """The error itself in the process that failed first, with a note; in the others, one that quotes it."""
    if isinstance(error, FailedElsewhere):
        return error
    try:
        if _is_of_a_lost_process(error):
            until = time.monotonic() + _TO_CONFESS
            while not store.check([_FAILED]) and time.monotonic() < until:
                time.sleep(0.1)
            error = ProcessError(
                "another process of this training ended without a word (killed, or out of memory); go on with "
                "train --resume"
            )
        known = store.compare_set(_FAILED, "", f"{process.rank} {type(error).__name__} {error}").decode()
    except (dist.DistError, RuntimeError):  # the process that kept the store has ended
        return FailedElsewhere("process 0 ended first") if process.rank else error
    rank, _, line = known.split(" ", 2)
    if int(rank) != process.rank:
        return FailedElsewhere(f"process {rank} failed first: {line}")
    error.add_note(f"process {process.rank} of {process.world_size} failed first")
    return error


def _is_of_a_lost_process(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError)
        and any(word in text for word in ("gloo", "NCCL", "Connection closed by peer"))
    )
