"""What the command and the report write as JSON is plain data, whatever it was computed with."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special

from metric_face.files import plain
from metric_face.probabilities import softmax


@dataclass(frozen=True)
class Point:
    name: str
    values: np.ndarray


def test_results_become_dictionaries_lists_and_numbers() -> None:
    value = {
        1: Point("a", np.array([[1, 2]])),
        "b": (np.int64(3), np.float32(0.5), np.bool_(True), None, float("nan"), np.float64(-np.inf), np.nan),
        "c": np.array([1.0, np.inf]),
    }
    told = plain(value)
    assert told == {
        "1": {"name": "a", "values": [[1, 2]]},
        "b": [3, 0.5, True, None, None, None, None],
        "c": [1.0, None],
    }
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert [type(one) for one in told["b"][:3]] == [int, float, bool]


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_softmax_is_that_of_scipy_and_does_not_overflow(scale: float) -> None:
    logits = (scale * np.random.default_rng(0).normal(size=(50, 7))).astype(np.float32)
    found = softmax(logits)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, special.softmax(logits.astype(np.float64), axis=1), atol=1e-12)
