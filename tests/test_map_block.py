"""The places of a map as its page reads them: one unit for all axes, the second downwards, 16 bits fine."""

import base64

import numpy as np
import pytest

from metric_face.visualization.map_block import pack_coords


def _axis(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), np.dtype("<u2")).astype(np.float64) / 65535


@pytest.mark.parametrize(("axes", "sizes"), [(2, ("width", "height")), (3, ("width", "height", "depth"))])
def test_packed_places_are_those_of_the_map_in_one_unit(axes: int, sizes: tuple[str, ...]) -> None:
    coords = np.random.default_rng(0).normal(size=(50, axes)).astype(np.float32) * np.array([3, 1, 2][:axes])
    block = pack_coords(coords)
    assert set(block) == {*"xyz"[:axes], *sizes}
    extent = np.ptp(coords, axis=0)
    wanted = (coords - coords.min(axis=0)) / extent.max()
    wanted[:, 1] = (coords[:, 1].max() - coords[:, 1]) / extent.max()
    found = np.column_stack([_axis(block[name]) for name in "xyz"[:axes]])
    np.testing.assert_allclose(found, wanted, atol=2 / 65535)
    np.testing.assert_allclose([block[name] for name in sizes], extent / extent.max(), rtol=1e-6)


@pytest.mark.parametrize("axes", [2, 3])
def test_a_map_without_points_has_a_frame(axes: int) -> None:
    block = pack_coords(np.zeros((0, axes), np.float32))
    assert len(_axis(block["x"])) == 0
    assert block["width"] == block["height"] == 1


def test_points_on_a_line_keep_a_frame_that_can_be_seen() -> None:
    assert pack_coords(np.array([[0, 1], [4, 1]], np.float32))["height"] == pytest.approx(0.05)
