"""Files of tensors, by whomever they were written. Nothing is unpickled."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from metric_face.errors import FileFormatError


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Read ``.safetensors``, or what ``torch.save`` wrote if it holds tensors only.

    Args:
        file: a state dict, or a checkpoint that holds one under ``state_dict``, ``model`` or ``state_dict_ema``.

    Raises:
        FileFormatError: it is missing, cannot be read, or holds more than tensors.
    """
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
