"""Labels of every form mean the same wherever labels go: lists, arrays, tensors, pandas columns, frames of one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import metric_face as mf
from metric_face.arrays import column_of, numbered
from metric_face.classifiers import choose_k, votes_for_ks
from metric_face.classifiers.attribute_probes import fit_probes
from metric_face.errors import ArgumentError
from metric_face.metrics import (
    bootstrap_interval,
    calibrate,
    confusion,
    f1_per_class,
    macro_f1,
    resolution,
    retrieval_metrics,
    threshold_gain,
)
from metric_face.pages import Column
from metric_face.visualization import measure_faithfulness, neighbor_confusion

N = 48
RNG = np.random.default_rng(0)
Y = np.repeat(np.arange(6), 8)
G = np.repeat(np.arange(12), 4)
X = (RNG.normal(size=(N, 5)) + 2 * np.eye(6, 5)[Y]).astype(np.float32)
PREDICTED = np.where(RNG.random(N) < 0.7, Y, RNG.integers(0, 6, N))
CHANCES = RNG.dirichlet(np.ones(6), N)
LOGITS = torch.tensor(CHANCES, dtype=torch.float32)
GRAPH = mf.NeighborGraph.build(X, 8)
ODD_INDEX = np.arange(N)[::-1] * 3 + 7  # positions count, not the index

Form = Callable[[Any], Any]
NUMBERS: dict[str, Form] = {
    "int32": lambda v: v.astype(np.int32),
    "uint8": lambda v: v.astype(np.uint8),
    "list": lambda v: v.tolist(),
    "tuple": lambda v: tuple(v.tolist()),
    "column": lambda v: pd.Series(v, index=ODD_INDEX),
    "nullable": lambda v: pd.Series(v, dtype="Int64"),
    "category": lambda v: pd.Series(pd.Categorical(v)),
    "index": lambda v: pd.Index(v),
    "frame": lambda v: pd.DataFrame({"label": v}, index=ODD_INDEX),
    "tensor": torch.as_tensor,
    "tensors": lambda v: [torch.tensor(int(x)) for x in v],
}
NAMES: dict[str, Form] = {
    "names": lambda v: np.array([f"c{x}" for x in v]),
    "list of names": lambda v: [f"c{x}" for x in v],
    "column of names": lambda v: pd.Series([f"c{x}" for x in v], index=ODD_INDEX),
    "Arrow names": lambda v: pd.Series([f"c{x}" for x in v], dtype="string[pyarrow]"),
    "category of names": lambda v: pd.Series(pd.Categorical([f"c{x}" for x in v])),
    "frame of names": lambda v: pd.DataFrame({"label": [f"c{x}" for x in v]}, index=ODD_INDEX),
}
TAKE_NAMES: dict[str, Callable[[Form], Any]] = {
    "sampler": lambda f: list(mf.RandomIdentitySampler(f(Y), 3, 2, spread=f(G))),
    "sampler.require_labels": lambda f: mf.RandomIdentitySampler(Y, 3, 2).require_labels(f(Y)),
    "sampler.report": lambda f: mf.RandomIdentitySampler(Y, 3, 2).report({"g": f(G)}),
    "audit_batches": lambda f: mf.audit_batches(
        mf.RandomIdentitySampler(Y, 3, 2), f(Y), identities=f(G), classes=f(Y)
    ),
    "macro_f1": lambda f: macro_f1(f(Y), f(PREDICTED)),
    "f1_per_class": lambda f: f1_per_class(f(Y), f(PREDICTED)).tolist(),
    "confusion": lambda f: confusion(f(Y), f(PREDICTED)).tolist(),
    "bootstrap_interval": lambda f: bootstrap_interval(f(Y), f(PREDICTED), f(G), other=f(Y)),
    "retrieval_metrics": lambda f: (
        retrieval_metrics(X, f(Y), identities=f(G), exclude_same_identity=True).recall
    ),
    "resolution": lambda f: resolution(f(Y), f(PREDICTED), f(G)),
    "choose_k": lambda f: choose_k(GRAPH.ids, GRAPH.similarities, f(Y), f(Y), [1, 5], identities=f(G)).best,
    "diagnose": lambda f: mf.diagnose(X, {"a": f(Y)}, f(G), predictions={"a": f(PREDICTED)}).lines()[1:],
    "NeighborGraph.build": lambda f: mf.NeighborGraph.build(X, 5, exclude=f(G)).ids.tolist(),
    "EmbeddingIndex.build": lambda f: (
        mf.EmbeddingIndex.build(X, {"identity": f(G)}).search(X, 3, exclude=f(G)).ids.tolist()
    ),
    "measure_faithfulness": lambda f: measure_faithfulness(
        X[:, :2], GRAPH.ids, f(Y), X, identities=f(G)
    ).purity_2.tolist(),
    "neighbor_confusion": lambda f: neighbor_confusion(GRAPH.ids, f(Y), 6).tolist(),
    "Column.of": lambda f: Column.of("a", f(Y)).values.tolist(),
    "fit_probes": lambda f: fit_probes(X, {"a": f(Y)}, f(G), strengths=0.1)["a"].coef_.tolist(),
}
ESTIMATORS: dict[str, Callable[[Form], Any]] = {
    "KNNClassifier": lambda f: mf.KNNClassifier(3).fit(X, f(Y)).predict_proba(X).tolist(),
    "LinearProbe": lambda f: mf.LinearProbe(0.1).fit(X, f(Y), groups=f(G)).predict_proba(X).tolist(),
}
INTEGERS_ONLY: dict[str, Callable[[Form], Any]] = {
    "TripletLoss": lambda f: float(mf.TripletLoss()(torch.tensor(X), f(Y))),
    "FocalLoss": lambda f: float(mf.FocalLoss(6)(LOGITS, f(Y))),
    "SoftF1Loss": lambda f: float(mf.SoftF1Loss(6)(LOGITS, f(Y))),
    "LogitAdjustedCrossEntropy": lambda f: float(mf.LogitAdjustedCrossEntropy([8] * 6)(LOGITS, f(Y))),
    "calibrate": lambda f: calibrate(CHANCES, f(Y), f(G)),
    "threshold_gain": lambda f: threshold_gain(CHANCES, f(Y), f(G)).gain,
    "votes_for_ks": lambda f: votes_for_ks(GRAPH.ids, GRAPH.similarities, f(Y), [5])[5].labels.tolist(),
}


def same(found: Any, wanted: Any) -> bool:
    return (repr(found), str(found)) == (repr(wanted), str(wanted))


@pytest.mark.parametrize("name", TAKE_NAMES)
def test_numbers_and_names_of_every_form(name: str) -> None:
    call = TAKE_NAMES[name]
    wanted = call(lambda v: v)
    wrong = [form for form, make in (NUMBERS | NAMES).items() if not same(call(make), wanted)]
    assert not wrong


@pytest.mark.parametrize("name", ESTIMATORS)
def test_classes_of_estimators(name: str) -> None:
    call = ESTIMATORS[name]
    wanted = call(lambda v: v)
    assert not [form for form, make in (NUMBERS | NAMES).items() if not same(call(make), wanted)]


@pytest.mark.parametrize("name", INTEGERS_ONLY)
def test_numbers_of_every_form_where_names_have_no_number(name: str) -> None:
    """A batch, or columns of probabilities, do not say which number a name has."""
    call = INTEGERS_ONLY[name]
    wanted = call(lambda v: v)
    assert not [form for form, make in NUMBERS.items() if not same(call(make), wanted)]
    for make in NAMES.values():
        with pytest.raises(ArgumentError, match="integers"):
            call(make)


def test_an_index_lists_labels_of_every_form() -> None:
    found = {
        tuple(mf.EmbeddingIndex.build(X, make(Y)).columns["label"].tolist()) for make in NUMBERS.values()
    }
    assert found == {tuple(Y.tolist())}


def test_a_frame_of_two_columns_is_no_label() -> None:
    with pytest.raises(ArgumentError, match=r"labels must have one dimension, found shape \(48, 2\)"):
        mf.RandomIdentitySampler(pd.DataFrame({"a": Y, "b": G}), 3, 2)
    with pytest.raises(ArgumentError, match=r"y_true must be one-dimensional, found shape \(48, 2\)"):
        macro_f1(np.stack([Y, G], axis=1), Y)
    assert column_of(pd.DataFrame({"a": Y, "b": G})).shape == (48, 2)


def test_names_are_numbered_together_in_sorted_order() -> None:
    first, second = numbered(["b", "a"], pd.Series(["c", "b", "é"]))
    assert (first.tolist(), second.tolist()) == ([1, 0], [2, 1, 3])
    assert [array.tolist() for array in numbered(["b", None], [1, 2])] == [["b", None], [1, 2]]
    assert numbered([])[0].tolist() == []


def test_names_beside_numbers_are_refused() -> None:
    with pytest.raises(ArgumentError, match="y_pred must be integers"):
        macro_f1([0, 1], ["a", "b"])
    with pytest.raises(ArgumentError, match="y_true must be integers"):
        macro_f1(["a", None], ["a", "b"])
