"""Any timm model as an extractor: its width asked, its size snapped, its pooling as said, its images as timm's."""

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform

from metric_face.data import EvalTransform
from metric_face.errors import ArgumentError, DownloadError, FileFormatError
from metric_face.models import (
    EmbeddingModel,
    find_backbone,
    fitting_size,
    load_backbone,
    load_model,
    save_model,
)
from metric_face.models.backbones import own_transform
from metric_face.models.pooling import GeM
from metric_face.models.published import published_weights

SMALL = {"depth": 1, "embed_dim": 24, "num_heads": 2}


@pytest.mark.parametrize(
    ("name", "arguments", "wanted", "size"),
    [
        ("vit_tiny_patch16_224", SMALL, (40, 40), (48, 48)),
        ("vit_small_patch14_dinov2", SMALL, (96, 96), (98, 98)),
        ("test_vit", {}, (32, 48), (32, 48)),
        ("swin_tiny_patch4_window7_224", {"embed_dim": 12, "depths": (1, 1, 1, 1)}, (64, 64), (64, 64)),
        ("mobilenetv3_small_050", {}, (32, 32), (32, 32)),
        ("efficientvit_m0", {}, (64, 64), (64, 64)),
        ("test_resnet", {}, (32, 32), (32, 32)),
    ],
)
def test_odd_families_train_save_and_load(
    tmp_path: Path, name: str, arguments: dict[str, object], wanted: tuple[int, int], size: tuple[int, int]
) -> None:
    from dataclasses import replace

    assert fitting_size(replace(find_backbone(name), arguments=arguments), wanted) == size
    torch.manual_seed(0)
    model = EmbeddingModel(name, {"a": 2}, embedding_size=4, size=size, arguments=arguments)
    images = torch.randn(2, 3, *size)
    model.train()(images).logits["a"].sum().backward()
    model.eval()
    with torch.inference_mode():
        assert model.features(images).shape == (2, model.projection.in_features)
        save_model(tmp_path, model, EvalTransform(size), None)
        torch.testing.assert_close(load_model(tmp_path).embed(images), model.embed(images))


def test_the_width_is_asked_where_num_features_is_another() -> None:
    model = EmbeddingModel("mobilenetv3_small_050", embedding_size=None, size=(32, 32))
    assert (
        model.backbone.num_features == 288
    )  # the map before the head, which is what others take for the width
    assert model.embedding_size == 1024


def test_looking_draws_nothing_from_the_generator() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fitting_size(find_backbone("test_vit"), (40, 40))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("p", [1.0, 3.0, 7.5])
def test_gem_is_its_closed_form(p: float) -> None:
    places = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(0)) + 0.01
    expected = (places.numpy().astype(np.float64) ** p).mean(axis=1) ** (1 / p)
    np.testing.assert_allclose(GeM(p)(places).detach().numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("test_resnet", lambda found: found.flatten(2).transpose(1, 2)),  # (B, F, H, W)
        ("test_vit", lambda found: found[:, 1:]),  # (B, 1 + L, F)
    ],
)
def test_each_pooling_reads_the_last_map(name: str, places) -> None:  # type: ignore[no-untyped-def]
    images = torch.randn(2, 3, 32, 32)
    for kind in ("avg", "gem"):
        model = EmbeddingModel(name, embedding_size=None, size=(32, 32), pooling=kind).eval()
        with torch.inference_mode():
            found = places(model.backbone.forward_features(images))
            expected = found.mean(1) if kind == "avg" else (found.clamp_min(1e-6) ** 3).mean(1) ** (1 / 3)
            torch.testing.assert_close(model.features(images), expected)


def test_the_class_token() -> None:
    images = torch.randn(2, 3, 32, 32)
    model = EmbeddingModel("test_vit", embedding_size=None, size=(32, 32), pooling="token").eval()
    with torch.inference_mode():
        torch.testing.assert_close(model.features(images), model.backbone.forward_features(images)[:, 0])
    with pytest.raises(
        ArgumentError, match=r"model\.pooling=token: ResNet has no class token; use auto, avg or gem"
    ):
        EmbeddingModel("test_resnet", pooling="token")


