"""The benchmark of streaming runs on the package as it is, and its two ways give the same vectors."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks.streaming import draw, joining, shards, whole
from metric_face.embeddings import Embeddings

MODULES = sorted(path.stem for path in (Path(__file__).parents[1] / "benchmarks").glob("[a-z]*.py"))


@pytest.mark.slow
def test_every_benchmark_finds_what_it_imports() -> None:
    for name in MODULES:
        import_module(f"benchmarks.{name}")


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True], ids=["decoded", "precomputed"])
def test_shards_join_to_what_one_call_embeds(given: bool, tmp_path: Path) -> None:
    draw(tmp_path, 600, 3, 0 if given else 16)
    for work in (whole, shards, joining):
        work(tmp_path, 8, 2, given)()
    joined, one = (Embeddings.load(tmp_path / name) for name in ("joined", "one"))
    assert len(one) == 600
    np.testing.assert_array_equal(joined.vectors, one.vectors)
    if given:
        np.testing.assert_array_equal(one.vectors[:, 0], np.arange(600))
