"""The model of a predictor: ONNX Runtime where it can be, for its fast start, PyTorch otherwise."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.arrays import Floats

Embed = Callable[[Floats], Floats]


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
