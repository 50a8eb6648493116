"""A batch sampler that a DataLoader got as ``sampler=``, and the reverse: neither is what the loader expects."""

import sys
from operator import attrgetter
from typing import Any

from metric_face.errors import ArgumentError

_OF_IMAGES = (
    "RandomSampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
    "distributed.DistributedSampler",
)


def refuse_batches_of_batches(batch_sampler: Any) -> None:
    """Refuse to be iterated by the `BatchSampler` that a DataLoader makes around its ``sampler=``.

    A DataLoader asks nothing of a sampler before it iterates; some datasets then take a whole batch for one index, and
    train on images stacked twice. So the one who iterates is looked at: two frames up, and nothing is changed.

    Args:
        batch_sampler: who is iterated.

    Raises:
        ArgumentError: a `BatchSampler` of torch iterates it.
    """
    data = sys.modules.get("torch.utils.data")
    caller: Any = sys._getframe(2).f_locals.get("self")
    if data is None or type(caller) is not data.BatchSampler or caller.sampler is not batch_sampler:
        return
    raise ArgumentError(
        f"sampler= must yield one image at a time, found {type(batch_sampler).__name__}, which yields whole batches; "
        "use DataLoader(dataset, batch_sampler=...), without batch_size, shuffle and drop_last"
    )


def refuse_images_for_batches(loader: Any) -> None:
    """Refuse a DataLoader whose ``batch_sampler=`` is one of torch's samplers of single images.

    Raises:
        ArgumentError: it is.
    """
    data = sys.modules["torch.utils.data"]
    given = loader.batch_sampler
    kinds = tuple(attrgetter(name)(data) for name in _OF_IMAGES)
    if isinstance(given, kinds):
        raise ArgumentError(
            f"batch_sampler= must yield whole batches, found {type(given).__name__}, which yields one image at a time; "
            "give it as sampler= with a batch_size, or a RandomIdentitySampler as batch_sampler="
        )
