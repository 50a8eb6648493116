"""Figures draw the arrays they were given."""

import numpy as np
import pytest
from PIL import Image

from metric_face.visualization.plots import (
    arrows_figure,
    boundary_figure,
    kappa_figure,
    matrix_figure,
    pair_histogram_figure,
    save_figure,
    strip_figure,
)

X = np.linspace(0, 10, 21)


def test_the_boundary_curve_has_its_values_its_band_and_a_line_at_each_cut():
    axis = boundary_figure(X, X / 20, X / 40, X / 10, cuts=[3, 6], name="age").axes[0]
    np.testing.assert_allclose(axis.lines[0].get_xydata(), np.stack([X, X / 20], axis=1))
    assert [line.get_xdata()[0] for line in axis.lines[1:]] == [3, 6]
    assert axis.collections[0].get_paths()[0].get_extents().y1 == pytest.approx(1)


def test_a_pair_histogram_shades_what_both_share():
    figure = pair_histogram_figure([0, 1, 2], [0.8, 0.2], [0.1, 0.9], ("a", "b"), overlap=0.3)
    shared = figure.axes[0].patches[-1].get_data().values
    np.testing.assert_allclose(shared, [0.1, 0.2])
    assert "30% in common" in figure.axes[0].get_title(loc="left")


def test_a_matrix_writes_each_number_and_leaves_unknown_cells_empty():
    axis = matrix_figure([[0.5, np.nan], [0.25, 1]], ["a", "$b"]).axes[0]
    assert sorted(text.get_text() for text in axis.texts) == ["0.25", "0.50", "1.00"]


def test_kappa_keeps_its_scale():
    axis = kappa_figure([0, 1], [-0.1, -0.2], [-0.3, -0.4], [0, 0], noise=0.05).axes[0]
    assert axis.get_ylim() == (-1.05, 1.05)


@pytest.mark.parametrize("kappa", [-1.0, -0.3, 0.0, 1.0])
def test_the_arrows_stand_at_the_arc_cosine_of_kappa(kappa):
    axis = arrows_figure(kappa, (2.0, 1.0), ("a", "b")).axes[0]
    one, two = (np.array(text.xy) for text in axis.texts if hasattr(text, "arrow_patch") and text.arrow_patch)
    assert one @ two / np.linalg.norm(one) / np.linalg.norm(two) == pytest.approx(kappa, abs=1e-6)
    assert np.linalg.norm(one) == pytest.approx(2 * np.linalg.norm(two))


def test_a_strip_keeps_minus_one_to_one():
    assert strip_figure(np.zeros((2, 3)), ["a", "b"], ["0", "1", "2"]).axes[0].images[0].get_clim() == (-1, 1)


def test_figures_are_saved_whole_in_any_script_and_without_a_warning(tmp_path):
    figure = matrix_figure(np.eye(2), ["마스크 $x$", "𐍈 no font has this"])
    path = save_figure(figure, tmp_path / "deep" / "matrix.png", dpi=50)
    with Image.open(path) as image:
        assert min(image.size) > 50
    assert [item.name for item in path.parent.iterdir()] == ["matrix.png"]


def test_nothing_global_is_touched(tmp_path):
    import matplotlib

    before = {
        key: matplotlib.rcParams[key] for key in matplotlib.rcParams
    }  # reading settles the lazy backend
    save_figure(boundary_figure(X, X, X, X, cuts=[], name="age"), tmp_path / "a.png", dpi=40)
    assert {key: matplotlib.rcParams[key] for key in matplotlib.rcParams} == before


def test_gradients_that_vanish_are_drawn_as_points(tmp_path):
    path = save_figure(arrows_figure(0.0, (0.0, 0.0), ("a", "b")), tmp_path / "a.png", dpi=40)
    assert path.stat().st_size > 0
