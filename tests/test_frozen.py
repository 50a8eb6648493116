"""Training on cached features: the backbone stays, the rest learns, and the run is as any other."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from metric_face.errors import ConfigError
from metric_face.evaluation import evaluate
from metric_face.extraction import extract
from metric_face.features import whitening
from metric_face.training import fit
from tests.training_cases import tiny_config


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a backbone that was never trained: as features they are still better than nothing."""
    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("weights") / "backbone.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=0).state_dict(), file)
    return file


def frozen(toy, weights, **changes):
    settings = {"trainer__frozen": True, "trainer__epochs": 3, "trainer__precision": "fp32"}
    return tiny_config(toy, model__weights=str(weights), **settings | changes)


@pytest.fixture(scope="module")
def trained(toy, weights, tmp_path_factory):
    said = []
    run = fit(frozen(toy, weights), tmp_path_factory.mktemp("run") / "run", quiet=True, say=said.append)
    return run, said


@pytest.mark.slow
def test_the_backbone_is_left_as_it_was_and_the_rest_has_learned(trained, weights):
    from safetensors.torch import load_file

    run, _ = trained
    before = load_file(weights)
    after = run.model.backbone.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert run.facts["best_epoch"] >= 0
    features = np.load(run.folder / "features" / "plain" / "vectors.npy")
    start = whitening(features[(run.table.frame["split"] == "train").to_numpy()], 16)
    assert not np.allclose(
        run.model.projection.weight.detach().numpy()[: start.rank], start.weight[: start.rank]
    )


@pytest.mark.slow
def test_what_it_leaves_is_a_run_as_any_other(trained):
    run, _ = trained
    made = extract(run, run.table, precision="fp32")
    features = np.load(run.folder / "features" / "plain" / "vectors.npy")
    with torch.inference_mode():
        expected = run.model(features=torch.from_numpy(features)).embedding.numpy()
    np.testing.assert_allclose(made.vectors, expected, atol=1e-3)
    assert evaluate(run, made).score("head", "joint").macro_f1.value >= 0


@pytest.mark.slow
def test_the_start_is_scored_and_reported(trained):
    run, said = trained
    before = run.facts["before"]
    assert set(before["probe"]) == set(before["knn"]) == {"joint"}
    assert 0 <= before["recall_at_1"] <= 1
    assert before["images"] == (run.table.frame["split"] == "val").sum()
    assert any(line.startswith("before training, on ") for line in said)
    assert any(line.startswith("epoch 0: val/macro_f1 ") for line in said)


@pytest.mark.slow
def test_a_resumed_training_equals_an_uninterrupted_one(trained, toy, weights, tmp_path):
    run, _ = trained
    fit(frozen(toy, weights, trainer__epochs=2), tmp_path / "run", quiet=True)
    longer = frozen(toy, weights)
    again = fit(frozen(toy, weights, trainer__epochs=1), tmp_path / "short", quiet=True)
    whole = fit(longer, tmp_path / "short", quiet=True, resume=True)
    assert again.folder == whole.folder
    assert whole.facts["epochs"] == run.facts["epochs"] == 3
    assert (whole.folder / "features" / "plain").is_dir()


@pytest.mark.slow
def test_a_training_that_only_harms_ends_with_its_start(toy, weights, tmp_path):
    said = []
    config = frozen(
        toy,
        weights,
        data__attributes=[],
        loss={"metric": "triplet", "label": "identity"},
        optimizer={"lr": 10.0, "warmup": 0.0, "weight_decay": 0.0},
        sampler={"identities": 4, "instances": 2},
        trainer__epochs=2,
    )
    run = fit(config, tmp_path / "run", quiet=True, say=said.append)
    if run.facts["best_epoch"] < 0:
        assert any(line.startswith("no epoch was better than the start: val/recall@1 ") for line in said)
        assert run.facts["best"] == pytest.approx(run.facts["before"]["recall_at_1_whitened"], abs=0.1)
    assert run.facts["best"] >= _start_score(said)


def _start_score(said):
    line = next(line for line in said if line.startswith("epoch 0: "))
    return float(line.rsplit(" ", 1)[1]) - 5e-4


def test_nothing_left_to_train_is_refused(toy, weights, tmp_path):
    config = frozen(toy, weights, model={"backbone": "test_resnet", "embedding_size": None, "heads": "none"})
    with pytest.raises(ConfigError, match="without a projection and without heads nothing is left"):
        fit(config, tmp_path / "run", quiet=True)
