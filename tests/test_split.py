"""Splits share no identity, keep every class where identities allow, and are checked whoever made them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_face.data.split import SplitWarning, check_split, split_by_identity, split_fold
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, SplitError


def make_table(identities: list[str]) -> ImageTable:
    return ImageTable(
        pd.DataFrame({"path": [f"{i}.png" for i in range(len(identities))], "identity": identities}), Path()
    )


def competition(identities: int, seed: int = 0) -> tuple[ImageTable, np.ndarray]:
    """Identities x 7 images in 18 joint classes, 49:1."""
    generator = np.random.default_rng(seed)
    counts = np.array([549, 410, 83, 732, 817, 109])
    group = generator.choice(6, identities, p=counts / counts.sum())
    mask = np.array([0, 0, 0, 0, 0, 1, 2])
    classes = (mask[None] * 6 + group[:, None]).ravel()
    return make_table([f"p{i}" for i in range(identities) for _ in range(7)]), classes


def test_the_competition_is_split_evenly_in_every_class() -> None:
    table, classes = competition(2700)
    split = split_by_identity(table, classes)
    val = (split.frame["split"] == "val").to_numpy()
    share = np.bincount(classes[val], minlength=18) / np.bincount(classes, minlength=18)
    assert np.abs(share - 0.2).max() < 0.02
    assert set(table.frame["identity"][val]).isdisjoint(table.frame["identity"][~val])


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=6, max_size=60),
    num_classes=st.integers(1, 5),
    seed=st.integers(0, 5),
    splits=st.integers(2, 3),
)
def test_any_split_is_disjoint_whole_and_repeatable(
    sizes: list[int], num_classes: int, seed: int, splits: int
) -> None:
    identities = [f"p{i}" for i, size in enumerate(sizes) for _ in range(size)]
    table = make_table(identities)
    classes = np.random.default_rng(seed).integers(0, num_classes, len(identities))
    shares = {"train": 0.6, "val": 0.4} if splits == 2 else {"train": 0.5, "val": 0.3, "test": 0.2}
    split = split_by_identity(table, classes, shares=shares, seed=seed, warn=False)
    assert set(split.splits) == set(shares)
    assert split.frame.groupby("identity")["split"].nunique().eq(1).all()
    again = split_by_identity(table, classes, shares=shares, seed=seed, warn=False)
    assert (again.frame["split"] == split.frame["split"]).all()


@pytest.mark.parametrize("test", [0.0, 0.2])
def test_every_identity_is_held_out_by_one_fold_and_tested_by_none_or_all(test: float) -> None:
    table, classes = competition(300)
    splits = np.array(
        [
            split_fold(table, 4, fold, classes, test=test, seed=3).frame["split"].to_numpy(str)
            for fold in range(4)
        ]
    )
    apart = (splits == "test").any(axis=0)
    assert (splits[:, apart] == "test").all()
    assert apart.mean() == pytest.approx(test, abs=0.02)
    assert ((splits == "val").sum(axis=0) == ~apart).all()
    for split in splits:
        assert check_split(table.with_column("split", split), classes) == []
    assert np.ptp((splits == "val").sum(axis=1)) <= 0.1 * len(table) / 4


def test_a_fold_that_is_not_there_is_refused() -> None:
    with pytest.raises(ArgumentError, match="fold=5: must be 0 to 4, as there are 5"):
        split_fold(make_table(list("abcdef")), 5, 5)


def test_exact_copies_stay_on_one_side_where_there_are_no_identities(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"{i}.png").write_bytes(f"content {i // 2}".encode())
    table = ImageTable(pd.DataFrame({"path": [f"{i}.png" for i in range(40)]}), tmp_path)
    split = split_by_identity(table)
    sides = split.frame["split"].to_numpy().reshape(20, 2)
    assert (sides[:, 0] == sides[:, 1]).all()


def test_a_missing_class_is_named() -> None:
    table = make_table(["a", "a", "b", "c", "d", "e"])
    with pytest.warns(SplitWarning, match=r"'(train|val)' lacks 1 of 2 classes"):
        split_by_identity(table, [1, 1, 0, 0, 0, 0], shares={"train": 0.6, "val": 0.4})


def test_a_split_made_elsewhere_is_audited() -> None:
    table = make_table(["a", "a", "b", "c"]).with_column("split", ["train", "val", "train", "val"])
    with pytest.raises(
        SplitError, match=r"1 of 3 identities are in two splits, the first 'a' in train and val"
    ):
        check_split(table)
    with pytest.raises(SplitError, match="at least two splits"):
        check_split(make_table(["a", "b"]).with_column("split", ["train", "train"]))
    with pytest.raises(SplitError, match="row 1: 'split' must not be empty"):
        check_split(make_table(["a", "b"]).with_column("split", ["train", None]))
    with pytest.raises(SplitError, match="no column 'split'"):
        check_split(make_table(["a", "b"]))


def test_shares_that_are_missed_are_reported() -> None:
    table = make_table([f"p{i}" for i in range(100)]).with_column("split", ["train"] * 60 + ["val"] * 40)
    assert check_split(table, shares={"train": 0.8, "val": 0.2}) == [
        "split: 'train' holds 60.0% of the images, 80.0% were asked for",
        "split: 'val' holds 40.0% of the images, 20.0% were asked for",
    ]


def test_what_cannot_be_split_is_refused() -> None:
    table = make_table(["a", "b"])
    with pytest.raises(ArgumentError, match="positive shares that add up to 1"):
        split_by_identity(table, shares={"train": 0.8, "val": 0.1})
    with pytest.raises(SplitError, match="1 identities cannot fill 2 splits"):
        split_by_identity(make_table(["a", "a"]))
    with pytest.raises(ArgumentError, match="folds must be from 2 to the number of identities, 2, found 3"):
        split_fold(table, 3, 0)
