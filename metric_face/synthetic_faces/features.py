"""The features that move between photographs: eyes, brows and mouth."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from metric_face.arrays import Doubles
from metric_face.synthetic_faces.age import Line
from metric_face.synthetic_faces.brush import Brush, curve, mix, moved, oval, pts, shade
from metric_face.synthetic_faces.shape import turned
from metric_face.synthetic_faces.traits import Traits


@dataclass(frozen=True)
class Expression:
    """What differs between two photographs of one face."""

    smile: float = 0.0
    open: float = 1.0  # of the eyes
    raised: float = 0.0  # brows
    gaze: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Expression":
        return cls(
            smile=float(np.clip(rng.normal(0.3, 0.4), -0.3, 1.0)),
            open=float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.2)),
            raised=float(rng.normal(0, 0.4)),
            gaze=(float(rng.normal(0, 0.012)), float(rng.normal(0, 0.006))),
        )


def features(brush: Brush, t: Traits, e: Expression, face: Image.Image, mouth: bool = True) -> None:
    """Eyes, brows and, unless a mask will hide it, the mouth with this photograph's expression."""
    for side in (-1.0, 1.0):
        _eye(brush, t, e, side)
    _brows(brush, t, e)
    if mouth:
        _mouth(brush, t, e, face)


def _eye(brush: Brush, t: Traits, e: Expression, side: float) -> None:
    x, w, h = t.eye[0], t.eye[1], t.eye[2] * e.open
    droop = 0.03 * t.sag

    def place(points: Doubles) -> Doubles:
        return turned(moved(points, x, 0) * [side, 1], t, 0.28)

    outer = (w, -t.slant + droop)
    upper = curve([(-w, 0.025), (-0.55 * w, -0.72 * h), (0.05 * w, -h), (0.6 * w, -0.72 * h + droop), outer])
    lower = curve([outer, (0.5 * w, 0.62 * h), (-0.2 * w, 0.72 * h), (-w, 0.025)])
    _eyeball(brush, t, e, place(np.concatenate([upper, lower[1:-1]])), place(upper), side)
    woman = float(np.clip(0.5 - 0.5 * t.man, 0, 1))
    lashes = np.concatenate([upper, moved(upper[-1:], 0.03 + 0.03 * woman, -0.012 - 0.02 * woman)])
    ink = mix((34, 24, 24), shade(t.skin, 0.4), 0.25 * t.gray)
    brush.strokes([(place(lashes), 0.034 + 0.022 * woman, 1.0)], ink, 0.006)
    crease = moved(upper[3:-1] * [1.0, 1.12], 0, -0.055 - 0.02 * t.crease)
    fine: list[Line] = [(place(crease), 0.02, 0.35 + 0.45 * t.crease), (place(lower[3:-6]), 0.016, 0.5)]
    if t.sag > 0.15:
        hood = curve([(-0.4 * w, -h - 0.05), (0.4 * w, -h - 0.05), (1.05 * w, -0.4 * h), (1.1 * w, 0.0)])
        fine.append((place(hood), 0.04, 0.6 * t.sag))
    brush.strokes(fine, shade(t.skin, 0.5), 0.01)


def _eyeball(brush: Brush, t: Traits, e: Expression, almond: Doubles, lid: Doubles, side: float) -> None:
    """White, iris, pupil and the light in them, cut by the lids."""
    p = brush.px(almond)
    low, high = np.floor(p.min(0)).astype(int) - 2, np.ceil(p.max(0)).astype(int) + 3
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    eye = Image.new("RGB", size, mix((242, 238, 235), (224, 212, 196), t.lines))
    draw = ImageDraw.Draw(eye)
    center = pts((t.eye[0] * side + e.gaze[0], e.gaze[1] - 0.012))
    cx, cy = (brush.px(turned(center, t, 0.28)) - low)[0]
    iris = 0.103 * brush.unit
    for r, color in ((iris, shade(t.iris, 0.5)), (iris * 0.86, t.iris), (iris * 0.45, (12, 10, 12))):
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=color)
    r, lx, ly = iris * 0.22, cx - iris * 0.32, cy - iris * 0.30
    draw.ellipse((lx - r, ly - r, lx + r, ly + r), fill=(255, 255, 255))
    shadow = Image.new("L", size, 0)
    width = max(2, round(0.07 * brush.unit))
    ImageDraw.Draw(shadow).line((brush.px(lid) - low).ravel().tolist(), fill=160, width=width)
    eye.paste((70, 50, 46), (0, 0), shadow.filter(ImageFilter.GaussianBlur(max(0.6, 0.02 * brush.unit))))
    cut = Image.new("L", size, 0)
    ImageDraw.Draw(cut).polygon((p - low).ravel().tolist(), fill=255)
    brush.image.paste(eye, (int(low[0]), int(low[1])), cut)


