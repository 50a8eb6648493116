"""Which type a network is trained in on a processor that computes in bf16."""

import pytest
import torch
from torch import nn

from metric_face.models import precision
from metric_face.models.precision import training_dtype


class Network(nn.Module):
    """One convolution; groups of all channels are depthwise."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.layer = nn.Conv2d(8, 8, 3, groups=groups)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(self.stem(images)).mean((2, 3))


@pytest.mark.parametrize(
    ("groups", "wanted", "dtype"),
    [
        (8, "auto", torch.float32),
        (8, "bf16", torch.bfloat16),
        (4, "auto", torch.bfloat16),
        (1, "auto", torch.bfloat16),
        (1, "fp32", torch.float32),
    ],
)
def test_auto_leaves_bf16_where_a_convolution_is_depthwise(
    groups: int, wanted: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    assert training_dtype(Network(groups), (16, 16), torch.device("cpu"), wanted) == dtype


def test_a_processor_without_bf16_trains_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: False)
    assert training_dtype(Network(1), (16, 16), torch.device("cpu")) == torch.float32
