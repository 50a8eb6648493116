"""Hair: locks between an outer and an inner curve, filled with strands that follow both."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from metric_face.data.faces_brush import Brush, Colour, Points, curve, mix, pts, shade
from metric_face.data.faces_traits import Traits

_N = 22


def _even(points: Points) -> Points:
    """A curve resampled to an equal number of evenly spaced points."""
    smooth = curve(points)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(smooth, axis=0).T))])
    at = np.linspace(0, length[-1], _N)
    return np.stack([np.interp(at, length, smooth[:, 0]), np.interp(at, length, smooth[:, 1])], axis=1)


Lock = tuple[Points, Points]


def front_locks(t: Traits) -> list[Lock]:
    """The locks that lie before the face, each from its root to its tip."""
    v, p, r = 0.14 * t.volume, t.part, t.receding
    crown = -1.44 - v
    locks: list[Lock] = []
    for side in (-1.0, 1.0):
        root = p * side  # distance of the parting from the middle, seen from this side
        flip = np.array([side, 1.0])
        top = -1.02 - 0.22 * r
        temple = -0.62 - 0.5 * r * (1 - 0.2 * abs(p))

        def lock(
            outer: list[tuple[float, float]], inner: list[tuple[float, float]], flip: Points = flip
        ) -> None:
            locks.append((_even(pts(*outer)) * flip, _even(pts(*inner)) * flip))

        cap = [(root, crown + 0.02), (0.5, -1.36 - v), (0.88 + 0.4 * v, -1.0 - 0.5 * v)]
        if t.style in ("long", "waves", "bob"):
            tip = {"long": 2.7, "waves": 2.1, "bob": 1.25}[t.style]
            width = 1.12 + v + (0.14 if t.style == "waves" else 0.0)
            lock(
                [*cap, (1.06 + v, -0.4), (width + 0.05, 0.5), (width + 0.06, tip * 0.6), (width - 0.05, tip)],
                [
                    (root, top),
                    (0.45, -0.80),
                    (0.80, -0.35),
                    (0.93, 0.2),
                    (0.92, 0.8),
                    (0.80 if t.style == "bob" else 0.88, tip - 0.1),
                ],
            )
        elif t.style == "bangs":
            lock(
                [*cap, (1.06 + v, -0.4), (1.16 + v, 0.5), (1.14 + v, 1.4), (1.0 + v, 2.3)],
                [(root, -1.2), (0.6, -0.9), (0.84, -0.3), (0.92, 0.2), (0.94, 0.8), (0.9, 2.2)],
            )
            lock(
                [(0.0, crown), (0.5, -1.36), (0.78, -0.9), (0.86, -0.36)],
                [(0.0, crown), (0.0, -1.1), (-0.02, -0.7), (-0.05, -0.36)],
            )
        elif t.style == "bun":
            lock(
                [*cap, (1.0 + 0.5 * v, -0.5), (1.0, -0.1)],
                [(root, top + 0.02), (0.5, -0.94 - 0.15 * r), (0.82, -0.6), (0.93, -0.25), (0.95, 0.1)],
            )
        elif t.style in ("pixie", "parted", "swept"):
            low = {"pixie": 0.25, "parted": 0.0, "swept": -0.05}[t.style]
            fall = 0.22 if side * p < 0 else 0.0
            lock(
                [*cap, (1.02 + 0.6 * v, -0.45), (1.0 + 0.2 * v, low)],
                [
                    (root, top),
                    (0.35, top + 0.12 + fall),
                    (0.70, temple + 0.1 + fall * 0.5),
                    (0.88, -0.35),
                    (0.94, low - 0.02),
                ],
            )
        elif t.style == "fringe":
            lock(
                [*cap, (1.02 + 0.6 * v, -0.45), (1.0, 0.0)],
                [(root, -1.1), (0.6, -0.95), (0.84, -0.45), (0.90, -0.3), (0.94, -0.02)],
            )
            drop = -0.5 - 0.45 * r
            lock(
                [(0.0, crown), (0.5, -1.36), (0.74, -0.95), (0.80, drop)],
                [(0.0, crown), (0.0, -1.2), (-0.02, -0.9), (-0.06, drop + 0.02)],
            )
        else:  # crop, curls, buzz
            lift = {"crop": 0.5, "curls": 1.5, "buzz": 0.0}[t.style]
            lock(
                [
                    (0, -1.44 - v * lift),
                    (0.5, -1.38 - v * lift),
                    (0.86 + 0.4 * v * lift, -1.02 - 0.6 * v * lift),
                    (0.99 + 0.2 * v * lift, -0.5),
                    (0.98, 0.05),
                ],
                [
                    (0, -1.0 - 0.16 * r),
                    (0.42, -1.0 - 0.36 * r),
                    (0.74, temple - 0.06),
                    (0.87, -0.35),
                    (0.93, 0.03),
                ],
            )
    return locks


def back_shape(t: Traits) -> Points | None:
    """The hair behind the neck, or None for short hair."""
    v = 0.14 * t.volume
    tip = {"long": 2.75, "waves": 2.15, "bob": 1.3, "bangs": 2.35, "pixie": 0.75}.get(t.style)
    if tip is None:
        return None
    w = (1.12 if t.style != "pixie" else 0.9) + v
    right = curve([(0, -1.5), (0.9, -1.1), (w, 0), (w + 0.04, tip * 0.7), (w - 0.12, tip)])
    return np.concatenate([right, right[::-1] * [-1.0, 1.0]])


def tones(t: Traits) -> tuple[Colour, Colour]:
    """The hair's own colour and the colour of its grey."""
    return mix(t.hair, (150, 146, 144), 0.62 * t.grey), (214, 212, 210)


