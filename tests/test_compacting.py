"""Islands of a map move together as wholes: nothing within one changes."""

import numpy as np
import pytest

from metric_face.visualization.compacting import WIDEST, close_gaps


def _islands(gap):
    rng = np.random.default_rng(0)
    centers = np.array([[0, 0], [gap, 0], [0, 2 * gap]])
    codes = np.repeat(np.arange(3), 2000)
    return codes, (centers[codes] + rng.random((6000, 2))).astype(np.float32)


@pytest.mark.parametrize("gap", [5.0, 100.0])
def test_islands_come_near_and_keep_their_inside(gap):
    codes, coords = _islands(gap)
    made = close_gaps(coords)
    assert made.dtype == np.float32
    for code in range(3):
        before, after = coords[codes == code], made[codes == code]
        np.testing.assert_allclose(after - after[0], before - before[0], atol=gap * 1e-5)
    assert np.ptp(made, axis=0).max() < 0.3 * np.ptp(coords, axis=0).max() + 2
    apart = made[codes == 1][::20, None] - made[codes == 0][None]
    assert np.linalg.norm(apart, axis=2).min() > 0.02  # they stay islands


def test_a_map_without_wide_gaps_stays_as_it_is():
    coords = np.random.default_rng(1).random((400, 3)).astype(np.float32)
    assert max(np.diff(np.sort(coords[:, axis])).max() for axis in range(3)) < WIDEST
    np.testing.assert_allclose(close_gaps(coords), coords, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_points_keep_their_shape(n):
    coords = np.array([[0, 0], [10, 10], [20, 5]], dtype=np.float32)[:n]
    made = close_gaps(coords)
    assert made.shape == coords.shape
    assert len(np.unique(made, axis=0)) == n
