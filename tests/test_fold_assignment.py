"""Identities are assigned to folds whole, once, evenly in every class, and the same way each time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from metric_face import fold_assignment
from metric_face.errors import ArgumentError, SplitError
from metric_face.fold_assignment import assign_identities, identity_folds


def drawn(seed: int, sizes: list[int], num_classes: int, mixed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Identities of the given sizes in random order; their images share a class, or have each their own."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(len(sizes)), sizes)
    classes = rng.integers(0, num_classes, len(who) if mixed else len(sizes))
    classes = classes if mixed else classes[who]
    order = rng.permutation(len(who))
    return who[order], classes[order]


def unevenness(fold: np.ndarray, classes: np.ndarray, num_folds: int) -> float:
    """Sum over folds and classes, all items being one more class, of (count - due)^2 / due."""
    counts = np.zeros((num_folds, classes.max() + 1))
    np.add.at(counts, (fold, classes), 1)
    counts = np.column_stack([counts[:, counts.sum(axis=0) > 0], counts.sum(axis=1)])
    due = counts.sum(axis=0) / num_folds
    return float(((counts - due) ** 2 / due).sum())


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=5, max_size=60),
    num_classes=st.integers(1, 6),
    mixed=st.booleans(),
    num_folds=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_every_identity_is_whole_in_one_of_the_folds(
    sizes: list[int], num_classes: int, mixed: bool, num_folds: int, seed: int
) -> None:
    identities, classes = drawn(seed, sizes, num_classes, mixed)
    fold = identity_folds(identities, num_folds, classes, seed=seed)
    assert fold.shape == identities.shape
    assert set(fold) == set(range(num_folds))
    assert all(len(set(fold[identities == one])) == 1 for one in range(len(sizes)))
    names = np.char.add("p", identities.astype(str).astype("U3"))
    assert set(fold) == set(identity_folds(names, num_folds, seed=seed))
    assert (fold == identity_folds(identities, num_folds, classes, seed=seed)).all()


@pytest.mark.parametrize("mixed", [False, True])
def test_folds_are_as_even_as_those_of_scikit_learn(mixed: bool) -> None:
    ours, theirs = [], []
    for seed in range(12):
        sizes = np.random.default_rng(seed).integers(1, 12, 200).tolist()
        identities, classes = drawn(seed, sizes, 8, mixed)
        peer = np.empty(len(identities), np.int64)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for number, (_, held) in enumerate(splitter.split(classes[:, None], classes, identities)):
            peer[held] = number
        ours.append(unevenness(identity_folds(identities, 5, classes, seed=seed), classes, 5))
        theirs.append(unevenness(peer, classes, 5))
    assert np.median(ours) <= 1.1 * np.median(theirs)  # assigning at random is 30 to 90 times as uneven


@pytest.mark.parametrize("counts", [(50, 50), (90, 9, 1), (7, 7, 7, 7)])
def test_single_images_fill_every_class_to_within_one(counts: tuple[int, ...]) -> None:
    classes = np.repeat(np.arange(len(counts)), counts)
    fold = identity_folds(np.arange(len(classes)), 4, classes)
    table = np.zeros((4, len(counts)), int)
    np.add.at(table, (fold, classes), 1)
    assert np.ptp(table, axis=0).max() <= 1


def test_equal_identities_assigned_at_once_are_assigned_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    identities, classes = drawn(3, rng.integers(1, 4, 300).tolist(), 3, False)
    at_once = identity_folds(identities, 4, classes, seed=1)
    monkeypatch.setattr(fold_assignment, "_runs", lambda order, *_: list(range(len(order) + 1)))
    assert (identity_folds(identities, 4, classes, seed=1) == at_once).all()


def test_the_seed_decides() -> None:
    identities = np.arange(40)
    assert (identity_folds(identities, 4, seed=0) != identity_folds(identities, 4, seed=1)).any()


@pytest.mark.parametrize("num_folds", [1, 4])
def test_too_few_or_too_many_folds_are_refused(num_folds: int) -> None:
    with pytest.raises(ArgumentError, match=f"from 2 to the number of identities, 3, found {num_folds}"):
        identity_folds(["a", "b", "c"], num_folds)


def test_a_part_that_stays_empty_is_refused() -> None:
    with pytest.raises(SplitError, match="1 of 2 splits stay empty; there are too few identities"):
        assign_identities(["a", "b"], [0.999, 0.001])
