"""Weights in files: a model with what it takes to use it, and backbones that others trained. Nothing is unpickled."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from metric_face.data import EvalTransform, LabelSpace
from metric_face.errors import FileFormatError
from metric_face.files import build, check_digest, digest_of, remedy_of, write_atomically
from metric_face.models.card import read_card, write_card
from metric_face.models.embedding_model import EmbeddingModel
from metric_face.models.tensors import read_tensors
from metric_face.progress import Say, silent

_COUNTER = "num_batches_tracked"
"""Of a batch norm; nothing that is computed depends on it here, and many published files leave it out."""


def save_model(
    folder: Path,
    model: EmbeddingModel,
    transform: EvalTransform,
    space: LabelSpace | None,
    start: Mapping[str, Any] | None = None,
) -> str:
    """Write ``model.safetensors`` and ``model.json`` into a folder.

    Args:
        folder: of the run.
        model: to save.
        transform: how it wants its images.
        space: what its heads predict, or None.
        start: what it was trained from, as ``run.json`` has it.

    Returns:
        The fingerprint: a hash of weights, architecture and transform, by which an index knows its model.
    """
    weights = folder / "model.safetensors"
    tensors = _unshared(model.state_dict())
    write_atomically(weights, lambda file: save_file(tensors, file))
    card = {
        "architecture": model.architecture,
        "transform": transform.to_dict(),
        "label_space": None if space is None else space.to_dict(),
        "sha256": digest_of(weights),
        "start": None if start is None else dict(start),
    }
    return write_card(folder, card)


def _unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of their own under every name; some families use one weight in several places (CoaT)."""
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in state.items():
        tensor = value.detach().cpu().contiguous()
        tensors[name] = tensor.clone() if tensor.untyped_storage().data_ptr() in seen else tensor
        seen.add(tensor.untyped_storage().data_ptr())
    return tensors


def record_onnx(folder: Path) -> None:
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


def load_backbone(model: EmbeddingModel, file: str | Path, say: Say = silent) -> None:
    """Load weights from a local file into a model.

    Args:
        model: whose backbone is filled; of one of our own models the pooling, projection and neck come along where
            they are as large.
        file: ``.safetensors``, or ``.pth``/``.pt`` that holds tensors only; a state dict of the backbone, of a
            timm classifier, or of one of our models (its ``model.safetensors``, or the folder of its run). Weights of
            another image size are fitted as timm fits them.
        say: called with one line where the file holds more than the backbone takes.

    Raises:
        FileFormatError: the file cannot be read, holds more than tensors, or does not fit the backbone.
    """
    file = Path(file)
    file = file / "model.safetensors" if file.is_dir() else file
    read = {name.removeprefix("module."): value for name, value in read_tensors(file).items()}
    if any(name.startswith("backbone.") for name in read):
        _load_own_parts(model, read)
        read = {name: value for name, value in read.items() if name.startswith("backbone.")}
    state = {_bare(name): value for name, value in read.items()}
    wanted = {n: v for n, v in model.backbone.state_dict().items() if not n.endswith(_COUNTER)}
    if any(name not in state or value.shape != state[name].shape for name, value in wanted.items()):
        state = _fitted(model, state)
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
    surplus = sorted(name for name in state.keys() - wanted.keys() if not name.endswith(_COUNTER))
    classifier = model.backbone.pretrained_cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    surplus = [name for name in surplus if not any(name.startswith(f"{head}.") for head in heads)]
    if surplus:
        say(
            f"{file}: holds {len(surplus)} tensors that the backbone has no place for, the first {surplus[0]!r}"
        )
    model.backbone.load_state_dict({name: state[name] for name in wanted}, strict=False)


def _load_own_parts(model: EmbeddingModel, state: Mapping[str, Tensor]) -> None:
    """Pooling, projection and neck of one of our models, each where all of it has the same shape here."""
    for part in ("pooling", "projection", "neck"):
        module = getattr(model, part)
        wanted = {} if module is None else module.state_dict()
        found = {name: state.get(f"{part}.{name}") for name in wanted}
        fits = all(value is not None and value.shape == wanted[name].shape for name, value in found.items())
        if found and fits:
            module.load_state_dict(found)


def _fitted(model: EmbeddingModel, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights in the names and sizes of the backbone, by the function that timm's module of it has for that."""
    fit = getattr(sys.modules[type(model.backbone).__module__], "checkpoint_filter_fn", None)
    if fit is None:
        return state
    try:
        fitted: dict[str, Tensor] = fit(dict(state), model.backbone)
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError):
        return state  # of another architecture; what is missing is reported
    return fitted


def _bare(name: str) -> str:
    for prefix in ("module.", "model.", "backbone."):
        name = name.removeprefix(prefix)
    return name
