"""Where bf16 is computed and not merely emulated."""

import torch


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
