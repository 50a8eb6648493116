"""Label sets that broke samplers, and what must hold of any batches, for the sampler tests."""

import numpy as np
from hypothesis import strategies as st


def from_sizes(sizes, seed=0):
    """(N,) labels with the given numbers of images, in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def lfw_like():
    """5,749 identities of which 4,069 have one image; the largest has 530."""
    rest = np.random.default_rng(1).zipf(1.7, 1679).clip(1, 200) + 1
    return from_sizes(np.concatenate(([530], rest, np.ones(4069, dtype=int))))


def head_heavy():
    """One identity of 530 images, 99 of 8, 400 of one."""
    return from_sizes([530] + [8] * 99 + [1] * 400)


def market_like():
    """751 identities of 2 to 72 images."""
    return from_sizes(np.random.default_rng(2).integers(2, 73, 751))


def joint_classes():
    """18 classes of 83 to 4,085 images, 49 to 1."""
    return from_sizes(np.geomspace(83, 4085, 18).round().astype(int))


def identities():
    """2,700 identities of 7 photographs."""
    return np.repeat(np.arange(2700), 7)


SHAPES = {
    "lfw_like": (lfw_like, 16, 4),
    "head_heavy": (head_heavy, 16, 4),
    "market_like": (market_like, 16, 4),
    "joint_classes": (joint_classes, 8, 4),
    "identities": (identities, 32, 4),
    "every_label_in_every_batch": (lambda: from_sizes([3, 40, 1, 9]), 4, 4),
}


@st.composite
def label_sets(draw, most_labels=12, most_images=30):
    """labels (N,), P and K that fit them."""
    sizes = draw(st.lists(st.integers(1, most_images), min_size=1, max_size=most_labels))
    p = draw(st.integers(1, len(sizes)))
    k = draw(st.integers(2, 6))
    return from_sizes(sizes, draw(st.integers(0, 99))), p, k


def as_array(batches):
    return np.array([list(batch) for batch in batches], dtype=np.int64)


def assert_p_by_k(batches, labels, p, k):
    """I1, I2, I3: the shape of every batch."""
    labels = np.asarray(labels)
    batches = as_array(batches)
    assert batches.shape[1:] == (p * k,)
    assert batches.min() >= 0
    assert batches.max() < labels.size
    by_label = np.sort(labels[batches], axis=1).reshape(len(batches), p, k)
    assert (by_label == by_label[:, :, :1]).all(), "a label has not exactly K images"
    assert (np.diff(by_label[:, :, 0], axis=1) > 0).all(), "a label is in a batch twice"


def groups_of(batches, labels, k):
    """(G, K) images, one row for each label of each batch; rows of a batch follow each other."""
    batches = as_array(batches)
    order = np.argsort(np.asarray(labels)[batches], axis=1, kind="stable")
    return np.take_along_axis(batches, order, axis=1).reshape(-1, k)


def assert_distinct_first(batches, labels, k):
    """I4: min(n, K) distinct images a group, padding even."""
    labels = np.asarray(labels)
    sizes = np.bincount(labels)
    for group in groups_of(batches, labels, k):
        _, counts = np.unique(group, return_counts=True)
        assert counts.size == min(sizes[labels[group[0]]], k)
        assert counts.max() - counts.min() <= 1


def third_gap(batches, labels):
    """Total variation between the label mixes of the first and the last third of the batches."""
    batches = as_array(batches)
    third = len(batches) // 3
    labels = np.asarray(labels)
    size = labels.max() + 1
    first = np.bincount(labels[batches[:third]].ravel(), minlength=size) / batches[:third].size
    last = np.bincount(labels[batches[-third:]].ravel(), minlength=size) / batches[-third:].size
    return abs(first - last).sum() / 2


def co_occurrence(batches, labels):
    """(C, C) how many batches each pair of labels shares."""
    batches = as_array(batches)
    labels = np.asarray(labels)
    present = np.zeros((len(batches), labels.max() + 1), dtype=np.int64)
    np.put_along_axis(present, labels[batches], 1, axis=1)
    together = present.T @ present
    np.fill_diagonal(together, 0)
    return together


def random_co_occurrence(present, rng, rounds=20):
    """A random 0/1 table with the row and column sums of `present`: the oracle of I22 (curveball trades).

    Pairs of rows pool what only one of them has and share it out again at random, each keeping its number.
    """
    rows = [set(np.flatnonzero(row)) for row in present]
    for _ in range(rounds):
        order = rng.permutation(len(rows))
        for a, b in zip(order[::2], order[1::2], strict=False):
            pool = sorted(rows[a] ^ rows[b])
            common = rows[a] & rows[b]
            own = len(rows[a]) - len(common)
            rng.shuffle(pool)
            rows[a], rows[b] = common | set(pool[:own]), common | set(pool[own:])
    table = np.zeros_like(present)
    for i, row in enumerate(rows):
        table[i, list(row)] = 1
    return table
