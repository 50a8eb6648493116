"""The preprocessing inside an ONNX file against Pillow's, on pictures of every shape."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metric_face.data import EvalTransform, open_image
from metric_face.errors import ArgumentError, FileFormatError
from metric_face.run import Run

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from metric_face.models.onnx import OnnxEmbedder  # noqa: E402
from metric_face.models.onnx_pixels import export_pixels  # noqa: E402
from metric_face.models.onnx_preprocessing import preprocessing  # noqa: E402

SIZES = [(64, 64), (64, 75), (31, 47), (128, 100), (9, 200), (300, 7), (1, 1), (2, 90)]
RNG = np.random.default_rng(0)


def steps_apart(transform: EvalTransform, image: np.ndarray) -> np.ndarray:
    """How far the graph and Pillow lie apart, in steps of 255."""
    content = preprocessing(transform).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"pixels": image[None]})[0][0]
    wanted = transform.normalize(transform.geometry(Image.fromarray(image)))
    assert found.shape == wanted.shape
    return np.abs(found - wanted) * 255 * np.reshape(transform.std, (3, 1, 1))


@pytest.mark.parametrize("fit", ["stretch", "center", "squash", "border"])
@pytest.mark.parametrize("crop", [(1.0, 1.0), (0.875, 0.875), (0.6, 0.8)])
def test_the_graph_prepares_as_pillow_does(fit: str, crop: tuple[float, float]) -> None:
    """Noise is the hardest picture; a step is what rounding twice can differ by."""
    for interpolation in ("bilinear", "bicubic"):
        transform = EvalTransform((40, 48), crop, interpolation=interpolation, fit=fit)
        for height, width in SIZES:
            apart = steps_apart(transform, RNG.integers(0, 256, (height, width, 3)).astype(np.uint8))
            if fit == "stretch" and max(height / 40, width / 48) > 3:
                continue  # Pillow averages whole pixels first
            assert apart.mean() < 0.6, (interpolation, height, width)


def test_every_filter_of_an_exact_case_is_within_a_step() -> None:
    """Across is resized, down is not, so the order in which Pillow makes its passes plays no part."""
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos"):
        transform = EvalTransform((64, 48), interpolation=interpolation)
        assert steps_apart(transform, RNG.integers(0, 256, (64, 75, 3)).astype(np.uint8)).max() < 1.1


def test_large_pictures_stay_close() -> None:
    small = RNG.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC))
    assert steps_apart(EvalTransform((64, 64), (0.9, 0.7)), smooth).mean() < 1
    assert steps_apart(EvalTransform((64, 64), (0.9, 0.9), fit="center"), smooth).max() < 1.1


@pytest.mark.slow
def test_a_run_takes_pixels(indexed: Run, toy: Path, tmp_path: Path) -> None:
    files = sorted((toy / "images").iterdir())[:6]
    images = [np.asarray(open_image(file)) for file in files]
    agreed = export_pixels(indexed.folder / "model.onnx", indexed.transform, tmp_path / "pixels.onnx", images)
    assert agreed.images == 6
    assert 0.999 < agreed.lowest_cosine <= agreed.mean_cosine <= 1.000001
    session = onnxruntime.InferenceSession(str(tmp_path / "pixels.onnx"), providers=["CPUExecutionProvider"])
    found = session.run(None, {"pixels": np.stack(images)})[0]
    wanted = OnnxEmbedder(indexed.folder / "model.onnx")(
        np.stack([indexed.transform(file) for file in files])
    )
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.02 * np.abs(wanted).max())
    kept = session.get_modelmeta().custom_metadata_map
    assert kept["metric_face.fingerprint"] == indexed.fingerprint


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    for images in ([], [np.zeros((3, 3), np.uint8)], [np.zeros((3, 3, 3), np.float32)]):
        with pytest.raises(ArgumentError, match=r"images must be one or more \(H, W, 3\) uint8"):
            export_pixels("m.onnx", EvalTransform((8, 8)), tmp_path / "p.onnx", images)
    with pytest.raises(FileFormatError, match="does not exist"):
        export_pixels(
            tmp_path / "m.onnx", EvalTransform((8, 8)), tmp_path / "p.onnx", [np.zeros((3, 3, 3), np.uint8)]
        )
    assert not list(tmp_path.iterdir())
