"""The figures of an embedding, each against its closed form or every pair counted."""

import numpy as np
import pytest
from scipy.stats import skew

from metric_face.diagnosis.inputs import context_of
from metric_face.diagnosis.questions import health


def _figures(vectors, labels, identities=None):
    return health.measure(context_of(vectors.astype(np.float32), labels, identities))


def _spread(rng, shape):
    """Noise whose columns are centered, of variance one and without correlation, exactly."""
    raw = rng.normal(size=shape)
    raw -= raw.mean(axis=0)
    return np.linalg.qr(raw)[0] * np.sqrt(len(raw))


def test_rank_and_dimensions_of_unequal_axes() -> None:
    rng = np.random.default_rng(0)
    found = _figures(_spread(rng, (400, 3)) * [2, 1, 1] + 9, np.arange(400) % 2)
    halves = np.array([0.5, 0.25, 0.25])  # singular values 2, 1, 1
    assert found.effective_rank == pytest.approx(np.exp(-(halves * np.log(halves)).sum()), abs=1e-3)
    shares = np.array([4, 1, 1]) / 6  # variances
    assert found.dimensions == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), abs=1e-3)


def test_alignment_and_uniformity_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(1500) % 3
    vectors = rng.normal(size=(1500, 4)) + 2 * np.eye(4)[labels]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    far = 2 - 2 * unit @ unit.T
    other = ~np.eye(len(unit), dtype=bool)
    found = _figures(vectors, labels)
    assert found.uniformity == pytest.approx(np.log(np.exp(-2 * far[other]).mean()), abs=0.03)
    assert found.alignment == pytest.approx(far[other & (labels[:, None] == labels)].mean(), abs=0.04)
    assert found.mean_cosine == pytest.approx((1 - far[other] / 2).mean(), abs=0.01)


def test_collapse_is_the_scatter_within_measured_by_the_scatter_between() -> None:
    """Classes at +m and -m, variance s^2 within: S_B = m^2 on one axis, so NC1 = (s^2 / m^2) / 2."""
    rng = np.random.default_rng(2)
    within = np.vstack([_spread(rng, (300, 3)), _spread(rng, (300, 3))])
    labels = np.repeat([0, 1], 300)
    for size, distance in ((0.5, 2.0), (0.1, 3.0)):
        vectors = size * within + distance * np.outer(2 * labels - 1, [1, 0, 0])
        assert _figures(vectors, labels).nc1 == pytest.approx(size**2 / distance**2 / 2, rel=1e-4)


def test_hubness_is_the_skewness_of_how_often_an_image_is_a_neighbor() -> None:
    rng = np.random.default_rng(3)
    context = context_of(rng.normal(size=(300, 20)).astype(np.float32), np.arange(300) % 2)
    counts = np.bincount(context.graph.ids[context.graph.ids >= 0], minlength=300)
    assert health.measure(context).hubness == pytest.approx(skew(counts))