@pytest.mark.parametrize("shape", [(61, 61), (80, 50), (50, 81), (40, 40)])
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize(("size", "share"), [((32, 32), 0.875), ((32, 24), 0.9), ((32, 32), 1.0)])
def test_images_are_prepared_as_timm_does_to_the_pixel(
    shape: tuple[int, int], mode: str, size: tuple[int, int], share: float
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    theirs = create_transform(
        (3, *size), interpolation="bicubic", mean=mean, std=std, crop_pct=share, crop_mode=mode
    )
    ours = EvalTransform(size, (share, share), mean, std, "bicubic", mode)
    np.testing.assert_allclose(ours.normalize(ours.geometry(image)), theirs(image).numpy(), atol=2e-6)


def test_the_own_transform_is_that_of_the_tag() -> None:
    first, second = (
        find_backbone("tf_efficientnet_b0.ns_jft_in1k").own,
        find_backbone("tf_efficientnet_b0.ap_in1k").own,
    )
    assert (first.mean, second.mean) == ((0.485, 0.456, 0.406), (0.5, 0.5, 0.5))
    lite = find_backbone("tf_efficientnet_lite0").own
    assert (lite.size, lite.crop, lite.mean, lite.std) == ((224, 224), (0.875, 0.875), (0.5,) * 3, (0.5,) * 3)
    assert (lite.interpolation, lite.fit) == ("bicubic", "center")
    assert own_transform({}) == EvalTransform((224, 224), fit="center")  # where a model states nothing
    with pytest.raises(
        ArgumentError, match=r"backbone='resnet18\.nope': has no tag 'nope'; it has .*a1_in1k"
    ):
        find_backbone("resnet18.nope")
    with pytest.raises(ArgumentError, match=r"model\.backbone='timm/resnet18': .* looks like a"):
        find_backbone("timm/resnet18")


def _folder(place: Path) -> torch.nn.Module:
    """A folder such as the Hub's: timm's config.json beside weights with a classifier of ten."""
    place.mkdir()
    model = timm.create_model("test_vit", num_classes=10, img_size=64)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, place / "model.safetensors"
    )
    configuration = {
        "input_size": [3, 64, 64],
        "mean": [0.1, 0.2, 0.3],
        "std": [0.4, 0.5, 0.6],
        "crop_pct": 0.8,
    }
    content = {
        "architecture": "test_vit",
        "num_classes": 10,
        "model_args": {"img_size": 64},
        "pretrained_cfg": {
            **configuration,
            "interpolation": "bicubic",
            "fixed_input_size": True,
            "num_classes": 10,
        },
    }
    (place / "config.json").write_text(json.dumps(content))
    return model


def test_a_local_folder_gives_name_transform_and_weights(tmp_path: Path) -> None:
    source = _folder(tmp_path / "mine")
    found = find_backbone(f"local-dir:{tmp_path / 'mine'}")
    assert (found.name, found.own.size, found.own.mean, found.own.crop) == (
        "test_vit", (64, 64), (0.1, 0.2, 0.3), (0.8, 0.8),
    )  # fmt: skip
    tensors = published_weights(found.configuration)
    for size in ((64, 64), (32, 32)):  # at another size timm resamples the positions
        model = EmbeddingModel(found.name, size=size, arguments=found.arguments, published=tensors)
        filled = model.backbone.state_dict()
        assert torch.equal(
            filled["blocks.0.attn.qkv.weight"], source.state_dict()["blocks.0.attn.qkv.weight"]
        )
        assert filled["pos_embed"].shape[1] == 1 + size[0] * size[1] // 256
    assert torch.equal(model.backbone.cls_token, source.cls_token)
    json.dumps(model.architecture)  # the folder may go: what is stored stands for itself
    with pytest.raises(ArgumentError, match=r"needs a folder with timm's config\.json"):
        find_backbone(f"local-dir:{tmp_path / 'none'}")


