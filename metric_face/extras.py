"""Which extra of ``pip install 'metric_face[EXTRA]'`` brings a package that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from metric_face.errors import MissingExtraError

_PACKAGES = {
    "train": (
        "cleanlab",
        "lightning",
        "matplotlib",
        "numba",
        "onnx",
        "onnxscript",
        "pandas",
        "pytorch_metric_learning",
        "scipy",
        "sklearn",
        "threadpoolctl",
        "timm",
        "torch",
        "torchvision",
        "umap",
    ),
    "faces": ("mtcnn", "lz4"),
    "hub": ("huggingface_hub",),
    "milvus": ("pymilvus",),
    "oml": ("oml",),
    "ray": ("ray",),
    "tensorboard": ("tensorboard",),
    "torchjd": ("torchjd",),
    "wandb": ("wandb",),
}
_EXTRA_OF = {package: extra for extra, packages in _PACKAGES.items() for package in packages}


def missing_line(error: BaseException) -> str | None:
    """The line that names a missing package and what installs it; None for any other error."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.partition(".")[0]
    extra = _EXTRA_OF.get(package)
    return extra and f"{package} is not installed; pip install 'metric_face[{extra}]'"


def check_installed(*packages: str) -> None:
    """Refuse to go on where a package of an extra is missing; none of them is imported.

    Raises:
        MissingExtraError: the first that is missing, with its extra.
    """
    with named_extras():
        for package in packages:
            if find_spec(package) is None:
                raise ModuleNotFoundError(f"No module named {package!r}", name=package)


@contextmanager
def named_extras() -> Iterator[None]:
    """Turn a missing package of an extra into a ``MissingExtraError`` that names the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        line = missing_line(error)
        if line is None:
            raise
        raise MissingExtraError(line) from None
