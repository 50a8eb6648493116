"""quantize_onnx: an ONNX model whose convolutions and products compute in eight bits, calibrated on real images.

Weights are signed, a scale for each channel; activations unsigned, between the least and the greatest value that the
calibration images gave. Chosen on EfficientNet-Lite0 (``benchmarks/results/int8.md``): one scale for all channels ruins
depthwise convolutions; the first three convolutions see the finest detail and gain no time, so they stay in float32,
and so does what lies past the pooling.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError
from metric_face.extras import named_extras
from metric_face.files import write_atomically

_BATCH = 16
_FEW_CONVOLUTIONS = 12
"""A network with fewer is no deep convolutional one: a transformer, whose products alone are quantized."""
_KEPT_FIRST = 3
_IN_NETWORKS = ["Conv", "Clip", "Relu", "Add", "MaxPool", "AveragePool", "Concat", "MatMul"]
_IN_TRANSFORMERS = ["MatMul"]


def quantize_onnx(
    source: Path,
    target: Path,
    images: Floats,
    *,
    per_channel: bool = True,
    kept_first: int = _KEPT_FIRST,
    ranges: str = "MinMax",
) -> None:
    """Write the eight-bit form of an ONNX model, whole or not at all.

    Args:
        source: what ``export_onnx`` wrote.
        target: the file to write.
        images: (N, 3, H, W) float32, prepared, N at least 1, from which the ranges of the activations are taken.
        per_channel: whether each channel of the weights has a scale of its own.
        kept_first: convolutions that stay in float32.
        ranges: ``MinMax``, ``Percentile`` or ``Entropy``, as onnxruntime names them.

    Raises:
        ArgumentError: no images.
        MissingExtraError: ``onnx`` is not installed.
    """
    if images.ndim != 4 or not len(images):
        raise ArgumentError(f"images must be (N, 3, H, W) with N at least 1, found {images.shape}")
    with named_extras():
        import onnx
        from onnxruntime import quantization

    def write(temporary: Path) -> None:
        folded = temporary.with_name("folded.onnx")
        try:
            _fold(source, folded)
            prepared = onnx.load(folded)
            onnx.helper.set_model_props(prepared, {"onnx.quant.pre_process": "onnxruntime.quant"})
            onnx.save(prepared, folded)
            graph = prepared.graph
            convolutions = [node.name for node in graph.node if node.op_type == "Conv"]
            deep = len(convolutions) >= _FEW_CONVOLUTIONS
            quantization.quantize_static(
                os.fspath(folded),
                os.fspath(temporary),
                _reader(images, graph.input[0].name),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=_IN_NETWORKS if deep else _IN_TRANSFORMERS,
                nodes_to_exclude=convolutions[:kept_first] if deep else [],
                per_channel=per_channel,
                calibrate_method=quantization.CalibrationMethod[ranges],
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
        finally:
            folded.unlink(missing_ok=True)
        # The quantizer keeps the graph and forgets whose it is.
        content = onnx.load(temporary)
        known = {one.key: one.value for one in onnx.load(source, load_external_data=False).metadata_props}
        onnx.helper.set_model_props(content, known)
        onnx.save(content, temporary)

    write_atomically(target, write)


def _fold(source: Path, folded: Path) -> None:
    """Fold batch norms into the convolutions before them, as they are computed."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = os.fspath(folded)
    onnxruntime.InferenceSession(os.fspath(source), options, ["CPUExecutionProvider"])


def _reader(images: Floats, name: str) -> Any:
    """The images in batches, as the quantizer reads them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Batches(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rest: Iterator[dict[str, Floats]] = iter(
                {name: images[start : start + _BATCH]} for start in range(0, len(images), _BATCH)
            )

        def get_next(self) -> dict[str, Floats] | None:
            return next(self.rest, None)

    return Batches()
