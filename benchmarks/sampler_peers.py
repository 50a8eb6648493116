"""Identity samplers of other libraries behind one face, and the label sets they are tried on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import BatchSampler, RandomSampler

from metric_face.samplers import RandomIdentitySampler

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Peer:
    """A sampler under test.

    Attributes:
        name: in the table; package: whose version stands in the table's head, "" for ours.
        make: (labels, P, K) -> batches of indices. Options it has no use for do not exist.
        ranked: (labels, P, K, rank, world) -> the batches of one rank, where the sampler or its library has a way.
        seeded: (labels, P, K, seed) -> batches, where it takes a seed.
        spread: (labels, identities, P, K) -> batches that spread identities, where it can.
    """

    name: str
    package: str
    make: Callable[[Labels, int, int], Any]
    ranked: Callable[[Labels, int, int, int, int], Any] | None = None
    seeded: Callable[[Labels, int, int, int], Any] | None = None
    spread: Callable[[Labels, Labels, int, int], Any] | None = None


class InBatches:
    """What a DataLoader does with a sampler of single images: cut its stream into batches, the last one short."""

    def __init__(self, sampler: Any, size: int) -> None:
        self.sampler, self.size = sampler, size

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.size)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(BatchSampler(self.sampler, self.size, drop_last=False))


def peers() -> list[Peer]:
    """Ours, and those of other libraries that are installed; plain shuffling as the floor."""
    found = [
        Peer(
            "metric_face",
            "",
            RandomIdentitySampler,
            ranked=lambda labels, p, k, r, w: RandomIdentitySampler(labels, p, k, rank=r, world_size=w),
            seeded=lambda labels, p, k, seed: RandomIdentitySampler(labels, p, k, seed=seed),
            spread=lambda labels, identities, p, k: RandomIdentitySampler(labels, p, k, spread=identities),
        )
    ]
    try:
        from pytorch_metric_learning.samplers import MPerClassSampler
    except ImportError:
        pass
    else:

        def with_batch(labels: Labels, p: int, k: int) -> InBatches:
            return InBatches(MPerClassSampler(labels, k, p * k, labels.size), p * k)

        def without_batch(labels: Labels, p: int, k: int) -> InBatches:
            return InBatches(MPerClassSampler(labels, k, None, labels.size), p * k)

        name = "pytorch-metric-learning"
        found.append(Peer("MPerClass(batch_size)", name, with_batch))
        found.append(Peer("MPerClass", name, without_batch))
    try:
        from oml.samplers.balance import BalanceSampler
    except ImportError:
        pass
    else:
        found.append(
            Peer(
                "OML Balance",
                "open-metric-learning",
                lambda labels, p, k: BalanceSampler(labels.tolist(), p, k),
            )
        )
    found.append(
        Peer("shuffling", "torch", lambda labels, p, k: InBatches(RandomSampler(range(labels.size)), p * k))
    )
    return found


def from_sizes(sizes: Any, seed: int = 0) -> Labels:
    """(N,) labels with the given numbers of images, in random order."""
    sizes = np.asarray(sizes, dtype=np.int64)
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(sizes.size), sizes))


def label_sets() -> dict[str, tuple[Labels, int, int]]:
    """Label sets that samplers stumble over, with P and K."""
    rng = np.random.default_rng(1)
    return {
        "LFW-like (5,749 identities, 4,069 of one image)": (
            from_sizes(np.concatenate(([530], rng.zipf(1.7, 1679).clip(1, 200) + 1, np.ones(4069)))),
            16,
            4,
        ),
        "head-heavy (1 x 530, 99 x 8, 400 x 1)": (from_sizes([530] + [8] * 99 + [1] * 400), 16, 4),
        "Market-like (751 identities of 2 to 72)": (from_sizes(rng.integers(2, 73, 751)), 16, 4),
        "joint classes (18 of 83 to 4,085)": (from_sizes(np.geomspace(83, 4085, 18).round()), 8, 4),
    }
