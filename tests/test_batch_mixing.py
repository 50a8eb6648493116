"""mixup and cutmix: what they make of known pixels, and a training with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from metric_face.config import MixingConfig, load_config
from metric_face.diagnosis.measures.log_shape import broken_loss
from metric_face.errors import ConfigError
from metric_face.run import Run
from metric_face.training.fitting import fit
from metric_face.training.mixing import PARTNER, SHARE, BatchMixing, is_mixed
from tests.test_training import same, stop_at, weights
from tests.training_cases import tiny_config


def batch(images: int = 16) -> dict[str, Tensor]:
    """Random pixels; rows of a table that are not their places in the batch."""
    generator = torch.Generator().manual_seed(2)
    return {
        "image": torch.randn(images, 3, 8, 6, generator=generator),
        "index": torch.arange(images) * 10,
        "color": torch.arange(images) // 4 % 3,
        "metric": torch.arange(images) // 4,
    }


def mixing(seed: int = 0, **values: float) -> BatchMixing:
    return BatchMixing(MixingConfig(**values), seed)  # type: ignore[arg-type]


def sources(mixed: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The clean images behind each mixed one, and their colors."""
    clean = batch()
    own, other = mixed["index"] // 10, mixed[PARTNER] // 10
    return clean["image"][own], clean["image"][other], clean["color"][own], clean["color"][other]


