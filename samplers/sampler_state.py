"""The state of a sampler inside an epoch: checked when it is taken and when it is loaded."""

from collections.abc import Mapping
from typing import Any

from metric_face.errors import ArgumentError

from .checks import whole


def check_consumed(consumed: Any, batches: int) -> int:
    """The number of consumed batches, refused where it is more than an epoch has."""
    batches_consumed = whole("consumed", consumed, 0)
    if batches_consumed > batches:
        raise ArgumentError(
            f"consumed must be at most the {batches} batches of an epoch, found {batches_consumed}; count "
            f"from the start of the epoch"
        )
    return batches_consumed


def check_state(state: Mapping[str, Any], settings: Mapping[str, Any], world: int) -> int:
    """The batches that each process had consumed, refused where the state belongs to another sampler.

    Args:
        state: what `state_dict` returned.
        settings: those of the sampler that loads it.
        world: number of all processes.

    Raises:
        ArgumentError: a key is missing, a setting differs, or the processes do not divide what was consumed.
    """
    missing = {"seed", "epoch", "consumed", "settings"} - set(state)
    if missing:
        raise ArgumentError(f"state must come from state_dict(), found no {', '.join(sorted(missing))}")
    for name, ours in settings.items():
        theirs = state["settings"].get(name)
        if theirs != ours:
            raise ArgumentError(
                f"state must be of a sampler with the same {name}, found {theirs!r} where this one has "
                f"{ours!r}; build the sampler as it was"
            )
    consumed = int(state["consumed"])
    if consumed % world:
        raise ArgumentError(
            f"world_size must divide the {consumed} batches consumed by all processes, found {world}; "
            f"resume with as many processes as before, or at the start of an epoch"
        )
    return consumed // world
