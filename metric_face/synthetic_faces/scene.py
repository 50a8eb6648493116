"""What stands behind and below the face: an out-of-focus background, shoulders and clothes."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from metric_face.synthetic_faces.brush import Brush, Color, curve, mirrored, mix, moved, pts, shade
from metric_face.synthetic_faces.traits import Traits


def background(traits: Traits, size: tuple[int, int]) -> Image.Image:
    """The background, drawn small and blurred as a lens would."""
    rng = np.random.default_rng(traits.scene_seed)
    w, h = 54, 72
    base = np.array([rng.uniform(120, 235) for _ in range(3)])
    base += (base.mean() - base) * 0.6
    ramp = (
        np.linspace(1.08, 0.82, h)[:, None]
        * np.linspace(rng.uniform(0.9, 1.1), rng.uniform(0.9, 1.1), w)[None, :]
    )
    image = Image.fromarray(np.clip(ramp[..., None] * base, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)

    def block(x: float, y: float, bw: float, bh: float, color: tuple[float, ...]) -> None:
        draw.rectangle((x, y, x + bw, y + bh), fill=tuple(int(np.clip(c, 0, 255)) for c in color))

    blur = 1.6
    if traits.scene == "office":
        for x in np.arange(rng.uniform(-10, 0), w, 16):
            block(x, 6, 12, 24, tuple(base * rng.uniform(0.7, 1.15)))
        block(0, 46, w, 3, tuple(base * 0.7))
    elif traits.scene == "park":
        block(0, 0, w, 34, (170, 205, 232))
        block(0, 46, w, h, (118, 150, 86))
        for _ in range(26):
            x, y, r = rng.uniform(0, w), rng.uniform(20, 48), rng.uniform(4, 10)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=mix((52, 92, 48), (140, 176, 88), rng.random()))
        blur = 2.4
    elif traits.scene == "shelf":
        for y in range(0, h, 14):
            x = 0.0
            while x < w:
                bw = rng.uniform(1.5, 4.5)
                tone = rng.uniform(60, 200) + rng.normal(0, 30, 3)
                block(x, y + rng.uniform(1, 5), bw, 14, tuple(tone))
                x += bw
            block(0, y + 12, w, 2, (96, 70, 48))
    elif traits.scene == "night":
        image.paste((28, 30, 52), (0, 0, w, h))
        for _ in range(34):
            x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.8, 3)
            lights = [(250, 200, 110), (240, 120, 90), (140, 190, 250), (250, 240, 210)]
            draw.ellipse((x - r, y - r, x + r, y + r), fill=lights[int(rng.integers(4))])
        blur = 1.2
    elif traits.scene == "window":
        side = 0 if rng.random() < 0.5 else 30
        block(side, 0, 24, 50, (238, 242, 246))
        block(side + 11, 0, 2, 50, (170, 168, 164))
        block(side, 24, 24, 2, (170, 168, 164))
    elif traits.scene == "wall":
        block(0, 60, w, 2, tuple(base * 0.85))
        block(rng.uniform(0, 38), 8, 14, 18, tuple(base * rng.uniform(0.6, 0.9)))
    return image.filter(ImageFilter.GaussianBlur(blur)).resize(size, Image.Resampling.BICUBIC)


def body(brush: Brush, t: Traits) -> Image.Image:
    """Neck, shoulders and clothes; returns their mask."""
    m = float(np.clip(t.man, -1.6, 1.6))
    neck, wide = 0.47 + 0.055 * m, 2.0 + 0.17 * m
    if t.clothes == "hoodie":
        brush.fill(
            mirrored(curve([(0, 0.95), (0.7, 1.05), (1.12, 1.5), (1.25, 2.2), (0, 2.3)])), shade(t.cloth, 0.5)
        )
    throat = mirrored(curve([(0, 0.6), (neck, 0.8), (neck, 1.5), (neck + 0.1, 1.8), (1.0, 2.3), (0, 3)]))
    brush.fill(throat, shade(t.skin, 0.9))
    skin = brush.mask(throat)
    shadow = mirrored(curve([(0, 1.0), (0.6, 1.05), (0.5, 1.5), (0, 1.75)]))
    brush.soft(shadow, shade(t.skin, 0.58), 0.12, 0.75, skin)
    if t.lines > 0.3:
        rings = [(curve([(-0.4, y), (0, y + 0.08), (0.4, y)]), 0.02, 0.5 * t.lines) for y in (1.6, 1.72)]
        brush.strokes(rings, shade(t.skin, 0.6), within=skin)
    return ImageChops.lighter(skin, _garment(brush, t, neck, wide))


def _garment(brush: Brush, t: Traits, neck: float, wide: float) -> Image.Image:
    high = t.clothes == "turtle"
    collar, top = (neck + 0.04, 1.42) if high else (0.62, 1.66)
    dip = {"vneck": 2.35, "blouse": 2.2, "suit": 2.5, "shirt": 2.1, "turtle": top}.get(t.clothes, 1.86)
    shoulders = curve([(collar, top), (1.0, 1.92), (wide * 0.85, 2.12), (wide, 2.5), (wide + 0.25, 4.2)])
    if t.clothes == "suit":
        brush.fill(mirrored(np.concatenate([pts((0, 1.86)), shoulders, pts((0, 4.2))])), (238, 238, 240))
        brush.fill(pts((-0.11, 1.98), (0.11, 1.98), (0.19, 4.2), (-0.19, 4.2)), t.trim)
        brush.fill(pts((-0.13, 1.94), (0.13, 1.94), (0.08, 2.16), (-0.08, 2.16)), shade(t.trim, 0.8))
    if t.clothes in ("vneck", "suit", "shirt"):
        edge = pts((0, dip), (collar, top))
    else:
        edge = curve([(0, dip), (0.34, dip - (dip - top) * 0.45), (collar, top)])
    torso = mirrored(np.concatenate([edge, shoulders[1:], pts((0, 4.2))]))
    brush.fill(torso, t.cloth)
    cut = brush.mask(torso)
    dark, light = shade(t.cloth, 0.6), shade(t.cloth, 1.18)
    if t.clothes == "stripes":
        for y in np.arange(2.05, 4, 0.28):
            brush.soft(pts((-3, y), (3, y), (3, y + 0.13), (-3, y + 0.13)), t.trim, 0.008, 1.0, cut)
    for side in (-1.0, 1.0):
        flip = [side, 1.0]
        brush.soft(pts((1.25, 2.4), (1.5, 4.2), (1.2, 4.2)) * flip, dark, 0.09, 0.7, cut)
        brush.soft(pts((0.9, 1.95), (1.7, 2.2), (1.4, 2.4), (0.9, 2.2)) * flip, light, 0.14, 0.5, cut)
        brush.soft(pts((2.0, 2.2), (2.6, 2.2), (2.6, 4.2), (1.9, 4.2)) * flip, dark, 0.2, 0.6, cut)
    if not high:
        brush.line(np.concatenate([edge[::-1] * [-1.0, 1.0], edge[1:]]), shade(t.cloth, 0.72), 0.05)
    _collar(brush, t, collar, top, dip, dark)
    return cut


def _collar(brush: Brush, t: Traits, collar: float, top: float, dip: float, dark: Color) -> None:
    for side in (-1.0, 1.0):
        flip = np.array([side, 1.0])
        if t.clothes in ("shirt", "blouse"):
            wing = (
                pts((0.03, dip), (collar - 0.05, top - 0.1), (collar + 0.14, top + 0.05), (0.42, dip + 0.2))
                * flip
            )
            brush.soft(moved(wing, 0, 0.06), dark, 0.05, 0.6)
            brush.fill(wing, shade(t.cloth, 1.12))
            brush.line(wing, shade(t.cloth, 0.8), 0.015)
        elif t.clothes == "suit":
            outer = (
                pts((collar + 0.3, top + 0.14), (0.80, 2.35), (0.60, 2.42), (0.66, 2.56), (0.0, dip + 1.1))
                * flip
            )
            lapel = np.concatenate([pts((0.0, dip + 0.1), (collar, top - 0.06)) * flip, outer])
            brush.fill(lapel, shade(t.cloth, 1.08))
            brush.line(outer, dark, 0.02)
        elif t.clothes == "hoodie":
            rim = [
                (0.0, 2.16),
                (0.45, 1.98),
                (0.74, 1.6),
                (0.95, 1.42),
                (1.14, 1.6),
                (1.02, 2.05),
                (0.55, 2.42),
                (0.0, 2.62),
            ]
            hood = curve(rim) * flip
            brush.soft(moved(hood, 0, 0.08), dark, 0.08, 0.7)
            brush.fill(hood, shade(t.cloth, 1.06))
            brush.line(hood[24:], shade(t.cloth, 0.78), 0.02)
            brush.line(pts((0.24, 2.46), (0.27, 3.2)) * flip, shade(t.cloth, 1.5), 0.03)
    if t.clothes == "shirt":
        brush.line(pts((0, dip + 0.1), (0, 4.2)), shade(t.cloth, 0.8), 0.02)
    if t.clothes == "turtle":
        brush.fill(
            mirrored(curve([(0, 1.5), (collar, top), (collar + 0.06, 1.72), (0, 1.9)])), shade(t.cloth, 1.06)
        )
        brush.line(curve([(-collar - 0.05, 1.74), (0, 1.92), (collar + 0.05, 1.74)]), dark, 0.02)
