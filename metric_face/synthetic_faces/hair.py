"""Hair: locks between an outer and an inner curve, filled with strands that follow both."""

import numpy as np
from PIL import Image, ImageFilter

from metric_face.arrays import Doubles
from metric_face.synthetic_faces.brush import Brush, Color, curve, mirrored, mix, moved, oval, pts, shade
from metric_face.synthetic_faces.traits import Traits

STEPS = 22  # points along a lock
Lock = tuple[Doubles, Doubles]  # outer and inner curve, from the root to the tip


def _even(*points: tuple[float, float]) -> Doubles:
    """A curve resampled to an equal number of evenly spaced points."""
    smooth = curve(points)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(smooth, axis=0).T))])
    at = np.linspace(0, length[-1], STEPS)
    return np.stack([np.interp(at, length, smooth[:, 0]), np.interp(at, length, smooth[:, 1])], axis=1)


def front_locks(t: Traits) -> list[Lock]:
    """The locks that lie before the face."""
    return [
        (outer * [side, 1.0], inner * [side, 1.0])
        for side in (-1.0, 1.0)
        for outer, inner in _half(t, t.part * side)
    ]


def _half(t: Traits, root: float) -> list[Lock]:
    """The locks of the right half; ``root`` is where the parting lies, seen from this half."""
    v, r = 0.14 * t.volume, t.receding
    crown, top, temple = -1.44 - v, -1.02 - 0.22 * r, -0.62 - 0.45 * r
    cap = [(root, crown + 0.02), (0.5, -1.36 - v), (0.88 + 0.4 * v, -1.0 - 0.5 * v)]
    line = [(root, top), (0.45, -0.80 - 0.1 * r), (0.80, -0.35)]  # the hairline
    if t.style in ("long", "waves"):
        tip, w = (2.7, 1.12 + v) if t.style == "long" else (2.15, 1.22 + v)
        outer = _even(*cap, (1.06 + v, -0.4), (w + 0.05, 0.5), (w + 0.06, tip * 0.6), (w - 0.22, tip))
        return [(outer, _even(*line, (0.93, 0.2), (0.90, 0.9), (0.80, tip * 0.7), (w - 0.40, tip - 0.04)))]
    if t.style == "bob":
        outer = _even(*cap, (1.06 + v, -0.4), (1.18 + v, 0.4), (1.16 + v, 0.9), (0.98 + v, 1.27))
        return [(outer, _even(*line, (0.93, 0.2), (0.92, 0.7), (0.76, 1.18)))]
    if t.style == "bangs":
        outer = _even(*cap, (1.06 + v, -0.4), (1.16 + v, 0.5), (1.14 + v, 1.4), (0.92 + v, 2.35))
        side = (
            outer,
            _even((root, -1.2), (0.6, -0.9), (0.84, -0.3), (0.92, 0.2), (0.92, 1.0), (0.74 + v, 2.31)),
        )
        return [side, _fringe(crown, 0.86, -0.36)]
    if t.style == "bun":
        outer = _even(*cap, (1.0 + 0.5 * v, -0.5), (1.0, -0.1))
        return [
            (
                outer,
                _even((root, top + 0.02), (0.5, -0.94 - 0.15 * r), (0.82, -0.6), (0.93, -0.25), (0.95, 0.1)),
            )
        ]
    if t.style in ("pixie", "parted", "swept"):
        low = {"pixie": 0.25, "parted": 0.0, "swept": -0.05}[t.style]
        fall = 0.22 if root < 0 else 0.0  # the longer side falls over the forehead
        outer = _even(*cap, (1.02 + 0.6 * v, -0.45), (1.0 + 0.2 * v, low))
        brow = [(root, top), (0.35, top + 0.12 + fall), (0.70, temple + 0.1 + fall / 2)]
        return [(outer, _even(*brow, (0.88, -0.35), (0.94, low - 0.02)))]
    if t.style == "fringe":
        outer = _even(*cap, (1.02 + 0.6 * v, -0.45), (1.0, 0.0))
        side = (outer, _even((root, -1.1), (0.6, -0.95), (0.84, -0.45), (0.90, -0.3), (0.94, -0.02)))
        return [side, _fringe(crown, 0.80, -0.5 - 0.45 * r)]
    lift = v * {"crop": 0.5, "curls": 1.5, "buzz": 0.0}[t.style]
    cap = [(0.0, -1.44 - lift), (0.5, -1.38 - lift), (0.86 + 0.4 * lift, -1.02 - 0.6 * lift)]
    outer = _even(*cap, (0.99 + 0.2 * lift, -0.5), (0.98, 0.05))
    brow = [(0.0, -1.0 - 0.16 * r), (0.42, -1.0 - 0.36 * r), (0.74, temple - 0.06)]
    return [(outer, _even(*brow, (0.87, -0.35), (0.93, 0.03)))]