def test_without_a_network_the_answer_is_one_line() -> None:
    with pytest.raises(
        DownloadError, match=r"^timm/resnet18\.a1_in1k is not in the cache, and HF_HUB_OFFLINE is set$"
    ):
        published_weights(find_backbone("resnet18").configuration)
    with pytest.raises(DownloadError, match=r"is not in the cache, and HF_HUB_OFFLINE is set"):
        find_backbone("hf-hub:somebody/something")
    with pytest.raises(DownloadError, match="timm publishes none for it"):
        published_weights({})


def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    import metric_face.models.published as module

    monkeypatch.setattr(module, "_SECONDS", 0.05)
    never = threading.Event()
    with pytest.raises(DownloadError, match=r"^a\.b cannot be reached \(no answer within 0\.05 s\)$"):
        module._check_reachable("a.b", never.wait)
    never.set()
    module._check_reachable("a.b", lambda: None)

    def refuse() -> None:
        raise OSError("no such host")

    with pytest.raises(DownloadError, match="no such host"):
        module._check_reachable("a.b", refuse)


def test_files_without_counters_fit_and_what_is_left_over_is_reported(tmp_path: Path) -> None:
    source = timm.create_model("test_resnet")
    state = {
        n: v.contiguous() for n, v in source.state_dict().items() if not n.endswith("num_batches_tracked")
    }
    save_file(state, tmp_path / "plain.safetensors")
    model, said = EmbeddingModel("test_resnet", embedding_size=8), []
    load_backbone(model, tmp_path / "plain.safetensors", said.append)
    assert said == []  # neither the counters nor timm's classifier are news
    assert torch.equal(model.backbone.state_dict()["conv1.0.weight"], state["conv1.0.weight"])
    save_file(state | {"other.weight": torch.ones(1)}, tmp_path / "more.safetensors")
    load_backbone(model, tmp_path / "more.safetensors", said.append)
    assert len(said) == 1
    assert "holds 1 tensors that the backbone has no place for, the first 'other.weight'" in said[0]
    del state["conv1.0.weight"]
    save_file(state, tmp_path / "less.safetensors")
    with pytest.raises(FileFormatError, match=r"lacks 1 of .*, the first 'conv1\.0\.weight'"):
        load_backbone(model, tmp_path / "less.safetensors")


def test_a_file_of_another_image_size_is_fitted(tmp_path: Path) -> None:
    source = timm.create_model("test_vit", img_size=64)
    save_file({n: v.contiguous() for n, v in source.state_dict().items()}, tmp_path / "vit.safetensors")
    model = EmbeddingModel("test_vit", size=(32, 32))
    load_backbone(model, tmp_path / "vit.safetensors")
    assert torch.equal(model.backbone.cls_token, source.cls_token)


def test_a_run_of_ours_brings_projection_and_neck(tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = EmbeddingModel("test_resnet", {"a": 2}, embedding_size=8, size=(32, 32))
    first.neck.weight.data.fill_(2.0)
    save_model(tmp_path, first, EvalTransform((32, 32)), None)
    second = EmbeddingModel("test_resnet", {"b": 5}, embedding_size=8, size=(32, 32))
    load_backbone(second, tmp_path)
    images = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(second.eval().embed(images), first.eval().embed(images))
    other = EmbeddingModel("test_resnet", {"b": 5}, embedding_size=4, size=(32, 32))
    load_backbone(other, tmp_path)
    assert torch.equal(other.backbone.layer1[0].conv1.weight, first.backbone.layer1[0].conv1.weight)


def test_one_weight_in_two_places_is_saved_under_both_names(tmp_path: Path) -> None:
    model = EmbeddingModel("test_resnet", embedding_size=8, size=(32, 32)).eval()
    block = model.backbone.layer1[0]
    block.bn2.weight = block.bn1.weight  # as CoaT does with its convolutions
    save_model(tmp_path, model, EvalTransform((32, 32)), None)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(load_model(tmp_path).embed(images), model.embed(images))
