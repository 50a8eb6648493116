"""A real training receives the plan, batch for batch, interrupted or not (I13)."""

import os
import signal

import pytest
from training_cases import tiny_config

from metric_face.batches import label_columns, make_sampler
from metric_face.training.fitting import fit
from metric_face.training.module import TrainingModule


@pytest.mark.slow
def test_i13_a_training_interrupted_inside_an_epoch_sees_the_plan(toy, tmp_path, monkeypatch):
    seen = []
    original = TrainingModule.training_step
    stop_at = 8

    def watched(self, batch, number):
        seen.append(batch["index"].tolist())
        if len(seen) == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, batch, number)

    monkeypatch.setattr(TrainingModule, "training_step", watched)
    config = tiny_config(toy, trainer__epochs=2, data__workers=2)
    first = fit(config, tmp_path / "run", quiet=True)
    assert first.facts["ended"] == "interrupted"
    assert len(seen) == stop_at
    resumed = fit(config, tmp_path / "run", resume=True, quiet=True)
    assert resumed.facts["ended"] == "complete"

    train = resumed.table.in_split("train")
    sampler = make_sampler(train, label_columns(train, resumed.space, config), config)
    plan = [*sampler.epoch_batches(0).tolist(), *sampler.epoch_batches(1).tolist()]
    assert 0 < stop_at < len(plan)
    assert stop_at % len(sampler) != 0  # inside an epoch
    assert seen == plan
