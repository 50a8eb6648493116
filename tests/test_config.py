"""Configurations are checked to the key, read back as written, and say what differs from the defaults."""

import pandas as pd
import pytest
import yaml

from metric_face.config import Config, dump_config, json_schema, load_config, recipes
from metric_face.data.labels import LabelSpace
from metric_face.errors import ConfigError


@pytest.mark.parametrize("recipe", ["small", "standard", "competition"])
def test_every_recipe_is_valid_and_reads_back(recipe: str) -> None:
    config = load_config(recipe)
    assert load_config(yaml.safe_load(dump_config(config))) == config


def test_the_recipes_are_the_files() -> None:
    assert set(recipes()) == {"small", "standard", "competition", "frozen"}
    assert all(recipes().values())


def test_what_differs_from_the_default_is_marked() -> None:
    text = dump_config(load_config(None, ["optimizer.lr=0.01"]))
    assert "lr: 0.01  # default: 0.001" in text
    assert text.count("# default:") == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.lrr=1", "optimizer.lrr: no such key; did you mean optimizer.lr?"),
        ("optimzer.lr=1", "optimzer: no such key; did you mean optimizer?"),
        ("epochs=3", "epochs: no such key; did you mean trainer.epochs?"),
        ("optimizer.lr=-1", "optimizer.lr=-1: input should be greater than 0"),
        ("model.neck=foo", "model.neck='foo': input should be 'auto', 'bn', 'none' or 'cosine'"),
        ("trainer", "--set trainer: must be key=value, such as optimizer.lr=3e-4"),
        ("trainer.epochs=[", "--set trainer.epochs=[, line 1: not YAML"),
    ],
)
def test_a_typo_is_one_line_with_the_nearest_key(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_number_is_both_sides() -> None:
    assert load_config("small", ["data.size=64"]).data.size == (64, 64)
    with pytest.raises(
        ConfigError, match=r"data\.size='large': input should be a valid tuple, or auto, such as \[96, 96\]"
    ):
        load_config("small", ["data.size=large"])


def test_contradictions_are_refused() -> None:
    with pytest.raises(ConfigError, match="nothing would be learned"):
        load_config(None, ["loss.metric=none", "model.heads=none"])
    with pytest.raises(ConfigError, match="give one, a file or timm's published weights"):
        load_config(None, ["model.pretrained=true", "model.weights=a.safetensors"])


def test_a_file_builds_on_a_recipe(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "mine.yaml"
    file.write_text("recipe: small\ntrainer: {epochs: 3}\n")
    config = load_config(file, ["optimizer.lr=3e-4"])
    assert (config.model.backbone, config.trainer.epochs, config.optimizer.lr) == ("resnet10t", 3, 3e-4)


def test_a_missing_file_names_the_recipes() -> None:
    with pytest.raises(
        ConfigError, match="no such file, and no recipe; the recipes are competition, frozen, small, standard"
    ):
        load_config("standrad")


def test_the_schema_describes_every_value() -> None:
    schema = json_schema()
    for section in schema["$defs"].values():
        for name, value in section["properties"].items():
            assert (
                "type" in value or "anyOf" in value or "$ref" in value or "enum" in value or "const" in value
            ), name
    assert schema["properties"].keys() == Config.model_fields.keys()


@pytest.mark.parametrize(
    ("metric", "batches", "even"),
    [("triplet", "identity", True), ("none", "identity", True), ("pml.ArcFaceLoss", "shuffled", False)],
)
def test_identity_batches_draw_labels_evenly_with_and_without_a_metric_loss(metric, batches, even, tmp_path):
    from metric_face.batches import label_columns, make_sampler
    from metric_face.data.table import ImageTable

    config = load_config({"loss": {"metric": metric, "label": "kind"}, "sampler": {"batches": batches}})
    kinds = ["common"] * 180 + ["rare"] * 20
    table = ImageTable(pd.DataFrame({"path": [f"{i}.png" for i in range(200)], "kind": kinds}), tmp_path)
    sampler = make_sampler(table, label_columns(table, LabelSpace.of(table, ["kind"]), config), config)
    drawn = sampler.epoch_batches(0).ravel()
    assert config.identity_batches == even
    assert (drawn >= 180).mean() == pytest.approx(0.5 if even else 0.1, abs=0.05)


def test_a_misspelt_metric_loss_is_found_before_any_image_is_read() -> None:
    with pytest.raises(
        ConfigError, match=r"loss\.metric=tripplet: must be auto, triplet, none, or pml\.NAME"
    ):
        load_config({"loss": {"metric": "tripplet"}})


def test_a_metric_loss_is_left_out_where_there_are_classes_unless_it_is_asked_for() -> None:
    assert load_config({}).settled(has_classes=True).loss.metric == "none"
    assert load_config({}).settled(has_classes=False).loss.metric == "triplet"
    assert load_config({"model": {"heads": "none"}}).settled(has_classes=True).loss.metric == "triplet"
    assert load_config({"loss": {"metric": "triplet"}}).settled(has_classes=True).loss.metric == "triplet"


def test_settings_of_a_loss_that_is_not_there_are_refused() -> None:
    for override, message in [
        (
            ["loss.metric=triplet", "loss.metric_weight=0"],
            "loss.metric_weight=0: the metric loss triplet would train nothing",
        ),
        (
            ["loss.metric=none", "loss.classifier_weight=0"],
            "loss.classifier_weight=0: the classifiers would learn",
        ),
        (["loss.classifier_weight=0"], "set model.heads=none"),
        (["loss.metric=none", "loss.arguments={margin: 0.2}"], "loss.arguments: are of a metric loss"),
        (["loss.metric=none", "loss.surgery=pcgrad"], "needs a metric loss and classifiers"),
        (["loss.classifier=focal", "loss.label_smoothing=0.1"], "is not used by loss.classifier=focal"),
        (["loss.classifier=logit_adjusted", "loss.class_balance=0.9"], "loss.class_balance: is not used by"),
        (
            ["loss.metric=triplet", "model.heads=none", "loss.f1_weight=1"],
            "loss.f1_weight: needs classifiers",
        ),
    ]:
        with pytest.raises(ConfigError, match=message):
            load_config(None, override)
    with pytest.raises(ConfigError, match="metric_weight=0"):  # auto, which identities alone make a triplet
        load_config(None, ["loss.metric_weight=0"]).settled(has_classes=False)
