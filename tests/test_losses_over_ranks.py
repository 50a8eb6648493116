"""Two processes with half a batch each have the loss and the gradient of one with the whole, to float64's rounding."""

import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from metric_face.batches import ShuffledBatches
from tests import loss_rank

pytest.importorskip("pytorch_metric_learning")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ranks")
    words = [sys.executable, "-m", "tests.loss_rank"]
    started = [
        subprocess.Popen(
            [*words, str(rank), str(folder / "meeting"), str(folder)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=200) for process in started] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def test_losses_and_gradients_are_those_of_one_process(ranks: list[dict[str, Any]]) -> None:
    whole, running = loss_rank.train()
    for found in ranks:
        for step, (one, expected) in enumerate(zip(found["steps"], whole, strict=True)):
            assert one.keys() == expected.keys()
            for name, value in expected.items():
                torch.testing.assert_close(one[name], value, rtol=1e-9, atol=1e-12, msg=f"{step}: {name}")
        for name, value in running.items():  # of the batch norms
            torch.testing.assert_close(found["running"][name], value, rtol=1e-9, atol=1e-12, msg=name)
    assert all(float(value.abs().max()) > 0 for value in whole[-1].values())


def test_half_a_batch_alone_has_another_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above can fail: a loss of each half for itself is another one."""
    monkeypatch.setattr(loss_rank.dist, "all_reduce", lambda tensor: tensor)
    halves = [loss_rank.train(rank, 2)[0][0] for rank in (0, 1)]
    whole = loss_rank.train()[0][0]
    mean = halves[0]["0.0.weight"] + halves[1]["0.0.weight"]
    assert not torch.allclose(mean, whole["0.0.weight"], rtol=1e-3)


@pytest.mark.parametrize(("images", "size"), [(50, 8), (9, 8), (2, 8), (1, 8)])
def test_shuffled_batches_are_disjoint_and_equally_many(
    ranks: list[dict[str, Any]], images: int, size: int
) -> None:
    first, second = (found["batches"][images, size] for found in ranks)
    assert len(first) == len(second) >= 1
    assert {len(batch) for batch in (*first, *second)} == {min(size, max(1, images // 2))}
    rows = [row for batch in (*first, *second) for row in batch]
    assert len(set(rows)) == len(rows) or images == 1
    together = [a + b for a, b in zip(first, second, strict=True)]
    if images >= 2 * size:  # a step of two processes is a step of one with twice the batch
        assert together == list(ShuffledBatches(images, 2 * size))[: len(together)]
