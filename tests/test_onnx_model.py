"""A model exported to ONNX embeds as PyTorch does, without PyTorch."""

import subprocess
import sys

import numpy as np
import pytest

from metric_face.errors import ArgumentError, FileFormatError, ModelMismatchError

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

import torch

from metric_face.models.onnx import OnnxEmbedder, export_onnx

SIZE = 32


def small_model():
    import timm

    torch.manual_seed(0)
    backbone = timm.create_model("test_resnet", num_classes=0)
    model = torch.nn.Sequential(
        backbone, torch.nn.Linear(backbone.num_features, 16), torch.nn.BatchNorm1d(16)
    )
    with torch.no_grad():
        model(images(16))  # running statistics that are not zero and one
    return model


def images(count, seed=0):
    return torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = small_model().train()
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    cosine = export_onnx(model, path, images(5), fingerprint="abc")
    assert model.training, "the model handed over must stay as it was"
    return model.eval(), path, cosine


def test_it_embeds_as_pytorch_does_at_any_batch_size(exported):
    model, path, cosine = exported
    assert 0.9999 <= cosine <= 1 + 1e-9
    for quick_start in (False, True):
        embed = OnnxEmbedder(path, quick_start=quick_start)
        for count in (1, 2, 7):
            with torch.inference_mode():
                expected = model(images(count, seed=count)).numpy()
            found = embed(images(count, seed=count).numpy())
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert embed(np.empty((0, 3, SIZE, SIZE), np.float32)).shape == (0, 16)
    assert (embed.dimensions, embed.image_size, embed.fingerprint) == (16, (SIZE, SIZE), "abc")


def test_one_file_and_nothing_beside_it(exported):
    assert [file.name for file in exported[1].parent.iterdir()] == ["model.onnx"]


def test_threads_are_a_setting(exported):
    embed = OnnxEmbedder(exported[1], threads=1)
    assert embed._session.get_session_options().intra_op_num_threads == 1
    with pytest.raises(ArgumentError, match="threads must be at least 1, found 0"):
        OnnxEmbedder(exported[1], threads=0)


def test_another_model_is_refused(exported):
    assert OnnxEmbedder(exported[1], fingerprint="abc").fingerprint == "abc"
    with pytest.raises(ModelMismatchError, match="must be the model xyz, found abc; export it again"):
        OnnxEmbedder(exported[1], fingerprint="xyz")


def test_wrong_images_are_refused(exported):
    embed = OnnxEmbedder(exported[1])
    for wrong in (images(1).numpy()[0], images(1).numpy()[:, :1], images(1).numpy().astype(np.float64)):
        with pytest.raises(
            ArgumentError, match=r"images must be \(N, 3, 32, 32\) float32, found .* use the transform"
        ):
            embed(wrong)


def test_damaged_files_are_refused(exported, tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(FileFormatError, match="does not exist; train with export_onnx"):
        OnnxEmbedder(path)
    for content in (b"", b"no model", exported[1].read_bytes()[:5000]):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"model\.onnx is truncated or no embedding model"):
            OnnxEmbedder(path)


def test_a_model_that_embeds_otherwise_is_not_written(tmp_path, monkeypatch):
    import metric_face.models.onnx as module

    monkeypatch.setattr(module, "_export", lambda model, sample, path, fingerprint: path.write_bytes(b"x"))
    embedded = np.random.default_rng(0).normal(size=(9, 16)).astype(np.float32)
    monkeypatch.setattr(module, "OnnxEmbedder", lambda path: lambda batch: embedded[: len(batch)])
    with pytest.raises(ModelMismatchError, match=r"with a cosine of at least 0\.9999, found -?0\.\d+"):
        export_onnx(small_model(), tmp_path / "model.onnx", images(3))
    embedded[:] = 0
    with pytest.raises(ModelMismatchError, match="found nan"):
        export_onnx(small_model(), tmp_path / "model.onnx", images(3))
    assert list(tmp_path.iterdir()) == []


def test_no_image_is_refused(tmp_path):
    with pytest.raises(
        ArgumentError, match=r"images must be \(N, 3, H, W\) with N at least 1, found \(0, 3, 32, 32\)"
    ):
        export_onnx(small_model(), tmp_path / "model.onnx", images(0))


def test_embedding_imports_no_torch(exported):
    script = f"""
import sys
import numpy as np
from metric_face.models.onnx import OnnxEmbedder
OnnxEmbedder({str(exported[1])!r})(np.zeros((1, 3, {SIZE}, {SIZE}), np.float32))
print([name for name in ("torch", "timm", "pandas", "onnx", "onnxscript") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cosines_of_rows_are_those_of_scikit_learn_and_no_number_for_zeros() -> None:
    from sklearn.metrics.pairwise import cosine_similarity

    from metric_face.vectors import row_cosines

    first, second = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    first[3] = 0
    found = row_cosines(first, second)
    keep = [0, 1, 2, 4]
    np.testing.assert_allclose(found[keep], np.diag(cosine_similarity(first, second))[keep], atol=1e-6)
    assert np.isnan(found[3])
