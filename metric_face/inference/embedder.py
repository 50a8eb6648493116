"""The model of a predictor: ONNX Runtime where it can be, for its fast start, PyTorch otherwise."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError, FileFormatError, MissingExtraError, ModelMismatchError
from metric_face.inference.target_votes import TargetVote

Embed = Callable[[Floats], Floats]
Precision = Literal["auto", "fp32", "int8"]
PRECISIONS = ("auto", "fp32", "int8")


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
    votes: Iterable[TargetVote],
) -> ChosenModel:
    """The light model where it is asked for, or where it is as good and nothing was calibrated for the full one.

    Args:
        folder: of the run.
        card: the content of ``model.json``.
        wanted: ``fp32``, ``int8``, or ``auto``.
        use_torch: PyTorch even where ``model.onnx`` is there.
        few: whether a fast start is worth more than a fast run.
        votes: how the neighbors of each target vote, of which one may refuse answers below a threshold.

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
    light, reason = _light_if_good(folder, card["fingerprint"], any(vote.rejects for vote in votes))
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
