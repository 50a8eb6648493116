"""Near copies are found wherever they lie, and a class that is tighter than the rest is not accused of them."""

import numpy as np
import pytest

from metric_face.diagnosis.measures.near_copies import near_copies
from metric_face.search import NeighborGraph


def _identities(seed, copies=0, count=450, each=3, dimensions=64):
    """Three classes, the third a tenth of all and three times as tight; some held-out identities copy training ones."""
    rng = np.random.default_rng(seed)
    kind = np.where(np.arange(count) % 10 == 0, 2, np.arange(count) % 2)
    who = np.repeat(np.arange(count), each)
    spread = np.where(kind == 2, 1 / 3, 1.0)[who, None]
    own = rng.normal(size=(count, dimensions))[who] + 0.5 * rng.normal(size=(len(who), dimensions))
    vectors = 3 * rng.normal(size=(3, dimensions))[kind][who] + spread * own
    held = rng.random(count) < 0.3
    copied = rng.choice(np.flatnonzero(held), copies, replace=False)
    originals = rng.choice(np.flatnonzero(~held), copies, replace=False)
    for copy, original in zip(copied, originals, strict=True):
        here, there = np.flatnonzero(who == copy), np.flatnonzero(who == original)
        vectors[here] = vectors[there] + 0.02 * spread[there] * rng.normal(size=(each, dimensions))
    return vectors.astype(np.float32), who, held, copied


def _near(vectors, who, held):
    graph = NeighborGraph.build(vectors, 20, exclude=who)
    train, out = np.flatnonzero(~held[who]), np.flatnonzero(held[who])
    return near_copies(graph.ids, graph.similarities, who, train, out), graph, train, out


@pytest.mark.parametrize("seed", range(5))
def test_a_tighter_class_is_not_accused(seed) -> None:
    vectors, who, held, _ = _identities(seed)
    found, graph, train, out = _near(vectors, who, held)
    assert not (found.beyond_chance and len(found.rows) >= 3)
    # One threshold for the whole set, from the same distances, accuses it: the test can fail.
    nearest = [
        np.where(np.isin(graph.ids[rows], train), graph.similarities[rows], -np.inf).max(axis=1)
        for rows in (train, out)
    ]
    usual = np.log(1 - nearest[0][np.isfinite(nearest[0])])
    low, middle, high = np.quantile(usual, [0.25, 0.5, 0.75])
    assert (1 - nearest[1] < np.exp(middle - 6 * (high - low) / 1.349)).sum() >= 3


@pytest.mark.parametrize("copies", [3, 12])
def test_copies_are_found_in_every_class(copies) -> None:
    vectors, who, held, copied = _identities(1, copies)
    found, _, _, _ = _near(vectors, who, held)
    assert found.beyond_chance
    assert set(np.unique(who[found.rows])) == set(copied)
    assert found.identities == copies
    assert not held[who[found.twins]].any()


def test_chance_is_read_from_training_images_among_themselves() -> None:
    """Where training holds as many copies under other names, held-out ones are no more than chance."""
    vectors, who, held, _ = _identities(2)
    rng = np.random.default_rng(2)
    train = np.flatnonzero(~held)
    for copy, original in rng.permutation(train)[:60].reshape(30, 2):
        vectors[who == copy] = vectors[who == original] + 1e-3
    found, _, _, _ = _near(vectors, who, held)
    sides = held.sum() / (~held).sum()
    assert found.expected == pytest.approx(60.5 * sides)
    assert not found.beyond_chance


def test_too_few_training_images_give_no_threshold() -> None:
    vectors, who, held, _ = _identities(3, count=8)
    found, _, _, _ = _near(vectors, who, held)
    assert (len(found.rows), found.ratio) == (0, 0.0)
