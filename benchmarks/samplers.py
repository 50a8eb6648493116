"""Time to the first and to the last batch of an epoch: ours, MPerClassSampler and a bare sort, in one run.

python -m benchmarks.samplers [--repeats 9] [--slow-repeats 1]
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import machine, peak_memory, publish, table, times
from benchmarks.sampler_peers import Labels, Peer, from_sizes, peers
from metric_face.samplers import RandomIdentitySampler

P, K = 64, 4
SIZES = ((100_000, 10_000), (1_000_000, 10_000), (1_000_000, 100_000))


def equal_labels(images: int, identities: int) -> Labels:
    """(N,) labels of identities that have equally many images."""
    return from_sizes(np.full(identities, images // identities))


def whole_epoch(make: Callable[[], Any]) -> int:
    """Build the sampler and run through its epoch; returns the batches."""
    return sum(1 for _ in make())


def first_batch(make: Callable[[], Any]) -> None:
    next(iter(make()))


def sort(labels: Labels) -> Any:
    """The floor: one random order within labels."""
    return np.lexsort((np.random.default_rng(0).random(labels.size), labels))


def plan_of_an_epoch(images: int, identities: int) -> Callable[[], object]:
    """What `peak_memory` measures: an epoch of a sampler that stands."""
    sampler = RandomIdentitySampler(equal_labels(images, identities), P, K)
    return lambda: sum(1 for _ in sampler)


def slow_peer(peer: Peer, labels: Labels, repeats: int) -> tuple[float, float]:
    """Medians of seconds to the first and to the last batch."""
    first, last = [], []
    for _ in range(repeats):
        started = time.perf_counter()
        batches = iter(peer.make(labels, P, K))
        next(batches)
        first.append(time.perf_counter() - started)
        for _ in batches:
            pass
        last.append(time.perf_counter() - started)
    return float(np.median(first)), float(np.median(last))


def rows_of(images: int, identities: int, repeats: int, slow_repeats: int) -> list[list[object]]:
    labels = equal_labels(images, identities)
    sampler = RandomIdentitySampler(labels, P, K)
    taken = times(
        {
            "sort": lambda: sort(labels),
            "build": lambda: RandomIdentitySampler(labels, P, K),
            "plan": lambda: sampler.epoch_batches(0),
            "first": lambda: first_batch(lambda: RandomIdentitySampler(labels, P, K)),
            "last": lambda: whole_epoch(lambda: RandomIdentitySampler(labels, P, K)),
        },
        repeats,
    )
    ours = taken["last"]
    size = f"{images:,} / {identities:,}"

    def row(name: str, first: float | None, last: float) -> list[object]:
        return [
            size,
            name,
            "" if first is None else f"{first:.3f} s",
            f"{last:.3f} s",
            f"{last / taken['sort']:.2f}",
            f"{last / ours:.1f}",
            f"{last / images * 1e6:.2f} us",
        ]

    rows = [
        row("numpy.lexsort of (random, labels)", None, taken["sort"]),
        row("metric_face, built and iterated", taken["first"], taken["last"]),
        row("metric_face, one plan", None, taken["plan"]),
    ]
    for peer in peers():
        if peer.name.startswith("MPerClass("):
            rows.append(row(peer.name, *slow_peer(peer, labels, slow_repeats)))
    planning = taken["build"] + taken["plan"]
    return [
        *rows,
        [
            size,
            "metric_face, first batch over building and planning",
            "",
            "",
            f"{taken['first'] / planning:.2f}",
            "",
            "",
        ],
    ]


def memory() -> str:
    rows = []
    for images, identities in SIZES:
        peak = peak_memory(plan_of_an_epoch, images, identities)
        rows.append([f"{images:,} / {identities:,}", f"{peak:.0f} MB", f"{peak * 2**20 / images:.0f}"])
    head = ["images / identities", "peak above the sampler itself", "bytes an image"]
    return f"Memory of an epoch: proportional to the images.\n\n{table(head, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--slow-repeats", type=int, default=1, help="of MPerClassSampler, which takes minutes"
    )
    options = parser.parse_args()
    head = ["images / identities", "what", "first batch", "last batch", "x sort", "x ours", "an image"]
    rows = [r for images, ids in SIZES for r in rows_of(images, ids, options.repeats, options.slow_repeats)]
    publish(
        "samplers",
        "Samplers: cost",
        f"python -m benchmarks.samplers --repeats {options.repeats} --slow-repeats {options.slow_repeats}",
        machine("numpy", "torch", "pytorch-metric-learning"),
        [
            f"An epoch of {P} identities x {K} images a batch, from building the sampler to the first and to the last "
            "batch. Medians of runs that take turns; MPerClassSampler with `batch_size` and an epoch as long as the "
            "data. Marks: at most 4 x the sort, at least 100 x faster than MPerClassSampler at 100,000 identities, "
            "the first batch no later than the plan.",
            table(head, rows),
            memory(),
        ],
    )


if __name__ == "__main__":
    main()
