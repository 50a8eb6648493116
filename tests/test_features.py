"""Cached features equal the backbone's own, are used again only where nothing changed, and start a projection well."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from metric_face.data import EvalTransform, ImageTable
from metric_face.errors import ArgumentError
from metric_face.features import (
    FeatureDataset,
    cached_features,
    discriminant,
    recall_at_1,
    start_scores,
    whitening,
)
from metric_face.models import EmbeddingModel

TRANSFORM = EvalTransform((32, 32))


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    names = [f"images/{n}.png" for n in range(7)]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(tmp_path / name)
    return ImageTable(pd.DataFrame({"path": names}), tmp_path)


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return EmbeddingModel("test_resnet").eval()


def computed(backbone, table, flip):
    images = torch.from_numpy(np.stack([TRANSFORM(path) for path in table.paths]))
    with torch.no_grad():
        return backbone.features(images.flip(3) if flip else images).numpy()


@pytest.mark.parametrize("view", ["plain", "flip"])
def test_a_view_is_what_the_backbone_gives(backbone, table, tmp_path, view):
    found = cached_features(backbone, table, TRANSFORM, tmp_path / "features", precision="fp32")
    np.testing.assert_allclose(found.views[view], computed(backbone, table, view == "flip"), atol=1e-5)


def test_nothing_is_computed_twice(backbone, table, tmp_path):
    first, again = [], []
    home = tmp_path / "features"
    one = cached_features(backbone, table, TRANSFORM, home, progress=lambda *n: first.append(n))
    two = cached_features(backbone, table, TRANSFORM, home, progress=lambda *n: again.append(n))
    assert first[-1] == (14, 14)
    assert not again
    assert np.array_equal(one.plain, two.plain)


@pytest.mark.parametrize("change", ["weights", "transform", "image", "order", "damage"])
def test_what_changed_is_computed_anew(backbone, table, tmp_path, change):
    home, again = tmp_path / "features", []
    cached_features(backbone, table, TRANSFORM, home, views=["plain"])
    transform = TRANSFORM
    if change == "weights":
        backbone = EmbeddingModel("test_resnet")
    elif change == "transform":
        transform = EvalTransform((32, 32), crop=(0.9, 0.9))
    elif change == "image":
        Image.new("RGB", (9, 9)).save(table.paths[3])
    elif change == "order":
        table = table.take([1, 0, 2, 3, 4, 5, 6])
    else:
        file = home / "plain" / "vectors.npy"
        content = bytearray(file.read_bytes())
        content[-3] ^= 8
        file.write_bytes(bytes(content))
    found = cached_features(
        backbone, table, transform, home, views=["plain"], progress=lambda *n: again.append(n)
    )
    fresh = cached_features(backbone, table, transform, tmp_path / "fresh", views=["plain"])
    assert again
    assert np.array_equal(found.plain, fresh.plain)


def test_unknown_views_are_refused(backbone, table, tmp_path):
    with pytest.raises(ArgumentError, match="views must be plain and any of plain, flip; found upside-down"):
        cached_features(backbone, table, TRANSFORM, tmp_path, views=["upside-down"])


def test_the_mean_of_the_views_is_the_mean(backbone, table, tmp_path):
    found = cached_features(backbone, table, TRANSFORM, tmp_path / "f")
    np.testing.assert_allclose(found.mean, (found.plain + found.views["flip"]) / 2, rtol=1e-6)
    assert found.mean is found.mean, "many changes are tried on one set of features"


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_whitened_features_have_unit_covariance(offset):
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(500, 20)) @ rng.normal(size=(20, 20)) + offset).astype(np.float32)
    found = whitening(x, 8)
    exact = found.weight.astype(np.float64) @ x.T.astype(np.float64) + found.bias[:, None].astype(np.float64)
    np.testing.assert_allclose(np.cov(exact), np.eye(8), atol=2e-3)
    centered = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    singular = np.linalg.svd(centered, compute_uv=False) ** 2
    assert found.explained == pytest.approx(singular[:8].sum() / singular.sum(), rel=1e-5)


@pytest.mark.parametrize(("rows", "rank"), [(4, 3), (50, 5)])
def test_components_that_the_data_lack_are_zero(rows, rank):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(rows, 5)) @ rng.normal(size=(5, 30))
    found = whitening(x, 12)
    assert found.rank == rank
    assert not found.weight[rank:].any()
    assert found.weight[:rank].any(axis=1).all()


@pytest.mark.parametrize(
    ("x", "message"), [(np.zeros((1, 3)), "at least 2 rows"), (np.ones((5, 3)), "all rows are equal")]
)
def test_what_cannot_be_whitened_is_refused(x, message):
    with pytest.raises(ArgumentError, match=message):
        whitening(x, 2)


def test_a_batch_holds_the_rows_asked_for_in_a_view_that_follows_seed_and_epoch():
    views = [np.arange(20, dtype=np.float32)[:, None] + 100 * v for v in range(2)]
    rows = np.arange(4, 16)
    data = FeatureDataset(views, rows, {"kind": np.arange(12) % 3}, seed=3)
    batch = data.__getitems__([5, 0, 5, 5])
    assert (batch["features"][:, 0] % 100).tolist() == [9, 4, 9, 9]
    assert batch["index"].tolist() == [5, 0, 5, 5]
    assert batch["kind"].tolist() == [2, 0, 2, 2]
    again = FeatureDataset(views, rows, seed=3)
    draws = []
    for epoch in range(30):
        data.set_epoch(epoch), again.set_epoch(epoch)
        one, two = (d.__getitems__(list(range(12)))["features"] for d in (data, again))
        assert torch.equal(one, two)
        draws.append((one >= 100).float().mean().item())
    assert 0.35 < np.mean(draws) < 0.65
    assert len(set(draws)) > 3


def test_copies_in_a_batch_may_differ():
    data = FeatureDataset([np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)], np.zeros(1, np.int64))
    seen = set()
    for epoch in range(20):
        data.set_epoch(epoch)
        seen.add(tuple(data.__getitems__([0, 0])["features"][:, 0].tolist()))
    assert {(0.0, 1.0), (0.0, 0.0)} & seen
    assert len(seen) > 2


def test_labels_of_another_length_are_refused():
    with pytest.raises(ArgumentError, match=r"labels\['kind'\]: must have one code per image, 3; found 2"):
        FeatureDataset([np.zeros((3, 1), np.float32)], np.arange(3), {"kind": np.zeros(2, np.int64)})


def test_start_scores_know_separable_classes_from_noise():
    rng = np.random.default_rng(4)
    known, true = np.arange(90) % 3, np.arange(60) % 3
    centers = rng.normal(size=(3, 16)) * 4
    train, val = centers[known] + rng.normal(size=(90, 16)), centers[true] + rng.normal(size=(60, 16))
    train, val = train.astype(np.float32), val.astype(np.float32)
    found = start_scores(
        train,
        val,
        whitening(train, 8),
        whitening(train, 8),
        metric_labels=true,
        targets={"kind": (known, true, 3), "coin": (rng.integers(2, size=90), rng.integers(2, size=60), 2)},
        groups=np.arange(90) // 3,
    )
    assert found.knn["kind"] == found.probe["kind"] == found.recall_at_1 == 1
    assert found.knn["coin"] < 0.8
    assert found.probe["coin"] < 0.8
    assert found.images == 60


def test_recall_counts_the_images_that_have_another_to_find():
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [-1, 0]], np.float32)
    assert recall_at_1(vectors, np.array([0, 0, 1, 2, 1])) == pytest.approx(3 / 4)
    assert recall_at_1(vectors, np.arange(5)) is None


def test_a_discriminant_solves_its_eigenvalue_problem():
    """Total variance over shrunk variance within labels, as SciPy solves it."""
    from scipy.linalg import eigh

    rng = np.random.default_rng(6)
    labels = np.arange(200) % 8
    x = (rng.normal(size=(8, 6))[labels] @ rng.normal(size=(6, 12)) + rng.normal(size=(200, 12))).astype(
        np.float32
    )
    found = discriminant([x], labels, 5, shrinkage=0.3)
    deviations = x.astype(np.float64) - np.stack([x[labels == k].mean(axis=0) for k in range(8)])[labels]
    within = deviations.T @ deviations / (200 - 8)
    shrunk = 0.7 * within + 0.3 * np.trace(within) / 12 * np.eye(12)
    _, vectors = eigh(np.cov(x.T), shrunk)  # ascending; vectors' * shrunk * vectors = 1
    expected = (x - x.mean(axis=0)) @ vectors[:, ::-1][:, :5]
    expected *= np.sqrt(5 / np.square(expected).sum(axis=1).mean())
    np.testing.assert_allclose(np.abs(found(x)), np.abs(expected), rtol=4e-3, atol=2e-3)


def test_a_discriminant_ignores_what_changes_within_a_label():
    rng = np.random.default_rng(7)
    noise, signal = rng.normal(size=(10, 20)), rng.normal(size=(4, 20))
    known, new = np.arange(300) % 100, np.arange(300, 500) % 50

    def images(of, who):
        return (who[of] @ signal + 4 * rng.normal(size=(len(of), 10)) @ noise).astype(np.float32)

    train, val = images(known, rng.normal(size=(100, 4))), images(new, rng.normal(size=(50, 4)))
    found = discriminant([train], known, 4, shrinkage=0.01)
    assert recall_at_1(found(val), new) > recall_at_1(whitening(train, 4)(val), new) + 0.2


def test_views_of_single_images_say_what_changes_within_a_label():
    rng = np.random.default_rng(8)
    plain = rng.normal(size=(60, 6)).astype(np.float32)
    flip = plain.copy()
    flip[:, 0] = rng.normal(size=60) * 5
    found = discriminant([plain, flip], np.arange(60), 5, shrinkage=0.01)
    one, other = found(plain), found(flip)
    moved = np.square(one - other).sum(axis=1).mean() / np.square(one - one[::-1]).sum(axis=1).mean()
    assert moved < 0.2  # of the features as they are, more than a half


@pytest.mark.parametrize(
    ("views", "labels", "shrinkage", "message"),
    [
        ([np.eye(3, dtype=np.float32)], np.arange(3), 0.5, "no label has two images"),
        ([np.ones((4, 3), np.float32)], np.arange(4) % 2, 0.5, "there is no direction to find"),
        ([np.eye(3, dtype=np.float32)], np.arange(2), 0.5, "one code per image, 3; found 2"),
        ([], np.arange(2), 0.5, r"views must be \(N, F\) of one shape"),
        ([np.eye(3, dtype=np.float32)], np.zeros(3, np.int64), 0.0, "shrinkage must be above 0"),
    ],
)
def test_what_cannot_be_discriminated_is_refused(views, labels, shrinkage, message):
    with pytest.raises(ArgumentError, match=message):
        discriminant(views, labels, 2, shrinkage=shrinkage)
