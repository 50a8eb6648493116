"""Training on cached features: the backbone stays, the rest learns, and the run is as any other."""

from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from metric_face.config import load_config
from metric_face.diagnosis.measures.below_start import below_start
from metric_face.errors import ConfigError
from metric_face.evaluation import evaluate
from metric_face.extraction import extract
from metric_face.features import VIEWS, Features, whitening
from metric_face.metrics import macro_f1
from metric_face.models import EmbeddingModel
from metric_face.run import Run
from metric_face.training import fit, head_first
from metric_face.training.checkpoint_file import read_checkpoint
from metric_face.training.frozen import CachedSplits, evaluated_output, validation_features
from metric_face.training.head_first import settle_head_first
from metric_face.training.module import TrainingModule
from metric_face.training.starting import choose_start
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
    assert evaluate(run, embeddings=made).score("head", "joint").macro_f1.value >= 0


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
        assert run.facts["best"] == pytest.approx(run.facts["before"]["recall_at_1_projected"], abs=0.1)
    assert run.facts["best"] >= _start_score(said)


def _start_score(said):
    line = next(line for line in said if line.startswith("epoch 0: "))
    return float(line.rsplit(" ", 1)[1]) - 5e-4


def test_nothing_left_to_train_is_refused(toy, weights, tmp_path):
    config = frozen(toy, weights, model={"backbone": "test_resnet", "embedding_size": None, "heads": "none"})
    with pytest.raises(ConfigError, match="without a projection and without heads nothing is left"):
        fit(config, tmp_path / "run", quiet=True)


def fine_tuned(toy, weights, **changes):
    """On images, from the same weights."""
    return frozen(toy, weights, trainer__frozen=False, trainer__epochs=1, **changes)


@pytest.mark.slow
def test_batch_norm_statistics_of_trained_weights_stay_and_its_weights_move(toy, weights, tmp_path):
    from safetensors.torch import load_file

    run = fit(fine_tuned(toy, weights, optimizer={"lr": 3e-3}), tmp_path / "run", quiet=True)
    last = read_checkpoint(run.folder / "checkpoints" / "last.ckpt")["state_dict"]
    before = load_file(weights)
    after = {name.removeprefix("model.backbone."): value for name, value in last.items()}
    names = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert names
    assert all(torch.equal(after[name], before[name]) for name in names)
    assert not torch.equal(after["conv1.0.weight"], before["conv1.0.weight"])
    assert run.config.model.batch_norm == "frozen"
    assert run.config.optimizer.backbone_scale == 0.1


@pytest.mark.slow
@pytest.mark.parametrize("freeze_epochs", [0, 1])
def test_statistics_stay_whatever_else_puts_the_network_into_training_mode(
    toy, weights, tmp_path, monkeypatch, freeze_epochs
):
    """As the trial of bf16 did, on processors that have it."""
    from safetensors.torch import load_file

    begin = TrainingModule.on_fit_start
    monkeypatch.setattr(
        TrainingModule, "on_fit_start", lambda module: (begin(module), module.model.train()), raising=False
    )
    config = fine_tuned(toy, weights, optimizer={"lr": 3e-3, "freeze_epochs": freeze_epochs})
    run = fit(config, tmp_path / "run", quiet=True)
    last = read_checkpoint(run.folder / "checkpoints" / "last.ckpt")["state_dict"]
    before = load_file(weights)
    names = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert all(torch.equal(last[f"model.backbone.{name}"], before[name]) for name in names)


@pytest.mark.slow
def test_statistics_move_where_that_is_asked_for(toy, weights, tmp_path):
    run = fit(fine_tuned(toy, weights, model__batch_norm="moving"), tmp_path / "run", quiet=True)
    last = read_checkpoint(run.folder / "checkpoints" / "last.ckpt")["state_dict"]
    means = [value for name, value in last.items() if name.endswith("running_mean") and "backbone" in name]
    assert any(bool(mean.any()) for mean in means)  # of the weights given, all are 0


def test_trained_weights_move_gently_and_a_random_start_freely(toy, weights):
    settled, _ = choose_start(fine_tuned(toy, weights), lambda line: None)
    assert (settled.model.batch_norm, settled.optimizer.backbone_scale) == ("frozen", 0.1)
    scratch, _ = choose_start(tiny_config(toy), lambda line: None)
    assert (scratch.model.batch_norm, scratch.optimizer.backbone_scale) == ("moving", 1.0)
    asked = fine_tuned(toy, weights, model__batch_norm="moving", optimizer={"backbone_scale": 0.5})
    settled, _ = choose_start(asked, lambda line: None)
    assert (settled.model.batch_norm, settled.optimizer.backbone_scale) == ("moving", 0.5)