def test_mixup_is_the_convex_combination_of_two_images_and_their_labels() -> None:
    mixed = mixing(mixup=0.5, chance=1)(batch(), 3, {"color": 3})
    first, second, color, other = sources(mixed)
    share = mixed[SHARE]
    assert 0 < float(share[0]) < 1
    assert torch.equal(share, share[:1].expand(16))
    weight = share[:, None, None, None]
    torch.testing.assert_close(mixed["image"], weight * first + (1 - weight) * second)
    eye = torch.eye(3)
    torch.testing.assert_close(
        mixed["color"], share[:, None] * eye[color] + (1 - share[:, None]) * eye[other]
    )
    assert sorted(mixed["index"].tolist()) == sorted(mixed[PARTNER].tolist()) == batch()["index"].tolist()
    assert torch.equal(mixed["metric"], batch()["metric"][mixed["index"] // 10])


def test_cutmix_takes_each_pixel_from_one_of_two_and_the_share_is_that_of_the_area() -> None:
    partial = 0
    for number in range(8):
        mixed = mixing(cutmix=1, chance=1)(batch(), number, {"color": 3})
        first, second, _, _ = sources(mixed)
        of_first, of_second = (mixed["image"] == one for one in (first, second))
        assert bool((of_first | of_second).all())
        torch.testing.assert_close(of_first.float().mean((1, 2, 3)), mixed[SHARE])
        partial += 0 < float(mixed[SHARE][0]) < 1
    assert partial > 2


def test_an_image_is_mostly_mixed_with_another_label() -> None:
    """Identity batches hold the images of a label side by side; of 16 images 3 of 15 others share it."""
    alike = [
        float((mixed["metric"] == batch()["metric"][mixed[PARTNER] // 10]).float().mean())
        for mixed in (mixing(mixup=1, chance=1)(batch(), number, {}) for number in range(50))
    ]
    assert 0.1 < sum(alike) / 50 < 0.3


def test_as_many_batches_are_mixed_as_the_chance_says_both_ways_alike_and_nothing_global_moves() -> None:
    state = torch.get_rng_state()
    both = mixing(mixup=0.4, cutmix=1, chance=0.3)
    made = [both(batch(), number, {}) for number in range(400)]
    assert torch.equal(torch.get_rng_state(), state)
    mixed = [one for one in made if is_mixed(one)]
    assert 85 < len(mixed) < 155  # 120, within 3.8 standard deviations
    cut = sum(
        bool(((one["image"] == sources(one)[0]) | (one["image"] == sources(one)[1])).all()) for one in mixed
    )
    assert 0.3 < cut / len(mixed) < 0.7
    again = both(batch(), 7, {}), both(batch(), 7, {})
    assert all(torch.equal(again[0][name], again[1][name]) for name in again[0])
    assert any(
        is_mixed(one) != is_mixed(other)
        for one, other in zip(
            made,
            (mixing(1, mixup=0.4, cutmix=1, chance=0.3)(batch(), n, {}) for n in range(20)),
            strict=False,
        )
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data__mixing": {"mixup": 0.2}, "model__heads": "none"},
            "data.mixing: mixes what classifiers learn, and there are none; set mixup and cutmix to 0",
        ),
        (
            {"data__mixing": {"cutmix": 1, "chance": 1}},
            "data.mixing.chance=1: the metric loss triplet is read on clean batches only, and there would be none; set "
            "it below 1",
        ),
        (
            {"data__mixing": {"cutmix": 1, "chance": 1}, "loss__metric": "none", "teacher__run": "runs/big"},
            "data.mixing.chance=1: the teacher is read on clean batches only, and there would be none; set it below 1",
        ),
        ({"data__mixing": {"mixup": 0.001}}, "data.mixing.mixup=0.001: must be 0 (none) or at least 0.01"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        tiny_config(Path("photos"), **changes)
    assert message in str(error.value)


def test_recipes_mix_nothing() -> None:
    for recipe in ("standard", "small", "frozen", "competition"):
        assert not load_config(recipe, ["data.path=x"]).data.mixing.is_on


MIXED: dict[str, Any] = {
    "data__mixing": {"mixup": 0.3, "cutmix": 1.0},
    "trainer__epochs": 3,
    "trainer__precision": "fp32",
    "loss__f1_weight": 0.2,
}


@pytest.fixture(scope="module")
def mixed_run(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(tiny_config(toy, **MIXED), tmp_path_factory.mktemp("mixed") / "run", quiet=True)


@pytest.mark.slow
def test_with_chance_0_a_training_is_the_same_to_the_bit_and_with_more_it_is_not(
    toy: Path, tmp_path: Path, mixed_run: Run
) -> None:
    mixing = {"mixup": 0.3, "cutmix": 1.0, "chance": 0.0}
    off = fit(tiny_config(toy, **MIXED | {"data__mixing": mixing}), tmp_path / "off", quiet=True)
    without = fit(tiny_config(toy, **MIXED | {"data__mixing": {}}), tmp_path / "without", quiet=True)
    assert same(weights(off), weights(without))
    assert not same(weights(off), weights(mixed_run))


@pytest.mark.slow
def test_the_metric_loss_is_logged_for_clean_batches_only(mixed_run: Run) -> None:
    log = mixed_run.log
    rows = log[log["loss"].notna()]
    assert 0 < rows["mixed"].sum() < len(rows)
    assert rows["loss/metric"].isna().equals(rows["mixed"] == 1)
    total = rows[[name for name in rows if name.endswith(".weighted")]].sum(axis=1)
    assert total.to_numpy() == pytest.approx(rows["loss"].to_numpy(), rel=1e-4)


@pytest.mark.slow
def test_a_mixed_training_that_is_resumed_is_the_same_to_the_bit(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mixed_run: Run
) -> None:
    config = tiny_config(toy, **MIXED, data__workers=2)
    steps = mixed_run.facts["steps"] // mixed_run.facts["epochs"]
    with monkeypatch.context() as patch:
        stop_at(steps + 1, patch)
        first = fit(config, tmp_path / "run", quiet=True)
    assert first.facts["ended"] == "interrupted"
    assert same(weights(fit(config, tmp_path / "run", resume=True, quiet=True)), weights(mixed_run))


def test_a_term_that_mixed_batches_leave_out_is_not_taken_for_a_broken_loss() -> None:
    mixed = np.array([0.0] * 5 + [1.0] * 6)
    log = pd.DataFrame({"step": range(11), "lr": 1e-3, "loss": np.linspace(2, 1, 11), "mixed": mixed})
    log["loss/metric"] = np.where(mixed == 1, np.nan, 0.5)
    assert broken_loss(log) is None
    assert broken_loss(log.drop(columns="mixed")) == ("not_finite", pytest.approx(6 / 11))
    log.loc[3:, "loss/metric"] = np.nan  # lost in clean batches too
    assert broken_loss(log) == ("not_finite", pytest.approx(2 / 5))
