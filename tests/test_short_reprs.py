"""What is returned prints on one line that says what it holds, however much that is."""

from pathlib import Path

import numpy as np
import pytest

import metric_face
from metric_face import (
    Embeddings,
    ImageTable,
    NeighborGraph,
    Predictor,
    audit,
    diagnose,
    evaluate,
    fuse,
    gradient_conflict,
)
from metric_face.run import Run
from metric_face.visualization import Projection

pytestmark = pytest.mark.slow


def one_line(thing: object, *holds: str) -> str:
    text = repr(thing)
    assert "\n" not in text
    assert len(text) <= 120, text
    for word in holds:
        assert word in text
    return text


def test_the_public_names_are_what_dir_shows() -> None:
    assert sorted(dir(metric_face)) == sorted(metric_face.__all__)


def test_results_print_on_one_line(indexed: Run, toy: Path) -> None:
    one_line(ImageTable.read(toy / "images.csv"), "96 images", "identity", "color")
    one_line(Embeddings.load(indexed.folder / "embeddings"), "96 images x 16")
    one_line(evaluate(indexed), "val: 24 images of 6 identities", "scores")
    one_line(diagnose(indexed), "on 96 images", "finding")
    one_line(audit(toy / "images.csv"), "96 images", "a training would refuse")
    one_line(fuse([indexed.folder]), "1 candidate;")
    answer = Predictor(indexed.folder).predict([toy / "images/p00_0.png"], shown=2)[0]
    assert "color red" in repr(answer)
    assert "\n" not in repr(answer)
    assert str(answer).splitlines() == answer.lines()
    assert len(answer.lines()) == 3


def test_arrays_are_not_printed() -> None:
    one_line(NeighborGraph.build(np.eye(50), k=3), "50 items, 3 neighbors each, cosine")
    one_line(Projection(np.zeros((5000, 2), np.float32), 7, 15, 0.1), "5,000 points, seed 7")


def test_an_angle_between_losses_prints_what_it_is_worth() -> None:
    import torch

    rows = torch.arange(8).repeat_interleave(4)
    batches = [(torch.randn(32, 4, generator=torch.Generator().manual_seed(0)), rows)] * 3
    found = gradient_conflict(lambda e, y: e.mean(), lambda e, y: -e.mean(), batches)
    one_line(found, "whole", "3 probes, 200 needed")
