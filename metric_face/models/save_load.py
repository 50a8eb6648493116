"""Weights in files: a model with what it takes to use it, and backbones that others trained. Nothing is unpickled."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from metric_face.data import EvalTransform, LabelSpace
from metric_face.errors import FileFormatError
from metric_face.files import build, check_digest, digest_of, remedy_of, write_atomically
from metric_face.models.card import read_card, write_card
from metric_face.models.embedding_model import EmbeddingModel


def save_model(
    folder: Path, model: EmbeddingModel, transform: EvalTransform, space: LabelSpace | None
) -> str:
    """Write ``model.safetensors`` and ``model.json`` into a folder.

    Returns:
        The fingerprint: a hash of weights, architecture and transform, by which an index knows its model.
    """
    weights = folder / "model.safetensors"
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    write_atomically(weights, lambda file: save_file(tensors, file))
    card = {
        "architecture": model.architecture,
        "transform": transform.to_dict(),
        "label_space": None if space is None else space.to_dict(),
        "sha256": digest_of(weights),
    }
    return write_card(folder, card)


def vouch_for_onnx(folder: Path) -> None:
    """Write the checksum of ``model.onnx`` into ``model.json``; without it the file is not used."""
    write_card(folder, {**read_card(folder), "onnx": digest_of(folder / "model.onnx")})


def load_model(folder: Path) -> EmbeddingModel:
    """Load the model of a folder, in evaluation mode.

    Raises:
        FileFormatError: a file is missing, truncated or altered.
    """
    card = read_card(folder)
    weights = folder / "model.safetensors"
    check_digest(weights, [card["sha256"]], by="model.json", remedy="restore it or train again")

    def make() -> EmbeddingModel:
        model = EmbeddingModel(**card["architecture"])
        model.load_state_dict(load_file(weights))
        return model.eval()

    try:
        return build(make, folder / "model.json", remedy=remedy_of(folder))
    except (SafetensorError, RuntimeError) as error:  # other tensors than the architecture has
        reason = str(error).splitlines()[0][:120]
        raise FileFormatError(
            f"{weights}: not of the architecture in model.json ({reason}); {remedy_of(folder)}"
        ) from None


def load_backbone(model: EmbeddingModel, file: str | Path) -> None:
    """Load a backbone's weights from a local file into a model.

    Args:
        model: whose backbone is filled.
        file: ``.safetensors``, or ``.pth``/``.pt`` that holds tensors only; a state dict of the backbone, of a
            timm classifier, or of one of our models (its ``model.safetensors``).

    Raises:
        FileFormatError: the file cannot be read, holds more than tensors, or does not fit the backbone.
    """
    state = {_bare(name): value for name, value in _read_tensors(Path(file)).items()}
    wanted = model.backbone.state_dict()
    missing = sorted(wanted.keys() - state.keys())
    if missing:
        raise FileFormatError(
            f"{file}: lacks {len(missing)} of {len(wanted)} tensors of {model.architecture['backbone']!r}, "
            f"the first {missing[0]!r}; is it the same architecture?"
        )
    for name, value in wanted.items():
        if value.shape != state[name].shape:
            raise FileFormatError(
                f"{file}: {name!r} is {tuple(state[name].shape)}, the backbone needs {tuple(value.shape)}; "
                "is it the same architecture?"
            )
    model.backbone.load_state_dict({name: state[name] for name in wanted})


def _read_tensors(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise FileFormatError(f"model.weights={file}: no such file")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise FileFormatError(
            f"{file}: cannot be read as weights ({str(error).splitlines()[0][:120]})"
        ) from None
    except Exception as error:  # pickle.UnpicklingError: something other than tensors is in it
        raise FileFormatError(
            f"{file}: holds more than tensors, and is not unpickled ({type(error).__name__}); save its state_dict alone"
        ) from None
    for key in ("state_dict", "model", "state_dict_ema"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise FileFormatError(f"{file}: must hold a state dict, names to tensors; save model.state_dict()")
    return dict(content)


def _bare(name: str) -> str:
    for prefix in ("module.", "model.", "backbone."):
        name = name.removeprefix(prefix)
    return name