def _brows(brush: Brush, t: Traits, e: Expression) -> None:
    y, thick, arch = t.brow
    y += 0.02 * t.sag - 0.05 * e.raised
    x = t.eye[0]
    spine = curve(
        [(x - 0.25, y + 0.03), (x - 0.05, y - arch * 0.7), (x + 0.12, y - arch), (x + 0.30, y + 0.05)]
    )
    n = len(spine)
    taper = np.interp(np.arange(n), [0, n * 0.25, n * 0.6, n - 1], [0.55, 1.0, 0.8, 0.12])[:, None]
    half = np.array([[0.12, 1.0]]) * thick * 0.5 * taper
    shape = np.concatenate([spine - half, (spine + half)[::-1]])
    color = mix(mix(t.hair, (20, 16, 16), 0.3), (178, 172, 168), 0.75 * t.gray)
    hairs: list[Line] = []
    rng = np.random.default_rng(t.scene_seed + 2)
    for side in (-1.0, 1.0):
        brush.soft(turned(shape * [side, 1], t, 0.25), color, 0.012, 0.9)
        for i in rng.integers(1, n - 3, 8):
            foot = spine[i] + half[i] * rng.uniform(-0.6, 1.0)
            hair = np.stack([foot, moved(foot, 0.05, -0.05 + 0.06 * i / n)]) * [side, 1]
            hairs.append((turned(hair, t, 0.25), 0.014, 0.8))
    brush.strokes(hairs, shade(color, 0.7), 0.004)


def _mouth(brush: Brush, t: Traits, e: Expression, face: Image.Image) -> None:
    w, full = t.mouth[0] * (1 + 0.16 * e.smile), t.mouth[1]
    y, lift = 0.93, 0.07 * e.smile - 0.03 * t.sag
    left, right = (-w, y - lift), (w, y - lift)

    def place(points: Doubles) -> Doubles:
        return turned(points, t, 0.35)

    seam = curve([left, (-w * 0.5, y + 0.008), (0, y + 0.016), (w * 0.5, y + 0.008), right])
    peak, side = y - 0.095 * full, y - 0.055 * full
    bow = curve(
        [left, (-w / 2, side), (-0.06, peak), (0, y - 0.075 * full), (0.06, peak), (w / 2, side), right]
    )
    under = curve(
        [left, (-w * 0.55, y + 0.09 * full), (0, y + 0.135 * full), (w * 0.55, y + 0.09 * full), right]
    )
    brush.soft(place(np.concatenate([bow, seam[::-1]])), shade(t.lips, 0.82), 0.014, 0.95, face)
    brush.soft(place(np.concatenate([seam, under[::-1]])), t.lips, 0.016, 0.95, face)
    if e.smile > 0.7:
        teeth = np.concatenate([seam[4:-4], moved(seam[4:-4], 0, 0.05 * e.smile)[::-1]])
        brush.soft(place(teeth), (244, 240, 234), 0.008, 0.95, face)
    brush.soft(place(oval(0, y + 0.075 * full, w * 0.3, 0.018)), shade(t.lips, 1.4), 0.02, 0.5, face)
    brush.soft(place(oval(0, y + 0.2, w * 0.5, 0.03)), shade(t.skin, 0.74), 0.04, 0.55, face)
    lines: list[Line] = [(place(seam), 0.026, 0.9)]
    for s in (-1.0, 1.0):
        corner = curve([(w, y - lift - 0.02), (w + 0.03, y - lift), (w + 0.01, y - lift + 0.03)])
        lines.append((place(corner * [s, 1]), 0.03, 0.5))
        cheek = curve([(0.27, 0.56), (0.42, 0.68), (0.52, 0.86)])
        lines.append((place(cheek * [s, 1]), 0.035, 0.3 * max(0.0, e.smile)))
    pursed = 0.6 * float(np.clip(t.lines * 1.3 - 0.5, 0, 1))
    lines += [(place(pts((x, 0.77), (x * 0.9, 0.85))), 0.016, pursed) for x in (-0.18, -0.09, 0.09, 0.18)]
    brush.strokes(lines, shade(t.lips, 0.38), 0.008, face)
