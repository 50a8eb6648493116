"""The three networks of MTCNN in PyTorch, with the weights that the package ``mtcnn`` ships in its wheel.

Only its weight files are read: its code needs TensorFlow. The files are pickles, so their checksums are compared with
those of version 1.0.0 before they are opened.

Reference:
    Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, IEEE
    Signal Processing Letters 23(10), 2016.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from metric_face.arrays import Floats
from metric_face.errors import FileFormatError
from metric_face.extras import check_installed
from metric_face.files import sha256_of

Stage = Literal["propose", "refine", "accept"]

INSTALL = "pip install 'metric_face[faces]'"
FILES = {
    "propose": ("pnet.lz4", "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5"),
    "refine": ("rnet.lz4", "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee"),
    "accept": ("onet.lz4", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3"),
}
"""The file of each stage in ``mtcnn/assets/weights``, and its checksum."""


class FaceNetwork(nn.Module):
    """One stage: from pixels to how a box is to be moved, whether it holds a face, and where eyes, nose and mouth are.

    Args:
        stage: ``propose`` takes images of any size and answers for every second pixel; ``refine`` takes 24 x 24
            pixels, ``accept`` 48 x 48.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.body, width = _body(stage)
        kind = _OnePixel if stage == "propose" else nn.Linear
        self.moves = kind(width, 4)
        self.points = nn.Linear(width, 10) if stage == "accept" else None
        self.kinds = kind(width, 2)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Answer for B images.

        Args:
            pixels: (B, 3, H, W), from -1 to 1.

        Returns:
            Shifts of left, top, right and bottom as shares of width and height, (B, 4) or (B, 4, H', W'); the
            probability of a face, (B,) or (B, H', W'); and in the last stage (B, 10), the x and then the y of five
            points as shares of width and height, in the others (B, 0).
        """
        seen = self.body(pixels)
        points = seen.new_empty(len(seen), 0) if self.points is None else self.points(seen)
        return self.moves(seen), self.kinds(seen).softmax(1)[:, 1], points

    def load_arrays(self, arrays: list[Floats]) -> None:
        """Take the weights of a Keras model, in the order of its layers.

        Raises:
            FileFormatError: their number or a shape is not that of this stage.
        """
        own = list(self.parameters())
        turned = [_turned(array) for array in arrays]
        if [tuple(one.shape) for one in own] != [one.shape for one in turned]:
            raise FileFormatError(f"mtcnn: weights of stage {self.stage!r} have other shapes; {INSTALL}")
        with torch.no_grad():
            for parameter, array in zip(own, turned, strict=True):
                parameter.copy_(torch.from_numpy(array))


class _OnePixel(nn.Conv2d):
    """A linear map of each pixel."""

    def __init__(self, width: int, answers: int) -> None:
        super().__init__(width, answers, 1)


def _body(stage: Stage) -> tuple[nn.Sequential, int]:
    """The layers before the answers, and the width of what they give."""
    if stage == "propose":
        layers = [*_layer(3, 10, 3), _pool(2), *_layer(10, 16, 3), *_layer(16, 32, 3)]
        return nn.Sequential(*layers), 32
    if stage == "refine":
        layers = [*_layer(3, 28, 3), _pool(3), *_layer(28, 48, 3), _pool(3, floor=True), *_layer(48, 64, 2)]
        return nn.Sequential(*layers, *_dense(576, 128)), 128
    layers = [*_layer(3, 32, 3), _pool(3), *_layer(32, 64, 3), _pool(3, floor=True)]
    layers += [*_layer(64, 64, 3), _pool(2), *_layer(64, 128, 2)]
    return nn.Sequential(*layers, *_dense(1152, 256)), 256


def _layer(before: int, after: int, side: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, side), nn.PReLU(after)]


def _pool(side: int, floor: bool = False) -> nn.Module:
    return nn.MaxPool2d(side, 2, ceil_mode=not floor)


def _dense(before: int, after: int) -> list[nn.Module]:
    return [_Flat(), nn.Linear(before, after), nn.PReLU(after)]


class _Flat(nn.Module):
    """(B, C, H, W) -> (B, W * H * C): columns first, channels last, as the weights were trained."""

    def forward(self, seen: Tensor) -> Tensor:
        return seen.permute(0, 3, 2, 1).flatten(1)


def _turned(array: Floats) -> Floats:
    """An array of Keras as PyTorch holds it: convolutions (out, in, H, W), linear maps (out, in), slopes (C,)."""
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(3, 2, 0, 1))
    if array.ndim == 2:
        return np.ascontiguousarray(array.T)
    return array.reshape(-1)


def load_networks() -> dict[Stage, FaceNetwork]:
    """The three networks with the weights of the installed package ``mtcnn``, in evaluation mode.

    Raises:
        MissingExtraError: ``mtcnn`` or ``lz4`` is not installed.
        FileFormatError: a weight file is not that of mtcnn 1.0.0.
    """
    folder = _weights_folder()
    loaded: dict[Stage, FaceNetwork] = {}
    for stage, (name, digest) in FILES.items():
        file = folder / name
        if not file.is_file() or sha256_of(file) != digest:
            raise FileFormatError(f"{file}: must be the weights of mtcnn 1.0.0; {INSTALL}")
        network = FaceNetwork(cast(Stage, stage))
        network.load_arrays(_arrays_in(file))
        loaded[cast(Stage, stage)] = network.eval()
    return loaded


def _weights_folder() -> Path:
    """Where the package lies; it is found without being imported."""
    check_installed("mtcnn", "lz4")
    package = find_spec("mtcnn")
    if package is None or not package.submodule_search_locations:
        raise FileFormatError(f"mtcnn: must be the package with the weights; {INSTALL}")
    return Path(package.submodule_search_locations[0]) / "assets" / "weights"


def _arrays_in(file: Path) -> list[Floats]:
    import joblib

    return cast("list[Floats]", joblib.load(file))
