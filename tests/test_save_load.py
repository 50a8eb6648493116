"""Weights go to disk and come back; what is damaged or more than tensors is refused, and nothing is unpickled."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from metric_face.data.transforms import EvalTransform
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.models.card import read_card
from metric_face.models.embedding_model import EmbeddingModel
from metric_face.models.save_load import load_backbone, load_model, save_model

TRANSFORM = EvalTransform((32, 32))


@pytest.fixture
def model() -> EmbeddingModel:
    torch.manual_seed(0)
    return EmbeddingModel("test_resnet", {"type": 2, "a.b": 3}, embedding_size=8)


@pytest.mark.parametrize("neck", ["bn", "none", "cosine"])
@pytest.mark.parametrize("size", [8, None])
def test_a_model_reads_back_the_same(tmp_path: Path, neck: str, size: int | None) -> None:
    model = EmbeddingModel("test_resnet", {"type": 2, "a.b": 3}, embedding_size=size, neck=neck).eval()
    save_model(tmp_path, model, TRANSFORM, None)
    images = torch.randn(3, 3, 32, 32)
    here, there = model(images), load_model(tmp_path)(images)
    torch.testing.assert_close(there.embedding, here.embedding)
    assert set(there.logits) == {"type", "a.b"}
    for name in here.logits:
        torch.testing.assert_close(there.logits[name], here.logits[name])


def test_the_neck_decides_who_sees_what() -> None:
    images = torch.randn(4, 3, 32, 32)
    batch_norm = EmbeddingModel("test_resnet", embedding_size=8, neck="bn").train()(images)
    assert not torch.equal(batch_norm.metric, batch_norm.embedding)
    torch.testing.assert_close(batch_norm.embedding.mean(0), torch.zeros(8), atol=1e-5, rtol=0)
    plain = EmbeddingModel("test_resnet", embedding_size=8, neck="none")(images)
    assert torch.equal(plain.metric, plain.embedding)
    cosine = EmbeddingModel("test_resnet", embedding_size=8, neck="cosine")(images)
    torch.testing.assert_close(cosine.embedding.norm(dim=1), torch.ones(4))


def test_the_fingerprint_knows_weights_and_transform(tmp_path: Path, model: EmbeddingModel) -> None:
    first = save_model(tmp_path, model, TRANSFORM, None)
    assert save_model(tmp_path, model, TRANSFORM, None) == first
    assert save_model(tmp_path, model, EvalTransform((32, 32), crop=(0.9, 0.9)), None) != first
    with torch.no_grad():
        next(model.parameters()).add_(1e-3)
    assert save_model(tmp_path, model, TRANSFORM, None) != first


def test_damage_is_refused(tmp_path: Path, model: EmbeddingModel) -> None:
    save_model(tmp_path, model, TRANSFORM, None)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(
        FileFormatError,
        match=r"safetensors: .* its checksum is not that of model\.json",
    ):
        load_model(tmp_path)
    card = tmp_path / "model.json"
    card.write_text(card.read_text().replace("test_resnet", "resnet18"))
    with pytest.raises(FileFormatError, match="altered, its checksum does not match"):
        read_card(tmp_path)
    card.write_text("{")
    with pytest.raises(FileFormatError, match="not JSON"):
        read_card(tmp_path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone."])
def test_backbones_come_from_local_files(
    tmp_path: Path, model: EmbeddingModel, suffix: str, prefix: str
) -> None:
    source = timm.create_model("test_resnet", num_classes=10)  # with a classifier that is left out
    state = {prefix + name: value.contiguous() for name, value in source.state_dict().items()}
    file = tmp_path / f"weights{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save({"state_dict": state}, file)
    load_backbone(model, file)
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, source.state_dict()[name]), name


def test_what_is_more_than_tensors_is_not_unpickled(tmp_path: Path, model: EmbeddingModel) -> None:
    class Surprise:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "surprise",))  # type: ignore[return-value]

    torch.save({"state_dict": Surprise()}, tmp_path / "bad.pth")
    with pytest.raises(FileFormatError, match="holds more than tensors, and is not unpickled"):
        load_backbone(model, tmp_path / "bad.pth")
    assert not (tmp_path / "surprise").exists()


def test_weights_that_do_not_fit_say_so(tmp_path: Path, model: EmbeddingModel) -> None:
    save_file(timm.create_model("test_efficientnet").state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(FileFormatError, match=r"lacks .* tensors of 'test_resnet'"):
        load_backbone(model, tmp_path / "other.safetensors")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(FileFormatError, match=r"text\.pth"):
        load_backbone(model, tmp_path / "text.pth")
    with pytest.raises(FileFormatError, match="no such file"):
        load_backbone(model, tmp_path / "none.pth")


def test_unknown_names_are_refused_with_a_hint() -> None:
    with pytest.raises(ArgumentError, match=r"backbone='resnet19': must be a timm model; near it are"):
        EmbeddingModel("resnet19")
    with pytest.raises(ArgumentError, match="neck='batch': must be one of bn, none, cosine"):
        EmbeddingModel("test_resnet", neck="batch")
