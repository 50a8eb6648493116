"""A model as one ONNX file, and the embedder that runs it with onnxruntime and NumPy alone.

PyTorch takes seconds to import; onnxruntime a tenth of one. What is exported is compared with PyTorch on real
images before the file takes its place.
"""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError, FileFormatError, MissingExtraError, ModelMismatchError
from metric_face.extras import named_extras
from metric_face.files import check_digest, write_atomically
from metric_face.vectors import row_cosines

try:
    import onnxruntime
except ImportError:
    raise MissingExtraError("onnxruntime is not installed; pip install onnxruntime") from None

if TYPE_CHECKING:
    from torch import nn

_INPUT, _OUTPUT = "images", "embedding"
_FINGERPRINT = "metric_face.fingerprint"
_LEAST_COSINE = 0.9999
_OPSET = 18


class OnnxEmbedder:
    """Embeds prepared images with the model of an ONNX file.

    Args:
        path: what ``export_onnx`` wrote.
        fingerprint: of the model that it must be; None takes any.
        digest: the SHA-256 that the file must have; None takes any.
        threads: None takes all cores.
        quick_start: skip the optimization of the graph, which costs more than it saves on fewer than about five
            images.

    Attributes:
        fingerprint: of the exported model; empty where none was given.
        dimensions: D.
        image_size: (H, W) that the model takes.

    Raises:
        FileFormatError: the file is missing, truncated or not such a model.
        ModelMismatchError: it is another model.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fingerprint: str | None = None,
        digest: str | None = None,
        threads: int | None = None,
        quick_start: bool = False,
    ) -> None:
        if threads is not None and threads < 1:
            raise ArgumentError(
                f"threads must be at least 1, found {threads}; None takes all {os.cpu_count()} cores"
            )
        if not Path(path).is_file():
            raise FileFormatError(f"{path} does not exist; train with export_onnx, or use PyTorch")
        if digest is not None:
            check_digest(
                Path(path),
                [digest],
                by="model.json",
                remedy="restore it, or remove it and PyTorch embeds instead",
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4  # its errors are raised as well; printed they would appear twice
        if quick_start:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(os.fspath(path), options, ["CPUExecutionProvider"])
            [images], [embedding] = self._session.get_inputs(), self._session.get_outputs()
            self.image_size = (int(images.shape[2]), int(images.shape[3]))
            self.dimensions = int(embedding.shape[1])
        except Exception as error:  # onnxruntime raises a dozen classes of its own without a common base
            reason = str(error).splitlines()[0]
            raise FileFormatError(
                f"{path} is truncated or no embedding model ({reason}); export it again"
            ) from None
        self._names = images.name, embedding.name
        self.fingerprint: str = self._session.get_modelmeta().custom_metadata_map.get(_FINGERPRINT, "")
        if fingerprint is not None and self.fingerprint != fingerprint:
            raise ModelMismatchError(
                f"{path} must be the model {fingerprint}, found {self.fingerprint or 'no fingerprint'}; export it again"
            )

    def __call__(self, images: Floats) -> Floats:
        """Embed (N, 3, H, W) float32 images, prepared by the model's transform, into (N, D) float32.

        Raises:
            ArgumentError: images of another shape or type.
        """
        wanted = (3, *self.image_size)
        if images.ndim != 4 or images.shape[1:] != wanted or images.dtype != np.float32:
            raise ArgumentError(
                f"images must be (N, {', '.join(map(str, wanted))}) float32, found {images.shape} {images.dtype}; "
                "use the transform of the model"
            )
        if not len(images):
            return np.empty((0, self.dimensions), np.float32)
        name, output = self._names
        embedded: Floats = self._session.run([output], {name: np.ascontiguousarray(images)})[0]
        return embedded


def export_onnx(
    model: "nn.Module", path: str | os.PathLike[str], images: Any, *, fingerprint: str = ""
) -> float:
    """Write a model as ONNX with any batch size, and check that it embeds as PyTorch does.

    Args:
        model: maps (N, 3, H, W) float32 to (N, D); it is copied, and the copy put in evaluation mode on the CPU.
        path: the file to write, whole or not at all.
        images: (N, 3, H, W) float32 tensor or array, N at least 1: real images, prepared, to compare on.
        fingerprint: of the model, written into the file.

    Returns:
        The lowest cosine between an embedding by onnxruntime and by PyTorch, at least 0.9999.

    Raises:
        ArgumentError: ``images`` of another shape, or none.
        MissingExtraError: ``onnx`` or ``onnxscript`` is not installed.
        ModelMismatchError: the two disagree; nothing is written.
    """
    import copy

    import torch

    sample = torch.as_tensor(images, dtype=torch.float32, device="cpu").contiguous()
    if sample.ndim != 4 or not len(sample):
        raise ArgumentError(f"images must be (N, 3, H, W) with N at least 1, found {tuple(sample.shape)}")
    twin = copy.deepcopy(model).cpu().float().eval()
    with torch.inference_mode():
        expected = twin(sample).float().numpy()
    cosines: list[float] = []

    def write(temporary: Path) -> None:
        _export(twin, sample, temporary, fingerprint)
        embed = OnnxEmbedder(temporary)
        # One image, then all: an exporter that froze the batch size shows here.
        found = np.concatenate([embed(sample[:1].numpy()), embed(sample.numpy())])
        cosines.append(float(row_cosines(found, np.concatenate([expected[:1], expected])).min()))
        if not cosines[0] >= _LEAST_COSINE:
            raise ModelMismatchError(
                f"{path} must embed as PyTorch does, with a cosine of at least {_LEAST_COSINE}, "
                f"found {cosines[0]:.6f}; set export_onnx to false and report the backbone"
            )

    write_atomically(path, write)
    return cosines[0]


def _export(model: "nn.Module", sample: Any, path: Path, fingerprint: str) -> None:
    import torch

    with named_extras():
        import onnx
        import onnxscript  # noqa: F401  # torch imports it later, and its error is less clear when it is missing
    # The exporter takes a batch of one for a constant, so it is shown two.
    batch = sample[:1].expand(2, -1, -1, -1).contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes of the exporter to its own authors
        torch.onnx.export(
            model,
            (batch,),
            path,
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            opset_version=_OPSET,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
    content = onnx.load(path)
    onnx.helper.set_model_props(content, {_FINGERPRINT: fingerprint})
    onnx.save(content, path)