@pytest.mark.slow
def test_the_head_is_trained_first_and_the_backbone_is_not(toy, weights, tmp_path):
    from safetensors.torch import load_file

    said = []
    config = fine_tuned(toy, weights, optimizer={"lr": 3e-3, "freeze_epochs": 4, "backbone_scale": 0.5})
    run = fit(config, tmp_path / "run", quiet=True, say=said.append)
    start = read_checkpoint(run.folder / "checkpoints" / "start.ckpt")["state_dict"]
    assert start["model.heads.0.bias"].any()  # which starts at 0
    assert all(
        torch.equal(start[f"model.backbone.{name}"], value) for name, value in load_file(weights).items()
    )
    assert int(start["objective._extra_state"]) == 0  # ramps begin with the images
    assert any(line.startswith("head first: 4 epochs on cached features in ") for line in said)


def test_the_head_is_trained_first_where_there_are_trained_weights_and_in_seconds():
    def settled(wanted, trained=True, batches=20, **changes):
        config = load_config("small", [f"optimizer.freeze_epochs={wanted}", *changes.get("overrides", [])])
        return settle_head_first(config, trained, batches, lambda line: None).optimizer.freeze_epochs

    assert [settled("auto", batches=batches) for batches in (1, 20, 60, 500, 100_000)] == [30, 30, 10, 1, 1]
    assert (settled("auto", trained=False), settled(3), settled(0)) == (0, 3, 0)
    assert settled("auto", overrides=["trainer.frozen=true"]) == 0


@pytest.mark.slow
def test_a_head_that_ends_below_its_start_is_left_out(toy, weights, tmp_path, monkeypatch):
    def ruined(module, before, ready):
        return {
            name: value * 0 - 1 if "heads" in name else value for name, value in module.state_dict().items()
        }

    said = []
    monkeypatch.setattr(head_first, "_trained", ruined)
    scored = iter([{"val/macro_f1": 0.5}, {"val/macro_f1": 0.4}])
    monkeypatch.setattr(TrainingModule, "score", lambda module, batches: next(scored))
    run = fit(
        fine_tuned(toy, weights, optimizer={"freeze_epochs": 2}),
        tmp_path / "run",
        quiet=True,
        say=said.append,
    )
    start = read_checkpoint(run.folder / "checkpoints" / "start.ckpt")["state_dict"]
    assert not start["model.heads.0.bias"].any()
    assert [line.endswith("val/macro_f1 0.500 to 0.400, so it is left out") for line in said].count(True) == 1


@pytest.mark.slow
def test_head_first_without_trained_weights_is_reported_as_unused(toy, tmp_path):
    said = []
    fit(tiny_config(toy, trainer__epochs=1, optimizer={"freeze_epochs": 2}), tmp_path / "r", say=said.append)
    assert "optimizer.freeze_epochs=2: is not used, there are no trained weights" in said


def test_the_backbone_has_its_own_rate(toy, weights):
    from metric_face.config import OptimizerConfig
    from metric_face.training.parameters import parameter_groups

    model = torch.nn.ModuleDict({"model": EmbeddingModel("test_resnet", {"kind": 3})})
    groups = parameter_groups(model, OptimizerConfig(lr=0.5, backbone_scale=0.1))
    rates = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert groups[0]["lr"] == 0.5
    assert len(rates) == sum(p.requires_grad for p in model.parameters())
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = 0.05 if ".backbone." in name else 0.5
            assert rates[id(parameter)] == (pytest.approx(rate), 0.05 if parameter.ndim > 1 else 0.0)


