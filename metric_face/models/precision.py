"""Where bf16 is computed and not merely emulated."""

from collections.abc import Callable

import torch
from torch import nn

from metric_face.progress import Say, silent


def device_of_choice() -> torch.device:
    """The GPU if there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bf16 faster than float32: AMX, AVX512-BF16, or a GPU from Ampere on."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def computing_dtype(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """The type to compute in: bf16 where ``wanted`` is ``bf16``, or ``auto`` on a device that has it."""
    if wanted == "bf16" or (wanted == "auto" and has_bf16(device)):
        return torch.bfloat16
    return torch.float32


def training_dtype(
    model: nn.Module,
    size: tuple[int, int],
    device: torch.device,
    wanted: str = "auto",
    say: Say = silent,
) -> torch.dtype:
    """The type to train in: as :func:`computing_dtype`, but float32 where bf16 gradients would be wrong or slow.

    On a processor, PyTorch (2.15, oneDNN) leaves parts of a convolution's bf16 weight gradient unset where the map
    that comes in is smaller than the stride: what was in memory before is taken for the gradient, and the weights
    become nan, or silently wrong. Images of 16 x 16 px reach such maps in a ResNet. Its bf16 gradients of depthwise
    convolutions are right, and so slow that ``auto`` trains a network that has them in float32.

    Args:
        model: of images (B, 3, H, W).
        size: H and W.
        device: to train on.
        wanted: ``auto``, ``fp32`` or ``bf16``.
        say: called with one line where float32 is taken in place of bf16.
    """
    dtype = computing_dtype(device, wanted)
    if dtype == torch.float32 or device.type != "cpu":
        return dtype
    if wanted == "auto" and has_depthwise(model):
        return torch.float32
    layer = map_below_stride(model, size)
    if layer is None:
        return dtype
    say(
        f"trains in float32: at {size[0]} x {size[1]} px the map that reaches {layer} is smaller than its stride, "
        "where PyTorch's bf16 gradients are wrong on this processor"
    )
    return torch.float32


def has_depthwise(model: nn.Module) -> bool:
    """Whether a model has a convolution of each channel by itself."""
    convolutions = (module for module in model.modules() if isinstance(module, nn.Conv2d))
    return any(1 < layer.groups == layer.in_channels for layer in convolutions)


def map_below_stride(model: nn.Module, size: tuple[int, int]) -> str | None:
    """The first convolution whose input is smaller than its stride, for images of H x W; or None.

    The model is left as it was.
    """
    found: list[str] = []

    def look(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            stride = module.stride
            if any(side < step for side, step in zip(inputs[0].shape[2:], stride, strict=True)):  # type: ignore[arg-type]
                found.append(name)

        return hook

    hooks = [
        module.register_forward_pre_hook(look(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and max(module.stride) > 1
    ]
    was_training = model.training
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, 3, *size, device=next(model.parameters()).device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return found[0] if found else None
