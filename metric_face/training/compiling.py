"""trainer.compile: the network of the training steps, compiled; refused in one line where nothing can compile it."""

import os
import shutil
from collections.abc import Callable
from typing import Any

from metric_face.errors import ConfigError

_COMPILERS = ("c++", "g++", "clang++", "cl")


def check_compiler() -> None:
    """Check that there is a C++ compiler, which ``torch.compile`` calls.

    Raises:
        ConfigError: there is none.
    """
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ((named,) if named else _COMPILERS)):
        raise ConfigError(
            f"trainer.compile=True: needs a C++ compiler, found no {named or ' or '.join(_COMPILERS[1:3])}; install "
            "one, or set it to false"
        )


def compiled(model: Any) -> Callable[..., Any]:
    """The model's forward pass for training, compiled at its first call.

    Validation, extraction and export use the model itself: its names, and so the checkpoints, are those of a training
    without compilation.

    Raises:
        ConfigError: PyTorch cannot compile on this machine.
    """
    import torch

    try:
        torch.compile(lambda values: values.sin() + 1)(torch.ones(4))
    except Exception as error:  # whatever the compiler behind it says
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise ConfigError(
            f"trainer.compile=True: PyTorch cannot compile here ({reason}); set it to false"
        ) from None

    def forward(images: Any) -> Any:
        return model(images)

    compiled_forward: Callable[..., Any] = torch.compile(forward)
    return compiled_forward
