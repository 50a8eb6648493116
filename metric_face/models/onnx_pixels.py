"""A model whose ONNX graph takes pixels: resize, crop and normalization stand in front of the network.

For servers without Python. The graph resizes as Pillow does, to a step of 255 here and there. Where a picture is
stretched to size (``fit: stretch``) and more than three times too large, Pillow first averages whole pixels, and of a
JPEG a smaller one is decoded, which a graph cannot: that costs .3 to 1 step of 255 on average, and more at edges. What
it costs the embedding is measured when the file is written.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles, Floats
from metric_face.data import EvalTransform
from metric_face.errors import ArgumentError, FileFormatError, ModelMismatchError
from metric_face.extras import named_extras
from metric_face.files import write_atomically
from metric_face.models.onnx_preprocessing import PIXELS, PREPARED, preprocessing
from metric_face.vectors import row_cosines

_LEAST_COSINE = 0.99


@dataclass(frozen=True)
class PixelsAgreement:
    """How a graph that takes pixels embeds beside the Python preprocessing.

    Attributes:
        images: compared.
        lowest_cosine, mean_cosine: between the two embeddings of an image.
    """

    images: int
    lowest_cosine: float
    mean_cosine: float


def export_pixels(
    model: str | os.PathLike[str],
    transform: EvalTransform,
    path: str | os.PathLike[str],
    images: Sequence[NDArray[np.uint8]],
) -> PixelsAgreement:
    """Write a model's ONNX file again with its preprocessing inside.

    Args:
        model: ``model.onnx`` of a run, which takes prepared images.
        transform: the preprocessing.
        path: the file to write, whole or not at all. Its input ``pixels`` is (N, H, W, 3) uint8 RGB, upright, of any
            size; its output that of the model.
        images: (H, W, 3) uint8 each, at least one, to compare on; best those it will see.

    Returns:
        How both embed these images.

    Raises:
        ArgumentError: no images, or another shape.
        MissingExtraError: ``onnx`` is not installed.
        FileFormatError: there is no such model.
        ModelMismatchError: a cosine is below 0.99; nothing is written.
    """
    if not len(images) or any(one.ndim != 3 or one.shape[2] != 3 or one.dtype != np.uint8 for one in images):
        found = [f"{one.dtype} {one.shape}" for one in images][:3]
        raise ArgumentError(f"images must be one or more (H, W, 3) uint8, found {found or 'none'}")
    if not Path(model).is_file():
        raise FileFormatError(f"{model} does not exist; train with export_onnx")
    before = preprocessing(transform)
    with named_extras():
        import onnx
        from onnx import compose
    network = onnx.load(os.fspath(model))
    before.ir_version = network.ir_version
    fingerprint = [(one.key, one.value) for one in network.metadata_props]
    whole = compose.merge_models(before, network, io_map=[(PREPARED, network.graph.input[0].name)])
    onnx.helper.set_model_props(whole, dict(fingerprint))
    agreed: list[PixelsAgreement] = []

    def write(temporary: Path) -> None:
        onnx.save(whole, os.fspath(temporary))
        cosines = _cosines(Path(model), temporary, transform, images)
        agreed.append(PixelsAgreement(len(images), float(cosines.min()), float(cosines.mean())))
        if not agreed[0].lowest_cosine >= _LEAST_COSINE:
            raise ModelMismatchError(
                f"{path} must embed pixels as Python does, with a cosine of at least {_LEAST_COSINE}, "
                f"found {agreed[0].lowest_cosine:.4f}; prepare images in Python and use {model}"
            )

    write_atomically(path, write)
    return agreed[0]


def _cosines(
    model: Path, whole: Path, transform: EvalTransform, images: Sequence[NDArray[np.uint8]]
) -> Doubles:
    import onnxruntime
    from PIL import Image

    from metric_face.models.onnx import OnnxEmbedder

    embed = OnnxEmbedder(model)
    session = onnxruntime.InferenceSession(os.fspath(whole), providers=["CPUExecutionProvider"])
    found = []
    for image in images:
        prepared: Floats = transform.normalize(transform.geometry(Image.fromarray(image)))
        found.append(row_cosines(embed(prepared[None]), session.run(None, {PIXELS: image[None]})[0]))
    return np.concatenate(found)
