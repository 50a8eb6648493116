"""The brush: curves, flat and soft shapes, and strokes, in face units on a PIL image.

A face unit is half the width of the face; the origin lies between the eyes, x to the right and y down.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from metric_face.arrays import Doubles

Color = tuple[int, int, int]

_STEPS = np.linspace(0.0, 1.0, 7)[:-1]
_BASIS = 0.5 * np.stack(
    [
        -_STEPS + 2 * _STEPS**2 - _STEPS**3,
        2 - 5 * _STEPS**2 + 3 * _STEPS**3,
        _STEPS + 4 * _STEPS**2 - 3 * _STEPS**3,
        -(_STEPS**2) + _STEPS**3,
    ],
    axis=1,
)


def pts(*xy: tuple[float, float]) -> Doubles:
    """Doubles (N, 2) from pairs."""
    return np.array(xy, dtype=np.float64)


def moved(points: Doubles, x: float, y: float) -> Doubles:
    """The points shifted by x and y."""
    found: Doubles = points + np.array([x, y])
    return found


def curve(points: Doubles | Sequence[tuple[float, float]], closed: bool = False) -> Doubles:
    """A smooth curve through the points (Catmull-Rom, six steps a segment)."""
    p = np.asarray(points, dtype=np.float64)
    before, after = (p[-1:], p[:2]) if closed else (2 * p[:1] - p[1:2], 2 * p[-1:] - p[-2:-1])
    q = np.concatenate([before, p, after])
    segments = np.stack([q[i : i + len(q) - 3] for i in range(4)], axis=1)  # (segments, 4, 2)
    smooth: Doubles = np.einsum("sk,nkd->nsd", _BASIS, segments).reshape(-1, 2)
    return smooth if closed else np.concatenate([smooth, p[-1:]])


def mirrored(right: Doubles) -> Doubles:
    """A closed outline from its right half, listed from the top of the axis to the bottom."""
    return np.concatenate([right, right[::-1] * [-1.0, 1.0]])


def oval(x: float, y: float, rx: float, ry: float, n: int = 20) -> Doubles:
    """An ellipse."""
    a = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([x + rx * np.cos(a), y + ry * np.sin(a)], axis=1)


def mix(a: Sequence[float], b: Sequence[float], share: float) -> Color:
    """The color that lies the given share of the way from a to b."""
    r, g, b_ = (round(min(255.0, max(0.0, u + (v - u) * share))) for u, v in zip(a, b, strict=True))
    return r, g, b_


def shade(color: Sequence[float], factor: float) -> Color:
    """A darker (factor < 1) or lighter (factor > 1) tone; shadows keep a little more red, as skin does."""
    if factor >= 1:
        return mix(color, (255, 255, 255), factor - 1)
    return mix((0, 0, 0), (color[0], color[1] * (0.86 + 0.14 * factor), color[2]), factor)


class Brush:
    """Draws on one image, with the head's place, size and tilt applied to every point."""

    def __init__(self, image: Image.Image, origin: tuple[float, float], unit: float, tilt: float = 0.0):
        self.image = image
        self.unit = unit
        self.origin = np.array(origin)
        c, s = np.cos(tilt) * unit, np.sin(tilt) * unit
        self._turn = np.array([[c, s], [-s, c]])
        self.draw = ImageDraw.Draw(image)

    def on(self, image: Image.Image) -> "Brush":
        """The same brush on another image of the same size."""
        other = object.__new__(Brush)
        other.__dict__.update(self.__dict__, image=image, draw=ImageDraw.Draw(image))
        return other

    def px(self, points: Doubles) -> Doubles:
        """Pixel coordinates of points in face units."""
        found: Doubles = points @ self._turn + self.origin
        return found

    def fill(self, points: Doubles, color: Any) -> None:
        """A hard-edged shape."""
        self.draw.polygon(self.px(points).ravel().tolist(), fill=color)

    def line(self, points: Doubles, color: Any, width: float) -> None:
        """A line of even width, in face units."""
        w = max(1, round(width * self.unit))
        self.draw.line(self.px(points).ravel().tolist(), fill=color, width=w, joint="curve")

    def mask(self, points: Doubles) -> Image.Image:
        """The shape as an L image."""
        found = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(found).polygon(self.px(points).ravel().tolist(), fill=255)
        return found

    def soft(
        self,
        points: Doubles,
        color: Color,
        blur: float,
        strength: float = 1.0,
        within: Image.Image | None = None,
    ) -> None:
        """A shape whose edge fades over about ``blur`` face units, drawn small and enlarged."""
        if strength <= 0:
            return
        p, radius = self.px(points), max(0.7, blur * self.unit)
        low = np.maximum(np.floor(p.min(0) - 2.5 * radius), 0).astype(int)
        high = np.minimum(np.ceil(p.max(0) + 2.5 * radius), self.image.size).astype(int)
        if np.any(high - low < 2):
            return
        step = float(np.clip(radius / 2, 1, 8))
        size = np.maximum((high - low) / step, 2).round().astype(int)
        small = Image.new("L", (int(size[0]), int(size[1])), 0)
        scale = size / (high - low)
        value = round(255 * min(1.0, strength))
        ImageDraw.Draw(small).polygon(((p - low) * scale - 0.5).ravel().tolist(), fill=value)
        small = small.filter(ImageFilter.GaussianBlur(radius / step))
        box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        full = small.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
        if within is not None:
            full = ImageChops.multiply(full, within.crop(box))
        self.image.paste(color, box, full)

    def strokes(
        self,
        lines: Sequence[tuple[Doubles, float, float]],
        color: Color,
        blur: float = 0.012,
        within: Image.Image | None = None,
    ) -> None:
        """Fine lines (points, width, strength) whose ends taper, softened together."""
        lines = [found for found in lines if found[2] > 0.01]
        if not lines:
            return
        every = [self.px(p) for p, _, _ in lines]
        pad = 4 + max(w for _, w, _ in lines) * self.unit
        corners = np.concatenate(every)
        low = np.maximum(np.floor(corners.min(0) - pad), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(0) + pad), self.image.size).astype(int)
        if np.any(high - low < 2):
            return
        layer = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])), 0)
        draw = ImageDraw.Draw(layer)
        for p, (_, width, strength) in zip(every, lines, strict=True):
            q, n, full = p - low, len(p), width * self.unit
            for part, share in ((slice(0, n), 0.45), (slice(n // 6, n - n // 6), 1.0)):
                if len(q[part]) > 1:
                    w = max(1, round(full * (0.6 + 0.4 * share)))
                    draw.line(q[part].ravel().tolist(), round(255 * min(1, strength * share)), w, "curve")
        layer = layer.filter(ImageFilter.GaussianBlur(max(0.5, blur * self.unit)))
        box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        if within is not None:
            layer = ImageChops.multiply(layer, within.crop(box))
        self.image.paste(color, box, layer)
