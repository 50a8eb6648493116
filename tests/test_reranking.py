"""k-reciprocal re-ranking against the formulas of the paper, written down point by point."""

import math

import numpy as np
import pytest

from metric_face.arrays import Doubles, Floats
from metric_face.errors import ArgumentError
from metric_face.search import k_reciprocal


def by_the_paper(queries: Floats, gallery: Floats, k1: int, k2: int, weight: float) -> Doubles:
    """Zhong et al. 2017 with sets and sums; a point is the first of its own neighbors."""
    points = [row / np.linalg.norm(row) for row in np.concatenate([queries, gallery]).astype(np.float64)]
    n = len(points)
    d = [
        [0.0 if i == j else max(0.0, 2 - 2 * float(points[i] @ points[j])) for j in range(n)]
        for i in range(n)
    ]

    def near(p: int, k: int) -> list[int]:  # N(p, k), equation 1, with p itself before them
        return [p, *sorted((g for g in range(n) if g != p), key=lambda g: (d[p][g], g))[:k]]

    def reciprocal(p: int, k: int) -> set[int]:  # R(p, k), equation 2
        return {g for g in near(p, k) if p in near(g, k)}

    def expanded(p: int) -> set[int]:  # R*(p, k1), equation 3
        found = set(reciprocal(p, k1))
        for q in reciprocal(p, k1):
            half = reciprocal(q, max(1, round(k1 / 2)))
            if len(reciprocal(p, k1) & half) >= 2 / 3 * len(half) - 1e-9:
                found |= half
        return found

    sets = [expanded(p) for p in range(n)]
    encoded = [
        [math.exp(-d[p][g]) if g in sets[p] else 0.0 for g in range(n)] for p in range(n)
    ]  # equation 7
    spread = []
    for p in range(n):  # equation 11
        around = near(p, n)[:k2]
        spread.append([sum(encoded[g][j] for g in around) / len(around) for j in range(n)])
    found = np.empty((len(queries), len(gallery)))
    for i in range(len(queries)):
        for j in range(len(gallery)):
            a, b = spread[i], spread[len(queries) + j]
            jaccard = 1 - sum(map(min, a, b)) / sum(map(max, a, b))  # equation 10
            found[i, j] = (1 - weight) * jaccard + weight * d[i][len(queries) + j]  # equation 12
    return found


@pytest.mark.parametrize(
    ("q", "n", "k1", "k2", "weight"),
    [
        (3, 30, 8, 3, 0.3),
        (1, 40, 20, 6, 0.3),
        (2, 5, 20, 6, 0.0),
        (4, 25, 5, 1, 0.7),
        (1, 1, 3, 2, 0.3),
        (2, 20, 1, 1, 0.5),
    ],
)
def test_it_is_the_formula_of_the_paper(q: int, n: int, k1: int, k2: int, weight: float) -> None:
    generator = np.random.default_rng(q * n)
    centers = generator.normal(size=(4, 6))
    points = (centers[generator.integers(0, 4, q + n)] + generator.normal(0, 0.5, (q + n, 6))).astype(
        np.float32
    )
    found = k_reciprocal(points[:q], points[q:], k1=k1, k2=k2, weight=weight)
    np.testing.assert_allclose(found, by_the_paper(points[:q], points[q:], k1, k2, weight), atol=1e-6)


def test_copies_of_the_query_come_first_and_weight_one_is_the_plain_order() -> None:
    points = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    points[[7, 31]] = points[0]
    assert set(np.argsort(k_reciprocal(points[:1], points[1:], k1=5, k2=2)[0], kind="stable")[:2]) == {6, 30}
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    plain = np.argsort(-unit[:1] @ unit[1:].T, kind="stable")
    np.testing.assert_array_equal(
        np.argsort(k_reciprocal(points[:1], points[1:], weight=1.0), kind="stable")[0, 2:], plain[0, 2:]
    )


@pytest.mark.parametrize("wrong", [{"k1": 0}, {"k2": 0}, {"weight": 1.5}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=r"k1 and k2 must be at least 1, weight in 0\.\.1"):
        k_reciprocal(np.ones((1, 3), np.float32), np.ones((2, 3), np.float32), **wrong)  # type: ignore[arg-type]
