"""Arrays in, without a run: evaluation, map, plot and neighbors of the vectors of any other trainer."""

import numpy as np
import pandas as pd
import pytest
import torch
from search_oracle import nearest_by_brute_force

from metric_face import NeighborGraph, evaluate, neighbors, plot_map, project
from metric_face.errors import ArgumentError
from metric_face.run import Run
from metric_face.visualization import Projection

Y = np.repeat([0, 1, 2], 24)
IDENTITIES = np.arange(72) // 4
X = (np.random.default_rng(0).normal(size=(72, 6)) + 3 * np.eye(6)[Y]).astype(np.float32)


@pytest.mark.slow
def test_arrays_score_as_the_run_that_they_are_of(indexed: Run) -> None:
    stored = indexed.embeddings()
    kept = stored.take(np.isin(stored.table.frame["split"], ["train", "val"]))
    frame = kept.table.frame
    by_run = evaluate(indexed)
    by_arrays = evaluate(
        kept.vectors,
        frame[list(indexed.space.names)].reset_index(drop=True),
        frame["identity"],
        held_out=frame["split"] == "val",
    )
    assert type(by_arrays) is type(by_run)
    wanted = {(s.predictor, s.target): s.macro_f1 for s in by_run.scores if s.predictor != "head"}
    assert {(s.predictor, s.target): s.macro_f1 for s in by_arrays.scores} == wanted
    assert [(r.label, r.recall_at_1, r.map_at_r) for r in by_arrays.retrieval] == [
        (r.label, r.recall_at_1, r.map_at_r) for r in by_run.retrieval
    ]
    assert (by_arrays.images, by_arrays.identities, by_arrays.met_own, by_arrays.open_set) == (
        by_run.images,
        by_run.identities,
        by_run.met_own,
        by_run.open_set,
    )


def test_a_fifth_of_the_identities_is_held_out() -> None:
    found = evaluate(torch.tensor(X), [f"c{y}" for y in Y], pd.Series(IDENTITIES))
    assert found.met_own == 0
    assert 12 <= found.images <= 18
    assert {score.target for score in found.scores} == {"label"}
    assert found.score("probe", "label").macro_f1.value > 0.8
    assert set(found.score("knn", "label").f1) == {"c0", "c1", "c2"}


def test_identities_alone_are_retrieved() -> None:
    found = evaluate(X, groups=IDENTITIES)
    assert found.scores == ()
    assert [one.label for one in found.retrieval] == ["identity"]


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((X,), {}, "labels or groups must be given with vectors, found neither"),
        ((X, Y[:5]), {}, r"labels\['label'\] must have one value for each of the 72 vectors, found \(5,\)"),
        ((X, Y, IDENTITIES[:5]), {}, "groups must have one value for each of the 72 vectors"),
        ((X, [None, *Y[1:]]), {}, r"labels\['label'\] must not be missing, found none at row 0"),
        ((X, {"path": Y}), {}, "a column must not be called 'path'"),
        ((X, Y), {"held_out": Y}, r"held_out must be \(N,\) booleans, found int64"),
        ((X, Y), {"held_out": Y < 9}, "held_out must leave some vectors on both sides"),
        ((X, Y, Y * 0), {}, "groups must hold at least two identities"),
        ((X[:, 0], Y), {}, r"run must have shape \(N, D\), found \(72,\)"),
        (("runs/none", Y), {}, "labels, groups and held_out must be left out with a run"),
    ],
)
def test_what_an_evaluation_of_arrays_refuses(arguments, settings, message) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        evaluate(*arguments, **settings)
    assert "\n" not in str(caught.value)


def test_neighbors_are_those_of_brute_force() -> None:
    wanted = nearest_by_brute_force(X, X, 4, "cosine")[0]
    np.testing.assert_array_equal(neighbors(torch.tensor(X), 4, queries=X).ids, wanted)
    np.testing.assert_array_equal(neighbors(pd.DataFrame(X), 3).ids, wanted[:, 1:])
    own = neighbors(X, 3, exclude=IDENTITIES)
    assert (IDENTITIES[own.ids] != IDENTITIES[:, None]).all()
    with pytest.raises(ArgumentError, match="exclude must be left out with queries"):
        neighbors(X, 3, queries=X, exclude=IDENTITIES)


def test_vectors_are_laid_out_as_their_graph_is() -> None:
    wanted = project(NeighborGraph.build(X, 15), vectors=X, n_epochs=20).coords
    for form in (X, torch.tensor(X), pd.DataFrame(X), X.tolist()):
        np.testing.assert_array_equal(project(form, n_epochs=20).coords, wanted)
    assert project(X[:1]).coords.shape == (1, 2)


def test_a_map_is_plotted_on_an_axes_of_the_user() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    canvas = figure.canvas
    left, right = figure.subplots(1, 2)
    coords = X[:, :2]
    assert plot_map(coords, pd.Series(Y, name="age"), ax=right, title="$x") is right
    assert figure.canvas is canvas
    assert not left.collections
    assert right.get_title() == "$x"
    legend = right.get_legend()
    assert legend.get_title().get_text() == "age"
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2"]
    drawn = np.concatenate([points.get_offsets() for points in right.collections])
    np.testing.assert_array_equal(np.sort(drawn, axis=0), np.sort(coords, axis=0))


def test_a_map_of_three_dimensions_is_plotted_on_axes_of_three() -> None:
    from matplotlib.figure import Figure

    solid = Projection(X[:, :3].copy(), 0, 15, 0.1)
    axes = plot_map(solid, Y)
    assert axes.name == "3d"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "2"]
    axes.figure.draw_without_rendering()
    theirs = Figure().add_subplot(projection="3d")
    assert plot_map(solid, X[:, 3], ax=theirs) is theirs
    asked = (
        r"ax: must have the 3 dimensions of the map; found axes of the projection 'rectilinear'; make them by"
    )
    with pytest.raises(ArgumentError, match=asked):
        plot_map(solid, ax=Figure().subplots())
    with pytest.raises(ArgumentError, match=r"ax: must have the 2 dimensions of the map; found axes .*'3d'"):
        plot_map(X[:, :2], Y, ax=theirs)


def test_a_map_of_values_and_one_without_labels() -> None:
    axes = plot_map(X[:, :2], X[:, 3])
    assert len(axes.figure.axes) == 2  # with a color bar
    assert plot_map(X[:, :2]).get_legend() is None
    with pytest.raises(ArgumentError, match="labels must have one value for each of the 72 points, found 3"):
        plot_map(X[:, :2], [1, 2, 3])