def back_hair(brush: Brush, t: Traits) -> None:
    """What lies behind head and neck; drawn before them."""
    base, _ = tones(t)
    shape = back_shape(t)
    if shape is not None:
        brush.fill(shape, shade(base, 0.62))
        rng = np.random.default_rng(t.scene_seed + 4)
        for x in rng.uniform(-1.1, 1.1, 24):
            brush.line(
                pts((x * 0.9, 0), (x, 1.0), (x * 1.02, float(shape[:, 1].max()) - 0.1)),
                shade(base, rng.uniform(0.5, 0.8)),
                0.02,
            )
    if t.style == "bun":
        x = 0.35 * np.sign(t.part)
        knot = curve([(x - 0.38, -1.55), (x, -1.95), (x + 0.38, -1.55), (x, -1.25)], True)
        brush.fill(knot, shade(base, 0.85))
        for k in (0.3, 0.6, 0.85):
            brush.line((knot - [x, -1.55]) * k + [x, -1.55], shade(base, 0.6), 0.02)


def front_hair(brush: Brush, t: Traits) -> Image.Image:
    """The hair before the face as an RGBA layer."""
    base, silver = tones(t)
    size = brush.image.size
    colour = Image.new("RGB", size, base)
    paint = brush.on(colour)
    cut = Image.new("L", size, 0)
    edge = ImageDraw.Draw(cut)
    rng = np.random.default_rng(t.scene_seed + 3)
    wave = 0.05 * t.wave * (2.0 if t.style in ("waves", "curls") else 1.0)
    along = np.linspace(0, 1, _N)
    for outer, inner in front_locks(t):
        phase = rng.uniform(0, 6)
        swing = np.stack(
            [wave * along * np.sin(along * 14 + phase), wave * 0.3 * np.cos(along * 11 + phase)], axis=1
        )
        outer, inner = outer + swing, inner + swing * 0.6
        edge.polygon(brush.px(np.concatenate([outer, inner[::-1]])).ravel().tolist(), fill=255)
        for _ in range(46):
            k, start = rng.random(), rng.random() * 0.6
            i, j = int(start * _N), int(min(1.0, start + rng.uniform(0.25, 0.6)) * _N)
            strand = outer + (inner - outer) * k
            strand = strand[i : max(j, i + 3)] + rng.normal(0, 0.012, 2)
            gloss = 1.34 if 0.25 < k < 0.6 and start < 0.3 else float(rng.uniform(0.62, 1.16))
            tone = mix(silver, base, 0.2) if rng.random() < t.grey * 0.8 else shade(base, gloss)
            paint.line(strand, tone, 0.018)
            if k < 0.12 or k > 0.93:
                edge.line(brush.px(strand + rng.normal(0, 0.02, 2)).ravel().tolist(), fill=255, width=2)
    radius = (0.035 if t.style in ("buzz", "crop") else 0.012) * brush.unit
    cut = cut.filter(ImageFilter.GaussianBlur(max(0.6, radius)))
    if t.style == "buzz":
        cut = cut.point([round(v * 0.82) for v in range(256)])
    colour.putalpha(cut)
    return colour
