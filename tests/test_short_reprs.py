"""What is returned prints on one line that says what it holds, however much that is."""

import inspect
import io
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

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
from metric_face.notebook import table_html
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


def test_batches_print_on_one_line() -> None:
    labels = np.arange(40) // 4
    sampler = metric_face.RandomIdentitySampler(labels, 4, 2)
    one_line(sampler, "4 x 2", "40 images")
    one_line(sampler.report(), "batches of 4 x 2", "40 of 40 images")
    found = metric_face.audit_batches([[0, 1], [2, 3]], [0, 0, 1, 1])
    one_line(found, "2 batches of 2 images", "clean")
    assert str(found).splitlines() == found.sentences()
    assert found._repr_html_().count("<li>") == len(found.sentences())


def test_a_notebook_shows_tables_and_pictures(indexed: Run, toy: Path) -> None:
    table = ImageTable.read(toy / "images.csv")
    shown = {
        "table": (table, "images/p00_0.png", "data:image/png;base64,"),
        "embeddings": (Embeddings.load(indexed.folder / "embeddings"), indexed.fingerprint, "<img"),
        "run": (indexed, "color, shape, joint", indexed.summary),
        "evaluation": (evaluate(indexed), "macro F1", "recall@1"),
        "diagnosis": (diagnose(indexed), "<li>"),
        "audit": (audit(toy / "images.csv"), "a training would refuse"),
        "index": (metric_face.EmbeddingIndex.load(indexed.folder / "index"), "<td>identity</td>"),
    }
    for thing, *words in shown.values():
        made = thing._repr_html_()
        assert len(made) < 100_000
        for word in words:
            assert word in made, (thing, word)


def test_a_notebook_shows_the_part_that_a_box_cuts(tmp_path: Path) -> None:
    """Through the reader of every image: boxes are cut, and what is no image is left out."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :20], pixels[:, 20:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "group.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    boxes = ["group.png#xywh=0,0,20,40", "group.png#xywh=20,0,40,40", "broken.png"]
    made = ImageTable(pd.DataFrame({"path": boxes}), tmp_path)._repr_html_()
    drawn = [Image.open(io.BytesIO(b64decode(data))) for data in re.findall('base64,([^"]+)"', made)]
    assert [(image.size, image.getpixel((5, 5))) for image in drawn] == [
        ((20, 40), (255, 0, 0)),
        ((40, 40), (0, 0, 255)),
    ]


def test_what_a_notebook_shows_is_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    frame = pd.DataFrame({"path": [f"{hostile}.png"], "identity": [hostile], hostile: ["&"]})
    table = ImageTable(frame, tmp_path)  # whose only image is missing
    index = metric_face.EmbeddingIndex.build(np.eye(2), {hostile: ["a", "b"]})
    run = Run(tmp_path / hostile)
    found = evaluate(np.eye(4)[[0, 1] * 20] + 0.1, {hostile: ["<a>", "<b>"] * 20})
    for thing in (table, index, run, found):
        made = thing._repr_html_()
        assert "<script" not in made
        assert "&lt;script" in made
    assert "<img" not in table._repr_html_()


def test_a_long_table_is_cut() -> None:
    made = table_html(["n"], [(row,) for row in range(50)])
    assert made.count("<tr>") == 21
    assert "... and 30 more rows" in made


def test_an_angle_between_losses_prints_what_it_is_worth() -> None:
    import torch

    rows = torch.arange(8).repeat_interleave(4)
    batches = [(torch.randn(32, 4, generator=torch.Generator().manual_seed(0)), rows)] * 3
    found = gradient_conflict(lambda e, y: e.mean(), lambda e, y: -e.mean(), batches)
    one_line(found, "whole", "3 probes, 200 needed")


RECORDS = {"EmbeddingIndex", "Embeddings", "NeighborGraph"}  # made by functions, not by hand


@pytest.mark.parametrize("name", sorted(set(metric_face.__all__) - {"MetricFaceError"}))
def test_the_arguments_of_every_public_name_fit_on_two_lines(name: str) -> None:
    given = inspect.signature(getattr(metric_face, name)).parameters.values()
    by_place = [one for one in given if one.kind is one.POSITIONAL_OR_KEYWORD]
    named = [one for one in given if one.kind is one.KEYWORD_ONLY]
    line = f"{name}({', '.join(one.name for one in by_place)}, *, {', '.join(one.name for one in named)})"
    assert len(line) <= 2 * 110
    if name not in RECORDS:
        assert len(by_place) <= 4, line
        assert [
            one.name for one in named if one.default is one.empty and not name.startswith("evaluate_")
        ] == []