def _fringe(crown: float, width: float, low: float) -> Lock:
    """Hair combed straight down over the forehead."""
    outer = _even((0.0, crown), (0.5, -1.36), (width - 0.07, -0.93), (width, low))
    return outer, _even((0.0, crown), (0.0, -1.15), (-0.02, -0.8), (-0.06, low + 0.01))


def back_shape(t: Traits) -> Doubles | None:
    """The hair behind the neck, or None for short hair."""
    v = 0.14 * t.volume
    tip = {"long": 2.7, "waves": 2.15, "bob": 1.25, "bangs": 2.35, "pixie": 0.75}.get(t.style)
    if tip is None:
        return None
    w = (1.10 if t.style != "pixie" else 0.9) + v
    return mirrored(curve([(0, -1.5), (0.9, -1.1), (w, 0), (w, tip * 0.7), (w - 0.2, tip), (0, tip + 0.1)]))


def tones(t: Traits) -> tuple[Color, Color]:
    """The hair's own color, and the color of its gray strands."""
    return mix(t.hair, (150, 146, 144), 0.62 * t.gray), (214, 212, 210)


def back_hair(brush: Brush, t: Traits) -> None:
    """What lies behind head and neck; drawn before them."""
    base, _ = tones(t)
    shape = back_shape(t)
    if shape is not None:
        brush.fill(shape, shade(base, 0.62))
        rng = np.random.default_rng(t.scene_seed + 4)
        low = float(shape[:, 1].max()) - 0.2
        for x in rng.uniform(-1.0, 1.0, 20):
            strand = pts((x * 0.9, 0), (x, low / 2), (x * 1.02, low))
            brush.line(strand, shade(base, rng.uniform(0.5, 0.8)), 0.02)
    if t.style == "bun":
        x = 0.35 * float(np.sign(t.part))
        knot = curve([(x - 0.40, -1.60), (x, -1.98), (x + 0.40, -1.60), (x, -1.25)], True)
        brush.fill(knot, shade(base, 0.85))
        brush.soft(oval(x - 0.08, -1.72, 0.16, 0.1), gloss(base), 0.1, 0.6)
        for k in (0.3, 0.6, 0.85):
            brush.line(moved(moved(knot, -x, 1.55) * k, x, -1.55), shade(base, 0.6), 0.02)


def gloss(base: Color) -> Color:
    """The tone of hair in the light: warmer than gray, so that shine is not taken for age."""
    return mix(base, (176, 122, 88), 0.26)


def front_hair(brush: Brush, t: Traits) -> Image.Image:
    """The hair before the face as an RGBA layer."""
    base, silver = tones(t)
    layer = Image.new("RGB", brush.image.size, base)
    cut = Image.new("L", brush.image.size, 0)
    paint, edge = brush.on(layer), brush.on(cut)
    rng = np.random.default_rng(t.scene_seed + 3)
    for side in (-1.0, 1.0):
        paint.soft(oval(0.55 * side, -1.22, 0.30, 0.12), gloss(base), 0.1, 0.9)
        paint.soft(oval(0.98 * side, 0.1, 0.12, 0.7), shade(base, 0.6), 0.1, 0.6)
    wave = 0.05 * t.wave if t.style not in ("waves", "curls") else 0.05 + 0.06 * t.wave
    along = np.linspace(0, 1, STEPS)
    for outer, inner in front_locks(t):
        phase = rng.uniform(0, 6)
        swing = wave * np.stack(
            [along * np.sin(along * 14 + phase), 0.3 * np.cos(along * 11 + phase)], axis=1
        )
        outer, inner = outer + swing, inner + 0.6 * swing
        edge.fill(np.concatenate([outer, inner[::-1]]), 255)
        for _ in range(44):
            across, start = rng.random(), rng.random() * 0.6
            first, last = int(start * STEPS), int(min(1.0, start + rng.uniform(0.25, 0.6)) * STEPS)
            strand = outer + (inner - outer) * across
            strand = strand[first : max(last, first + 3)] + rng.normal(0, 0.012, 2)
            if rng.random() < 0.9 * t.gray:
                tone = mix(silver, base, 0.35)
            elif 0.2 < across < 0.7 and start < 0.3:
                tone = gloss(base)
            else:
                tone = shade(base, rng.uniform(0.62, 1.10))
            paint.line(strand, tone, 0.018)
            if across < 0.10 or across > 0.94:  # loose hair at the rim
                edge.line(strand + rng.normal(0, 0.006, 2), 255, 0.014)
    soft = 0.035 if t.style in ("buzz", "crop") else 0.012
    cut = cut.filter(ImageFilter.GaussianBlur(max(0.6, soft * brush.unit)))
    if t.style == "buzz":
        cut = cut.point([round(v * 0.82) for v in range(256)])
    layer.putalpha(cut)
    return layer
