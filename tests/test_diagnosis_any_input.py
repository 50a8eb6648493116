"""Whatever the sizes and whatever is missing, a diagnosis ends with both answers and a report."""

import json

import numpy as np
import pytest

from metric_face import diagnose


def _input(seed: int):
    rng = np.random.default_rng(seed)
    count, width = int(rng.choice([1, 2, 3, 7, 12, 40, 120])), int(rng.choice([1, 2, 5, 40]))
    points = rng.normal(size=(count, width)).astype(np.float32)
    if rng.random() < 0.3:
        points[:] = points[0] + (0 if rng.random() < 0.5 else 1e-6 * rng.normal(size=points.shape))
    points[np.abs(points).sum(axis=1) == 0] = 1
    labels = {"a": rng.integers(0, int(rng.choice([1, 2, 3, 10, 50])), count)}
    if rng.random() < 0.5:
        labels["b"] = rng.integers(0, 2, count)
    known = {}
    if rng.random() < 0.6:
        known["identities"] = rng.integers(0, max(1, count // int(rng.choice([1, 3, 7]))), count)
    if rng.random() < 0.6:
        known["split"] = (
            rng.choice(["train", "val"], count) if rng.random() < 0.8 else np.full(count, "train")
        )
    if rng.random() < 0.4:
        known["raw_values"] = {"a": labels["a"] * 10.0 + rng.integers(0, 10, count)}
    if rng.random() < 0.3:
        known["unlabeled"] = rng.normal(size=(int(rng.choice([1, 5, 60])), width))
    if rng.random() < 0.3:
        known["neutral"] = rng.normal(size=(count, 4)) + 0.1
    if rng.random() < 0.3:
        known["batches"] = [rng.integers(0, count, 8) for _ in range(int(rng.choice([1, 2, 9])))]
    return points, labels, known


@pytest.mark.parametrize("seed", range(24))
def test_it_ends_with_both_answers(seed: int) -> None:
    points, labels, known = _input(seed)
    result = diagnose(points, labels, **known)
    assert sorted(answer.hypothesis for answer in result.answers) == ["A", "B"]
    for lang in ("en", "ko"):
        assert 1 <= len(result.lines(lang)) <= 10
        json.dumps(result.to_dict(), allow_nan=False)
