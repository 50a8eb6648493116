"""What these data cannot give is refused before anything is trained."""

import pandas as pd
import pytest

from metric_face.config import load_config
from metric_face.data.labels import LabelSpace
from metric_face.data.preparation import PreparedData
from metric_face.data.table import ImageTable
from metric_face.errors import ConfigError
from metric_face.training.feasible import check_feasible, check_schedule, monitored


def labeled_data(tmp_path, identities: int = 20, each: int = 2, labeled: bool = True) -> PreparedData:
    rows = [
        (f"{p}_{i}.png", f"p{p}", "ab"[p % 2], "val" if p >= identities // 2 else "train")
        for p in range(identities)
        for i in range(each)
    ]
    table = ImageTable(pd.DataFrame(rows, columns=["path", "identity", "kind", "split"]), tmp_path)
    return PreparedData(table, LabelSpace.of(table, ["kind"]) if labeled else None, (), ())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["trainer.monitor=val/macro_f1/nope"],
            "must name an attribute that is predicted; the attributes are kind",
        ),
        (
            ["loss.metric=triplet", "loss.arguments={nope: 3}"],
            "loss.metric=triplet: arguments of triplet do not fit",
        ),
        (["loss.metric=triplet", "loss.arguments={margin: -1}"], "margin must be a number above 0"),
        (
            ["loss.metric=pml.VICRegLoss"],
            "loss.metric=pml.VICRegLoss: pml.VICRegLoss cannot be the metric loss",
        ),
        (["loss.metric=pml.Nope"], "is no class of pytorch_metric_learning"),
        (["optimizer.accumulate=100000"], "optimizer.accumulate=100000: must be at most"),
        (
            ["loss.metric=triplet", "loss.metric_ramp=100000000"],
            "loss.metric_ramp=100000000: the loss would reach",
        ),
        (["loss.f1_weight=1", "loss.f1_ramp=100000000"], "loss.f1_ramp=100000000: the loss would reach"),
    ],
)
def test_what_would_fail_later_is_refused_now(overrides, message, tmp_path):
    config = load_config(None, overrides).settled(has_classes=True)
    with pytest.raises(ConfigError) as caught:
        check_feasible(config, labeled_data(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_can_be_had_is_let_through_and_a_short_training_is_reported(tmp_path):
    data = labeled_data(tmp_path)
    for overrides in (
        [],
        ["loss.metric=triplet"],
        ["trainer.monitor=val/macro_f1/kind"],
        ["trainer.monitor=val/recall@1"],
    ):
        assert check_feasible(load_config(None, overrides).settled(has_classes=True), data) == []
    config = load_config(
        None, ["loss.metric=triplet", "loss.metric_ramp=199", "trainer.ema=0.99", "trainer.epochs=10"]
    )
    ramp, ema = check_schedule(config, batches=5)
    assert "reaches 25% of its weight" in ramp
    assert "after 50 steps the averaged weights are still 61%" in ema


def test_recall_needs_two_validation_images_of_a_label(tmp_path):
    alone = labeled_data(tmp_path, each=1, labeled=False)
    assert monitored(load_config(None), alone) == "val/recall@1"
    config = load_config(None, ["sampler.batches=shuffled"]).settled(has_classes=False)
    with pytest.raises(ConfigError, match="no two validation images share a label"):
        check_feasible(config, alone)
