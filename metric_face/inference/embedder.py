"""The model of a predictor: ONNX Runtime where it can be, for its fast start, PyTorch otherwise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metric_face.arrays import Floats
from metric_face.data import EvalTransform, ImageInput, input_names
from metric_face.errors import (
    ArgumentError,
    FileFormatError,
    ImageError,
    MissingExtraError,
    ModelMismatchError,
)
from metric_face.progress import Progress

Embed = Callable[[Floats], Floats]
Precision = Literal["auto", "fp32", "int8"]
PRECISIONS = ("auto", "fp32", "int8")
_BATCH = 32


@dataclass(frozen=True)
class ChosenModel:
    """What embeds the images of a predictor.

    Attributes:
        embed: from prepared images to vectors.
        name: ``fp32`` or ``int8``.
        reason: why it is this one, in words; "" where the run has no light model.
    """

    embed: Embed
    name: str
    reason: str = ""


def choose_model(
    folder: Path,
    card: Mapping[str, Any],
    wanted: Precision,
    use_torch: bool,
    few: bool,
    rejects: bool,
) -> ChosenModel:
    """The light model where it is asked for, or where it is as good and nothing was calibrated for the full one.

    Args:
        folder: of the run.
        card: the content of ``model.json``.
        wanted: ``fp32``, ``int8``, or ``auto``.
        use_torch: PyTorch even where ``model.onnx`` is there.
        few: whether a fast start is worth more than a fast run.
        rejects: whether the index refuses answers below a threshold.

    Raises:
        ArgumentError: no such model.
        FileFormatError: ``int8`` is asked for, and there is none or it is damaged.
        ModelMismatchError: ``int8`` is asked for, and it is another model's or computes otherwise here.
    """
    if wanted not in PRECISIONS:
        raise ArgumentError(f"model={wanted!r} (--model): must be one of {', '.join(PRECISIONS)}")
    if use_torch and wanted == "int8":
        raise ArgumentError("model='int8': runs with onnxruntime; leave out use_torch")
    if wanted == "int8":
        from metric_face.models import light_embedder

        return ChosenModel(light_embedder(folder, card["fingerprint"]), "int8", "asked for")
    if wanted == "fp32" or use_torch or not (folder / "model.int8.json").exists():
        return ChosenModel(embedder_of(folder, card, use_torch, few), "fp32")
    light, reason = _light_if_good(folder, card["fingerprint"], rejects)
    if light is not None:
        return ChosenModel(light, "int8", reason)
    return ChosenModel(embedder_of(folder, card, use_torch, few), "fp32", reason)


def _light_if_good(folder: Path, fingerprint: str, rejects: bool) -> tuple[Embed | None, str]:
    try:
        from metric_face.models import light_embedder, read_light_record

        record = read_light_record(folder)
        if not record["good"]:
            return None, record["reason"]
        if rejects:
            return None, "the thresholds of the index were set with the full model"
        return light_embedder(folder, fingerprint), record["reason"]
    except (FileFormatError, MissingExtraError, ModelMismatchError) as error:
        return None, str(error)


def embedder_of(folder: Path, card: Mapping[str, Any], use_torch: bool, few: bool) -> Embed:
    """ONNX Runtime where a checked ``model.onnx`` is there and it is installed; PyTorch otherwise."""
    # A file whose checksum is not in model.json was left by a training that was killed while it wrote it.
    recorded = card["onnx"] is not None and (folder / "model.onnx").exists()
    if use_torch or not recorded or find_spec("onnxruntime") is None:
        return _torch_embedder(folder)
    from metric_face.models import OnnxEmbedder

    return OnnxEmbedder(
        folder / "model.onnx", fingerprint=card["fingerprint"], digest=card["onnx"], quick_start=few
    )


def _torch_embedder(folder: Path) -> Embed:
    import torch

    from metric_face.models import load_model

    model = load_model(folder)

    def embed(images: Floats) -> Floats:
        with torch.inference_mode():
            return np.asarray(model.embed(torch.from_numpy(images)).float().numpy())

    return embed


def embed_images(
    images: Sequence[ImageInput],
    transform: EvalTransform,
    embed: Embed,
    progress: Progress,
    broken: dict[str, ImageError] | None,
) -> list[Floats]:
    """The vectors of images, in batches (n, D) of those that can be used.

    Args:
        images: Q paths, images or arrays.
        transform: how the model wants them.
        embed: from prepared images to vectors.
        progress: called with (images read, images in all).
        broken: where images that cannot be used are noted, by name; None raises at the first.

    Raises:
        ImageError: an image cannot be used, and ``broken`` is None.
    """
    vectors, names = [], input_names(images)
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        pixels = []
        for name, image in zip(names[start : start + _BATCH], batch, strict=True):
            try:
                pixels.append(transform(image, name))
            except ImageError as error:
                if broken is None:
                    raise
                broken[name] = error
        if pixels:
            vectors.append(embed(np.stack(pixels)))
        progress(start + len(batch), len(images))
    return vectors
