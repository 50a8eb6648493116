"""Heads of classes that have an order: what an ordinal head computes, and a run with one from training to fusion."""

from pathlib import Path
from typing import Any

import loss_properties as keeps
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.special import expit
from scipy.stats import logistic
from torch import nn

from metric_face.data import ImageTable, LabelSpace
from metric_face.diagnosis import diagnose
from metric_face.ensemble import fuse
from metric_face.errors import ArgumentError, ConfigError
from metric_face.evaluation import evaluate
from metric_face.extraction import extract
from metric_face.losses import CrossEntropy, NumberLoss
from metric_face.models import EmbeddingModel
from metric_face.models.heads import LEAST_SCALE, THRESHOLD_RATE, OrdinalHead, RegressionHead, make_head
from metric_face.run import Run
from metric_face.training.fitting import fit
from tests.test_training import same, stop_at, weights
from tests.training_cases import tiny_config


def ordinal(classes: int, seed: int = 0) -> OrdinalHead:
    """A head in float64 whose thresholds are where training might have put them."""
    generator = torch.Generator().manual_seed(seed)
    head = OrdinalHead(nn.Linear(3, 1), classes).double()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        for parameter in (head.lowest, head.spaces):
            parameter /= THRESHOLD_RATE
    return head


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_probabilities_are_the_differences_of_the_cumulative_ones(classes: int) -> None:
    head = ordinal(classes)
    points = 4 * torch.randn(50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        log_p, cuts, score = head(points), head.thresholds().numpy(), head.score(points).numpy()
    assert (np.diff(cuts) > 0).all()
    above = np.hstack([np.ones((50, 1)), expit(score - cuts), np.zeros((50, 1))])  # P(class >= k)
    assert (np.diff(above, axis=1) <= 0).all()
    np.testing.assert_allclose(log_p.exp().numpy(), -np.diff(above, axis=1), atol=1e-12)
    np.testing.assert_allclose(log_p.exp().sum(1).numpy(), 1, atol=1e-12)
    np.testing.assert_allclose(log_p.softmax(1).numpy(), log_p.exp().numpy(), atol=1e-12)


def test_a_higher_score_is_never_a_lower_class_and_far_scores_stay_finite() -> None:
    head = ordinal(5)
    head.score = nn.Identity()
    scores = torch.linspace(-8, 8, 400, dtype=torch.float64)[:, None]
    assert bool((head(scores).argmax(1).diff() >= 0).all())
    far = torch.tensor([[-1e4], [1e4]], dtype=torch.float32, requires_grad=True)
    loss = CrossEntropy(5)(head(far), torch.tensor([4, 0]))
    loss.backward()
    assert loss.isfinite()
    assert far.grad is not None
    assert far.grad.isfinite().all()
    assert (far.grad != 0).all()  # the gradient does not die where it is confidently wrong


@pytest.mark.parametrize("classes", [3, 9])
def test_thresholds_keep_pace_with_the_network_before_them(classes: int) -> None:
    generator = torch.Generator().manual_seed(9)
    basis = torch.randn(6, 64, generator=generator)

    def draw(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        place = classes * torch.rand(rows, generator=generator)
        curve = [2 * place / classes - 1, (3 * place).sin(), (2 * place).cos()]
        features = torch.stack([*curve, *torch.randn(3, rows, generator=generator)], dim=1) @ basis
        return features + 0.3 * torch.randn(rows, 64, generator=generator), place.long()

    (points, targets), (others, truth) = draw(2000), draw(1000)

    def accuracy(kind: str) -> float:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), make_head(64, classes, kind))
        optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
        for _ in range(240):
            rows = torch.randint(0, 2000, (64,), generator=generator)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(points[rows]), targets[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            return float((network.eval()(others).argmax(1) == truth).float().mean())

    assert accuracy("ordinal") > 0.9 * accuracy("softmax")


def test_it_starts_with_all_classes_alike_and_its_slope_is_the_derivative() -> None:
    fresh = OrdinalHead(nn.Identity(), 6)
    torch.testing.assert_close(fresh(torch.zeros(1, 1)).exp(), torch.full((1, 6), 1 / 6))
    head, targets = ordinal(4), torch.tensor([0, 1, 2, 3, 1])
    points = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    parameters = tuple(head.parameters())

    def loss(*values: torch.Tensor) -> torch.Tensor:
        names = [name for name, _ in head.named_parameters()]
        logits = torch.func.functional_call(head, dict(zip(names, values, strict=True)), (points,))
        return nn.functional.cross_entropy(logits, targets)

    assert torch.autograd.gradcheck(loss, parameters)


def test_the_class_of_a_number_is_the_bin_it_lies_in() -> None:
    cuts = [30.0, 31.0, 60.0]
    head = RegressionHead(nn.Identity(), cuts, center=40.0, spread=20.0)
    scores = torch.linspace(-3, 3, 997)[:, None]
    numbers = head.numbers(scores)
    torch.testing.assert_close(numbers[:, 0], 40 + 20 * scores[:, 0])
    expected = np.searchsorted(cuts, numbers[:, 0].detach().numpy(), side="right")
    np.testing.assert_array_equal(head(scores).argmax(1).numpy(), expected)
    assert set(expected) == {0, 1, 2, 3}


def test_of_two_classes_each_has_the_probability_of_the_distribution() -> None:
    head = RegressionHead(nn.Identity(), [50.0], center=40.0, spread=20.0)
    scores = torch.linspace(-3, 3, 41)[:, None]
    with torch.no_grad():
        location, log_scale = head.numbers(scores).double().numpy().T
        below = head(scores).softmax(1)[:, 0].numpy()
    np.testing.assert_allclose(below, logistic.cdf(50, location, np.exp(log_scale)), atol=1e-6)
    assert logistic.std(scale=np.exp(log_scale[0])) == pytest.approx(20, rel=1e-5)  # where it starts


def test_the_loss_of_numbers_is_the_density_below_its_highest_value() -> None:
    targets = torch.tensor([12.0, 70.0, 33.0, 90.0])
    rows = torch.tensor([3, 0, 2])
    predicted = torch.tensor([[80.0, 1.0], [12.0, 2.0], [50.0, 1.5]], dtype=torch.float64)
    loss = NumberLoss(targets, least=0.5)
    location, scale = predicted[:, 0].numpy(), predicted[:, 1].exp().numpy()
    highest = logistic.logpdf(0, scale=0.5)
    expected = highest - logistic.logpdf(targets[rows].numpy(), location, scale)
    assert float(loss(predicted, rows)) == pytest.approx(expected.mean(), rel=1e-9)
    shares, partners = torch.tensor([0.7, 0.2, 1.0]), torch.tensor([1, 1, 1])
    mixed = (shares * targets[rows] + (1 - shares) * targets[partners]).numpy()
    expected = highest - logistic.logpdf(mixed, location, scale)
    assert float(loss(predicted, rows, partners, shares)) == pytest.approx(expected.mean(), rel=1e-6)
    best = torch.tensor([[90.0, 0.5]]).log()
    best[:, 0] = 90
    assert float(loss(best, rows[:1])) == pytest.approx(0, abs=1e-6)
    keeps.assert_slope_is_derivative(loss, predicted, rows, partners, shares)
    keeps.assert_idle_but_differentiable(loss, predicted[:0], rows[:0])
    keeps.assert_nan_is_not_silent(loss, predicted, rows)
    for bad, message in (
        (lambda: NumberLoss(torch.ones(2, 2), 1.0), "targets must be (N,) finite numbers, found (2, 2)"),
        (lambda: NumberLoss(torch.ones(2), 0.0), "least must be above 0, found 0.0"),
        (lambda: loss(torch.ones(3), rows), "predicted must be (B, 2), found (3,)"),
    ):
        with pytest.raises(ArgumentError) as error:
            bad()
        assert str(error.value) == message


def test_the_scale_that_is_learned_is_that_of_the_errors() -> None:
    generator = np.random.default_rng(0)
    numbers = torch.from_numpy(generator.logistic(100, 7, 4000))
    head = make_head(
        1, 2, "regression", cuts=[90.0], center=float(numbers.median()), spread=float(numbers.std())
    )
    loss = NumberLoss(numbers, LEAST_SCALE * float(numbers.std()))
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(head.numbers(torch.ones(4000, 1)), torch.arange(4000))
        value.backward()
        return value

    optimizer.step(closure)
    location, log_scale = head.numbers(torch.ones(1, 1)).detach()[0].tolist()
    found = logistic.fit(numbers.numpy())
    assert location == pytest.approx(found[0], rel=1e-2)
    assert np.exp(log_scale) == pytest.approx(found[1], rel=2e-2)


@pytest.mark.parametrize("neck", ["bn", "cosine"])
def test_a_model_is_built_again_from_what_it_says_of_itself(neck: str) -> None:
    kinds = {
        "age": {"kind": "ordinal"},
        "height": {"kind": "regression", "cuts": [150.0, 180.0], "center": 165.0, "spread": 12.0},
    }
    counts = {"sex": 2, "age": 3, "height": 3}
    model = EmbeddingModel("test_resnet", counts, neck=neck, size=(32, 32), head_kinds=kinds)
    again = EmbeddingModel(**model.architecture)
    again.load_state_dict(model.state_dict())
    images = torch.rand(4, 3, 32, 32)
    one, other = model.eval()(images), again.eval()(images)
    assert isinstance(model.heads[1], OrdinalHead)
    assert {name: value.shape[1] for name, value in one.logits.items()} == counts
    assert one.numbers["height"].shape == (4, 2)
    assert all(torch.equal(one.logits[name], other.logits[name]) for name in one.logits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model__head_kinds": {"age": "ordinal"}, "model__heads": "joint"},
            "model.head_kinds: are of a head for each attribute, and model.heads=joint; set it to attributes",
        ),
        (
            {"model__head_kinds": {"size": "ordinal"}},
            "model.head_kinds: 'size' must be one of the attributes that are predicted, color, shape",
        ),
        (
            {"model__head_kinds": {"shape": "ordinal"}},
            "model.head_kinds: ordinal needs classes in an order, and those of 'shape' are names; give it data.bins, "
            "or softmax",
        ),
        (
            {"model__head_kinds": {"shape": "regression"}},
            "model.head_kinds: regression learns the numbers behind bins, and 'shape' has none; give it data.bins, or "
            "another kind",
        ),
        (
            {"model__head_kinds": {"age": "linear"}},
            "model.head_kinds.age='linear': input should be 'softmax', 'ordinal' or 'regression'",
        ),
    ],
)
def test_kinds_that_do_not_fit_are_refused(
    toy: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        fit(tiny_config(toy, **changes), tmp_path / "run", quiet=True)
    assert message in str(error.value)


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 identities x 2 images: the age, 0 to 90, is how bright the image is; the kind is where its bar lies."""
    folder = tmp_path_factory.mktemp("aged")
    generator = np.random.default_rng(0)
    rows = []
    for number in range(120):
        age, kind = round(float(generator.uniform(0, 90)), 1), number // 2 % 2
        pixels = generator.normal(30 + 2 * age, 8, (32, 32, 3))
        pixels[:, 2:8] = 250
        pixels = pixels.transpose(1, 0, 2) if kind else pixels
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        rows.append((f"{number}.png", number // 2, age, ("upright", "flat")[kind]))
    pd.DataFrame(rows, columns=["path", "identity", "age", "kind"]).to_csv(folder / "images.csv", index=False)
    return folder


def aged_config(aged: Path, kind: str, **changes: Any) -> Any:
    return tiny_config(
        aged,
        **{
            "data__attributes": ["kind", "age"],
            "data__bins": {"age": [30, 60]},
            "data__augmentation": {"color": 0.0},
            "model__head_kinds": {"age": kind},
            "model__neck": "bn",
            "sampler__batches": "shuffled",
            "sampler__batch_size": 16,
            "loss__label": "joint",
            "loss__metric": "none",
            "trainer__epochs": 12,
            "trainer__precision": "fp32",
            **changes,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ordinal", "regression"])
def test_age_is_learned_and_all_that_comes_after_works(aged: Path, tmp_path: Path, kind: str) -> None:
    run = fit(aged_config(aged, kind, trainer__export_onnx=True), tmp_path / "run", quiet=True)
    assert run.facts["best"] > 0.5  # macro F1 of six joint classes; one class for all gives .05
    stored = extract(run, run.table, folder=run.folder / "embeddings")
    assert run.space is not None
    if kind == "ordinal":
        np.testing.assert_allclose(np.exp(stored.logits["age"]).sum(1), 1, atol=1e-4)
    val = stored.table.in_split("val")
    scores = {(one.predictor, one.target): one.macro_f1.value for one in evaluate(run).scores}
    assert scores["head", "age"] == pytest.approx(run.log["val/macro_f1/age"].max(), abs=0.15)
    assert scores["head", "age"] > 0.5  # one class for all gives .2 at most
    assert len(val) > 10
    head = Run.open(run.folder).model.heads[1]
    assert isinstance(head, OrdinalHead if kind == "ordinal" else RegressionHead)
    if isinstance(head, RegressionHead):
        with torch.no_grad():
            numbers = head.numbers(torch.from_numpy(np.array(stored.vectors)))[:, 0].numpy()
        true = stored.table.column("age").to_numpy(float)
        assert np.corrcoef(numbers, true)[0, 1] > 0.8
    assert fuse([run.folder]).estimates[0].macro_f1["age"].value == pytest.approx(scores["head", "age"])
    assert diagnose(run, questions=["basics", "boundary", "health"]).findings is not None
    assert (run.folder / "model.onnx").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ordinal", "regression"])
def test_a_run_with_such_a_head_goes_on_to_the_bit(
    aged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    config = aged_config(aged, kind, trainer__epochs=3, data__mixing={"mixup": 0.3})
    whole = fit(config, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stop_at(whole.facts["steps"] // 3 + 2, patch)
        assert fit(config, tmp_path / "run", quiet=True).facts["ended"] == "interrupted"
    assert same(weights(fit(config, tmp_path / "run", resume=True, quiet=True)), weights(whole))


def test_bins_and_numbers_have_an_order_and_names_have_none() -> None:
    frame = pd.DataFrame({"path": ["a", "b"], "stars": ["1", "2"], "age": [3.0, 40.0], "kind": ["x", "y"]})
    space = LabelSpace.of(ImageTable(frame, Path("photos")), ["stars", "age", "kind"], {"age": [30]})
    assert [one.is_ordered for one in space.attributes] == [True, True, False]
