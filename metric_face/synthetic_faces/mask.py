"""Masks: worn, under the nose, on the chin or over the eyes, in three kinds."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from metric_face.arrays import Doubles
from metric_face.synthetic_faces.brush import Brush, curve, mix, moved, oval, pts, shade
from metric_face.synthetic_faces.shape import half_width, turned
from metric_face.synthetic_faces.traits import MaskDesign, Traits


@dataclass(frozen=True)
class Placement:
    """Where a mask hangs: the height of its top and bottom edge at the middle of the face."""

    top: float
    bottom: float
    skew: float = 0.0

    @property
    def hides_mouth(self) -> bool:
        return self.top < 0.76 and self.bottom > 1.3


def worn(rng: np.random.Generator) -> Placement:
    """Over nose and mouth; now and then it has slipped towards the tip of the nose."""
    top = (
        rng.uniform(0.40, 0.56)
        if rng.random() < 0.012
        else 0.20 + 0.05 * np.clip(rng.standard_normal(), -2, 2)
    )
    return Placement(float(top), 1.50 + 0.03 * rng.standard_normal(), 0.02 * rng.standard_normal())


def incorrect(rng: np.random.Generator) -> Placement:
    """Under the nose, on the chin or over the eyes; now and then nearly worn, or nearly gone."""
    kind, skew = rng.random(), 0.03 * float(rng.standard_normal())
    if kind < 0.035:
        return Placement(float(rng.uniform(0.40, 0.56)), 1.56, skew)
    if kind < 0.60:
        return Placement(0.70 + 0.04 * float(np.clip(rng.standard_normal(), -2, 2)), 1.62, skew)
    if kind < 0.88:
        return Placement(float(rng.uniform(1.06, 1.16)), float(rng.uniform(1.72, 1.86)), skew)
    if kind < 0.91:
        return Placement(float(rng.uniform(1.42, 1.5)), float(rng.uniform(1.85, 1.95)), skew)
    return Placement(-0.42 + 0.04 * float(rng.standard_normal()), 0.50, skew)


def put_on(brush: Brush, t: Traits, design: MaskDesign, where: Placement, figure: Image.Image) -> None:
    """Draw a mask on the face; its shadow falls on the figure alone."""
    top, bottom = _edges(t, design, where)
    dark, light = shade(design.color, 0.66), shade(design.color, 1.35)
    shape = np.concatenate([top, bottom[::-1]])
    brush.soft(moved(shape, 0, 0.06), shade(t.skin, 0.45), 0.05, 0.5, figure)
    _loops(brush, design, top, bottom)
    brush.fill(shape, design.color)
    cut = brush.mask(shape)
    middle = (where.top + where.bottom) / 2
    if design.pattern != "plain":
        copy = brush.image.copy()
        _pattern(brush.on(copy), t, design, where)
        brush.image.paste(copy, (0, 0), cut)
    for side in (-1.0, 1.0):
        brush.soft(oval(side * 1.0, middle + 0.1, 0.30, 0.62), dark, 0.16, 0.75, cut)
    brush.soft(turned(oval(0, where.bottom, 0.7, 0.16), t, 0.3), dark, 0.14, 0.7, cut)
    brush.soft(turned(oval(-0.05, middle - 0.16, 0.26, 0.26), t, 0.5), light, 0.16, 0.55, cut)
    lines = []
    if design.kind == "surgical":
        for share in (0.28, 0.46, 0.64, 0.80):
            fold = top + (bottom - top) * share
            fold = fold[len(fold) // 9 : -(len(fold) // 9)]
            lines.append((fold, 0.03, 0.65))
        for share in (0.09, 0.93):
            lines.append((top + (bottom - top) * share, 0.016, 0.4))
        for column in (4, -5):
            lines.append((np.stack([top[column], bottom[column]]), 0.02, 0.5))
    elif design.kind == "kf94":
        panel = np.linspace(-1, 1, len(top))[:, None] ** 2
        for base, pull in ((0.30, 0.22), (0.70, -0.2)):
            lines.append((top + (bottom - top) * (base + pull * panel), 0.028, 0.7))
        lines.append((top[3:-3] + (bottom - top)[3:-3] * 0.07, 0.016, 0.4))
    else:
        seam = turned(curve([(0, where.top), (0.02, middle), (0, where.bottom)]), t, 0.5)
        lines.append((seam, 0.026, 0.6))
        for share in (0.06, 0.94):
            lines.append((top + (bottom - top) * share, 0.014, 0.5))
    brush.strokes(lines, shade(design.color, 0.5), 0.012, cut)
    brush.strokes([(moved(p, 0, 0.03), w, s * 0.5) for p, w, s in lines], light, 0.014, cut)
    outline = np.concatenate([shape, shape[:1]])
    brush.strokes([(outline, 0.018, 0.6)], shade(design.color, 0.55), 0.008)


def _edges(t: Traits, design: MaskDesign, where: Placement) -> tuple[Doubles, Doubles]:
    """The top and the bottom edge, left to right."""
    reach = where.bottom - where.top
    side_top = where.top + (0.20 if design.kind != "kf94" else 0.30) * min(1.0, reach)
    side_low = where.bottom - (0.62 if design.kind != "kf94" else 0.72) * min(1.0, reach)
    side_low = max(side_low, side_top + 0.06)
    out_top = max(half_width(t, side_top), 0.56) + 0.01
    out_low = max(half_width(t, min(side_low, 1.2)), 0.56) + 0.02
    low_mid = max(half_width(t, min(where.bottom - 0.30, 1.20)), 0.50) * 1.04
    peak = {"surgical": 0.0, "kf94": -0.06, "cloth": -0.03}[design.kind]
    right_top = curve(
        [(0, where.top + peak), (0.26, where.top + 0.07), (0.6, where.top + 0.14), (out_top, side_top)]
    )
    right_low = curve(
        [
            (0, where.bottom),
            (0.40, where.bottom - 0.05),
            (low_mid, where.bottom - 0.26 * min(1, reach)),
            (out_low, side_low),
        ]
    )

    def whole(right: Doubles, depth: float) -> Doubles:
        both = np.concatenate([right[::-1] * [-1.0, 1.0], right[1:]])
        both = np.stack([both[:, 0], both[:, 1] + where.skew * both[:, 0]], axis=1)
        return turned(both, t, depth)

    return whole(right_top, 0.4), whole(right_low, 0.2)


def _loops(brush: Brush, design: MaskDesign, top: Doubles, bottom: Doubles) -> None:
    white = mix((240, 240, 238), design.color, 0.15 if sum(design.color) > 300 else 0.85)
    for side, i in ((-1.0, 0), (1.0, -1)):
        for start, end in ((top[i], (1.03 * side, -0.02)), (bottom[i], (1.03 * side, 0.34))):
            middle = ((start[0] + end[0]) / 2 + 0.03 * side, (start[1] + end[1]) / 2 + 0.02)
            loop = curve(pts((start[0] * 0.96, start[1]), middle, end))
            brush.line(moved(loop, 0, 0.02), (120, 90, 80), 0.03)
            brush.line(loop, white, 0.028)


def _pattern(brush: Brush, t: Traits, design: MaskDesign, where: Placement) -> None:
    x, y = np.meshgrid(np.arange(-1.0, 1.01, 0.2), np.arange(where.top - 0.1, where.bottom + 0.1, 0.2))
    if design.pattern == "dots":
        for i, (cx, cy) in enumerate(zip(x.ravel(), y.ravel(), strict=True)):
            shift = 0.1 if (i // x.shape[1]) % 2 else 0.0
            brush.fill(turned(oval(cx + shift, cy, 0.045, 0.045, 10), t, 0.4), design.accent)
        return
    for cx in x[0]:
        brush.line(turned(pts((cx, where.top - 0.1), (cx, where.bottom + 0.1)), t, 0.4), design.accent, 0.035)
    if design.pattern == "checks":
        for cy in y[:, 0]:
            brush.line(turned(pts((-1.1, cy), (1.1, cy)), t, 0.4), design.accent, 0.035)
