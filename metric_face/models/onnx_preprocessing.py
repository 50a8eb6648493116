"""The evaluation transform as an ONNX graph: pixels of any size to what the network takes.

ONNX's own Resize knows no fractional crop and rounds sizes in its own way. So each side is a matrix (out, in) of the
weights that Pillow gives its pixels, computed in the graph from the size of the image, and an image is resized by two
products, rounded to whole values after each as Pillow does: across, then down, as most versions of Pillow.
"""

from dataclasses import dataclass, field
from math import floor
from typing import Any

import numpy as np

from metric_face.data import EvalTransform
from metric_face.extras import named_extras

PIXELS, PREPARED = "pixels", "prepared"
OPSET = 18
_MOST_RATIO = 16  # of the longer side to the shorter one, see EvalTransform


@dataclass
class _Graph:
    """Nodes and constants; every value is named after its number."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def const(self, value: Any) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def __call__(self, kind: str, *inputs: Any, **settings: Any) -> str:
        from onnx import helper

        names = [one if isinstance(one, str) else self.const(np.float64(one)) for one in inputs]
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [name], **settings))
        return name


def preprocessing(transform: EvalTransform) -> Any:
    """The transform as an ONNX model.

    Args:
        transform: any.

    Returns:
        From ``pixels`` (N, H, W, 3) uint8 RGB to ``prepared`` (N, 3, height, width) float32.

    Raises:
        MissingExtraError: ``onnx`` is not installed.
    """
    with named_extras():
        from onnx import TensorProto, helper
    g = _Graph()
    shape = g("Cast", g("Shape", PIXELS), to=TensorProto.DOUBLE)
    rows, columns = (g("Gather", shape, g.const(np.int64(axis))) for axis in (1, 2))
    high, wide = _scaled(g, transform, rows, columns)
    down = _weights(g, transform, 0, rows, columns, high)
    across = _weights(g, transform, 1, columns, rows, wide)
    image = g("Cast", g("Transpose", PIXELS, perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    image = _whole(g, g("MatMul", image, g("Transpose", across[0], perm=[1, 0])))
    image = _whole(g, g("MatMul", down[0], image))
    mean, deviation = (
        np.asarray(one, np.float32).reshape(1, 3, 1, 1) for one in (transform.mean, transform.std)
    )
    image = g("Sub", g("Mul", image, g.const(1 / (255 * deviation))), g.const(mean / deviation))
    fill = (np.round(255 * mean) / 255 - mean) / deviation  # of a border: the mean color in whole values
    inside = g("And", g("Unsqueeze", down[1], g.const(np.array([1], np.int64))), across[1])  # (height, width)
    image = g("Where", inside, image, g.const(fill.astype(np.float32)))
    g.nodes.append(helper.make_node("Identity", [image], [PREPARED]))
    graph = helper.make_graph(
        g.nodes,
        "preprocessing",
        [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["images", "rows", "columns", 3])],
        [helper.make_tensor_value_info(PREPARED, TensorProto.FLOAT, ["images", 3, *transform.size])],
        g.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def _scaled(g: _Graph, transform: EvalTransform, rows: str, columns: str) -> tuple[Any, Any]:
    """The height and width that an image is resized to before its center is cut out, as ``EvalTransform`` rounds."""
    if transform.fit == "stretch":
        return transform.size
    high, wide = (floor(side / share) for side, share in zip(transform.size, transform.crop, strict=True))
    if transform.fit == "squash":
        return high, wide
    rows, columns = _bounded(g, rows, columns), _bounded(g, columns, rows)
    if transform.fit == "center" and high == wide:
        is_tall = g("LessOrEqual", columns, rows)
        tall = g("Floor", g("Div", g("Mul", rows, wide), columns))
        broad = g("Floor", g("Div", g("Mul", columns, wide), rows))
        return g("Where", is_tall, tall, wide), g("Where", is_tall, wide, broad)
    ratios = g("Div", rows, high), g("Div", columns, wide)
    ratio = g("Max" if transform.fit == "border" else "Min", *ratios)
    height, width = (g("Max", g("Round", g("Div", side, ratio)), 1) for side in (rows, columns))
    return height, width


def _bounded(g: _Graph, side: str, other: str) -> str:
    return g("Min", side, g("Mul", other, _MOST_RATIO))


def _weights(
    g: _Graph, transform: EvalTransform, axis: int, side: str, other: str, scaled: Any
) -> tuple[str, str]:
    """(out, in) weights of one side, and (out,) whether a row of the result lies in the image and not on its border."""
    from onnx import TensorProto

    size = transform.size[axis]
    if transform.fit == "stretch":
        length = g("Mul", side, transform.crop[axis])
        start = g("Div", g("Sub", side, length), 2)
        lowest, highest = g("Identity", 0), side
        place = g.const(np.arange(size, dtype=np.float64))
        inside = g.const(np.ones(size, bool))
    else:
        length = _bounded(g, side, other)
        start = lowest = g("Round", g("Div", g("Sub", side, length), 2))
        highest = g("Add", start, length)
        laid = g("Max", scaled, size)
        pasted = g("Floor", g("Div", g("Sub", laid, scaled), 2))
        first = g("Sub", g("Round", g("Div", g("Sub", laid, size), 2)), pasted)
        place = g("Add", g.const(np.arange(size, dtype=np.float64)), first)
        inside = g("And", g("GreaterOrEqual", place, 0), g("Less", place, scaled))
    scale = g("Div", length, scaled)
    center = g("Add", start, g("Mul", g("Add", place, 0.5), scale))
    count, one, zero = (
        g("Cast", side, to=TensorProto.INT64),
        g.const(np.int64(1)),
        g.const(np.int64(0)),
    )
    pixel = g("Cast", g("Range", zero, count, one), to=TensorProto.DOUBLE)
    column = g("Unsqueeze", center, g.const(np.array([1], np.int64)))
    if transform.interpolation == "nearest":
        weights = g("Cast", g("Equal", g("Floor", column), pixel), to=TensorProto.DOUBLE)
    else:
        away = g("Div", g("Sub", g("Add", pixel, 0.5), column), g("Max", scale, 1))
        weights = _filter(g, transform.interpolation, g("Abs", away))
    among = g("And", g("GreaterOrEqual", pixel, lowest), g("Less", pixel, highest))
    weights = g("Where", among, weights, 0)
    total = g("ReduceSum", weights, g.const(np.array([1], np.int64)), keepdims=1)
    weights = g("Div", weights, g("Where", g("Equal", total, 0), 1, total))
    return g("Cast", weights, to=TensorProto.FLOAT), inside


def _filter(g: _Graph, name: str, x: str) -> str:
    """Pillow's filter at distances x >= 0."""
    if name == "bilinear":
        return g("Max", g("Sub", 1, x), 0)
    if name == "bicubic":  # a = -0.5
        near = g("Add", g("Mul", g("Mul", g("Sub", g("Mul", x, 1.5), 2.5), x), x), 1)
        far = g("Sub", 2, g("Mul", x, g("Add", 4, g("Mul", x, g("Sub", g("Mul", x, 0.5), 2.5)))))
        return g("Where", g("Less", x, 1), near, g("Where", g("Less", x, 2), far, 0))
    wave = g("Mul", _sinc(g, x), _sinc(g, g("Div", x, 3)))
    return g("Where", g("Less", x, 3), wave, 0)


def _sinc(g: _Graph, x: str) -> str:
    from onnx import TensorProto

    angle = g("Mul", x, np.pi)
    wave = g("Cast", g("Sin", g("Cast", angle, to=TensorProto.FLOAT)), to=TensorProto.DOUBLE)
    return g("Where", g("Equal", x, 0), 1, g("Div", wave, g("Where", g("Equal", x, 0), 1, angle)))


def _whole(g: _Graph, image: str) -> str:
    """Values rounded to 0..255, as between Pillow's two passes."""
    return g("Clip", g("Round", image), g.const(np.float32(0)), g.const(np.float32(255)))
