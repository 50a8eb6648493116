"""What a training starts from: weights where they can be had, and the size and preprocessing that go with them."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from metric_face.config import Config, load_config
from metric_face.data import EvalTransform
from metric_face.errors import ConfigError
from metric_face.models import EmbeddingModel, save_model
from metric_face.training.starting import StartingPoint, choose_start, resumed_start, transform_of


def start(*overrides: str) -> tuple[Config, StartingPoint, list[str]]:
    said: list[str] = []
    config, origin = choose_start(load_config(None, overrides), said.append)
    return config, origin, said


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights.safetensors"
    source = timm.create_model("test_efficientnet")  # bicubic, ImageNet's mean, 160 px, crop 0.95
    save_file({name: value.contiguous() for name, value in source.state_dict().items()}, file)
    return file


def test_without_a_network_it_is_from_scratch_and_reported() -> None:
    config, origin, [line] = start("model.backbone=test_vit")
    assert line == (
        "test_vit trains from scratch: no published weights (timm/test_vit.r160_in1k is not in the cache, and "
        "HF_HUB_OFFLINE is set); give a file with --set model.weights=FILE, or set model.pretrained=false"
    )
    assert (origin.facts["weights"], origin.trained, config.model.pretrained) == ("scratch", False, False)
    # The model's own mean and interpolation; but 96 px, and all of the image.
    assert transform_of(config) == EvalTransform(
        (96, 96), (1.0, 1.0), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", "stretch"
    )


def test_insisting_is_an_error_and_never_is_silent() -> None:
    with pytest.raises(
        ConfigError, match=r"^model\.pretrained=true: no weights of test_vit \(.*\); give a file with"
    ):
        start("model.backbone=test_vit", "model.pretrained=true")
    assert start("model.backbone=test_vit", "model.pretrained=false")[2] == []


def test_trained_weights_bring_their_size_and_preprocessing(weights: Path) -> None:
    config, origin, [line] = start("model.backbone=test_efficientnet", f"model.weights={weights}")
    assert line == "data.size=[160, 160]: the size that the weights were trained with; smaller is faster"
    assert transform_of(config) == origin.own
    assert (origin.own.size, origin.own.crop, origin.own.fit) == ((160, 160), (0.95, 0.95), "center")
    model = origin.build(config, {"a": 2}, lambda line: None)
    expected = timm.create_model("test_efficientnet", num_classes=0)
    from safetensors.torch import load_file

    expected.load_state_dict(load_file(weights), strict=False)
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        torch.testing.assert_close(model.eval().features(images), expected.eval()(images))


def test_other_preprocessing_than_the_weights_is_reported(weights: Path) -> None:
    chosen = ("model.backbone=test_efficientnet", f"model.weights={weights}", "data.size=[64, 64]")
    assert start(*chosen)[2] == []
    lines = start(
        *chosen, "data.mean=[0.5, 0.5, 0.5]", "data.interpolation=bilinear", "data.crop=[0.8, 0.8]"
    )[2]
    assert lines == [
        "data.mean=(0.5, 0.5, 0.5): the weights were trained with (0.485, 0.456, 0.406); set data.mean=auto",
        "data.interpolation=bilinear: the weights were trained with bicubic; set data.interpolation=auto",
    ]
    own = transform_of(start(*chosen, "data.crop=[0.8, 0.8]")[0])
    assert (own.crop, own.fit) == ((0.8, 0.8), "stretch")  # a crop that is asked for is ours


def test_a_size_is_snapped_and_reported() -> None:
    config, _, [line] = start("model.backbone=test_vit", "model.pretrained=false", "data.size=[40, 40]")
    assert line == "data.size=[48, 48]: test_vit does not take [40, 40], this is the nearest"
    assert config.data.size == (48, 48)


def test_a_run_of_ours_brings_its_own_transform(tmp_path: Path) -> None:
    theirs = EvalTransform((48, 40), (0.7, 0.8), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "lanczos", "stretch")
    save_model(tmp_path, EmbeddingModel("test_resnet", embedding_size=8), theirs, None)
    for place in (tmp_path, tmp_path / "model.safetensors"):
        config, origin, _ = start("model.backbone=test_resnet", f"model.weights={place}")
        assert (transform_of(config), origin.facts["weights"]) == (theirs, "run")
    with pytest.raises(ConfigError, match=r"is a run of test_resnet\S*, found model\.backbone=resnet18; set"):
        start("model.backbone=resnet18", f"model.weights={tmp_path}")


def test_a_run_that_goes_on_asks_nothing() -> None:
    config, origin, _ = start("model.backbone=test_resnet", "model.pretrained=false")
    again = resumed_start({"start": origin.facts}, config)
    assert again.facts == origin.facts
    assert resumed_start({}, config).facts["backbone"] == "test_resnet"  # of an older version