@pytest.mark.slow
def test_validation_and_vectors_are_averaged_over_mirror_images_where_the_model_is(toy, weights, tmp_path):
    run = fit(
        frozen(toy, weights, model={"backbone": "test_resnet", "embedding_size": 16, "tta": "flip"}),
        tmp_path / "run",
        quiet=True,
    )
    made = extract(run, run.table, precision="fp32")
    assert made.fingerprint == f"{run.fingerprint}+flip"
    plain, flip = (np.load(run.folder / "features" / view / "vectors.npy") for view in ("plain", "flip"))
    with torch.inference_mode():
        expected = run.model(features=torch.from_numpy((plain + flip) / 2))
    np.testing.assert_allclose(made.vectors, expected.embedding.numpy(), atol=1e-3)
    space = run.space
    val = (run.table.frame["split"] == "val").to_numpy()
    answers = space.head_classes({name: value[val] for name, value in made.logits.items()})
    true = space.joint(space.encode(run.table.in_split("val")))
    score = macro_f1(true, space.joint(answers), space.num_classes)
    assert run.facts["best"] == pytest.approx(score, abs=0.03)


@pytest.mark.parametrize("neck", ["cosine", "none"])
def test_vectors_are_averaged_and_not_features(toy, neck):
    """A cosine neck gives each view the length 1, so the mean of the views' features is another vector."""
    config = tiny_config(
        toy, model={"backbone": "test_resnet", "embedding_size": 8, "neck": neck, "tta": "flip"}
    )
    model = EmbeddingModel("test_resnet", {"kind": 3}, embedding_size=8, neck=neck).eval()
    generator, rows = np.random.default_rng(0), np.array([3, 1, 4])
    views = {name: generator.normal(size=(6, model.feature_size)).astype(np.float32) for name in VIEWS}
    views["flip"] *= 5
    cached = CachedSplits(Features(views, None), np.array([0, 2, 5]), rows, "flip")
    module = TrainingModule(model, None, config, None)
    plan = SimpleNamespace(val_codes={"kind": np.arange(3)})
    for number, batch in enumerate(validation_features(cached, SimpleNamespace(plan=plan, config=config))):
        with torch.no_grad():
            module.validation_step(batch, number)
    with torch.no_grad():
        both = [model(features=torch.from_numpy(view)) for view in views.values()]
    wanted, mixed = (
        sum(one.embedding for one in both) / 2,
        model(features=torch.from_numpy(cached.evaluated)),
    )
    whole = evaluated_output(model, cached)
    np.testing.assert_allclose(module._seen[0]["embedding"], wanted[rows], atol=1e-6)
    np.testing.assert_allclose(whole.embedding, wanted, atol=1e-6)
    np.testing.assert_allclose(whole.logits["kind"], sum(one.logits["kind"] for one in both) / 2, atol=1e-5)
    assert torch.allclose(wanted, mixed.embedding, atol=1e-4) is (neck == "none")


@pytest.mark.parametrize(
    ("monitor", "best", "below"),
    [
        ("val/macro_f1", 0.3, ", below the 0.453 of the start"),
        ("val/macro_f1", 0.5, ""),
        ("val/recall@1", 0.1, ", below the 0.268 of the start"),
        ("val/macro_f1/age", 0.1, ""),
    ],
)
def test_the_last_line_names_a_start_that_was_better(monitor, best, below):
    facts = {
        "ended": "complete",
        "monitor": monitor,
        "best": best,
        "best_epoch": 1,
        "epochs": 2,
        "seconds": 3.0,
    }
    before = {"recall_at_1": 0.268, "probe": {"joint": 0.453}}
    for known, expected in ((before, below), (None, "")):
        run = SimpleNamespace(facts={**facts, "before": known}, folder="runs/a")
        line = f"complete: best {monitor} {best:.3f} in epoch 2 of 2, 3 s{expected}; best weights in runs/a"
        assert Run.summary.fget(run) == line


@pytest.mark.parametrize(("best", "below"), [(0.404, False), (0.396, False), (0.394, True), (0.3, True)])
def test_the_last_line_and_why_agree_on_what_is_below_the_start(best, below):
    """The start is the better of the features and their projection, and a loss within .005 of it is none."""
    before = {"recall_at_1": 0.268, "recall_at_1_projected": 0.4, "probe": {"joint": 0.9}}
    facts = {"monitor": "val/recall@1", "best": best, "best_epoch": 1, "before": before}
    run = SimpleNamespace(facts={**facts, "ended": "complete", "epochs": 2, "seconds": 3.0}, folder="runs/a")
    assert (", below the 0.400 of the start" in Run.summary.fget(run)) is below
    settings = {
        "batch_norm": "frozen",
        "projection": "auto",
        "frozen": False,
        "backbone_rate": 1e-4,
        "labels": 500,
    }
    assert (below_start(facts | settings) is not None) is below
