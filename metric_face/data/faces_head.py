"""The head without hair, and the features that move between photographs: eyes, brows, nose and mouth."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from metric_face.data.faces_brush import Brush, Points, curve, mirrored, mix, oval, pts, shade
from metric_face.data.faces_traits import Traits


@dataclass(frozen=True)
class Expression:
    """What differs between two photographs of one face."""

    smile: float = 0.0
    open: float = 1.0  # of the eyes
    raised: float = 0.0  # brows
    gaze: tuple[float, float] = (0.0, 0.0)


def turned(points: Points, t: Traits, depth: float) -> Points:
    """Points moved sideways by the yaw of the head, most at the middle of the face."""
    shift = t.yaw * depth * np.clip(1 - points[:, 0] ** 2, 0, 1)
    return np.stack([points[:, 0] + shift, points[:, 1]], axis=1)


def contour(t: Traits) -> Points:
    """The outline of the head from the crown to the chin."""
    r, sag = 0.05 * t.roundness, 0.06 * t.sag
    right = [
        (0, -1.42), (0.48, -1.34), (0.82, -1.02), (0.95, -0.55), (0.965, -0.05),
        (0.955 + 0.4 * r, 0.32), (0.875 + r, 0.66), (t.jaw + 0.04 + r + sag, 0.98 + sag),
        (t.chin + 0.10 + 0.5 * r, 1.29), (t.chin * 0.55, 1.40 - 0.4 * r), (0, 1.425 - 0.4 * r),
    ]  # fmt: skip
    return turned(mirrored(curve(right)), t, 0.1)


def half_width(t: Traits, y: float) -> float:
    """Half the width of the face at a height."""
    outline = contour(t)
    right = outline[: len(outline) // 2]
    return float(np.interp(y, right[:, 1], right[:, 0], left=0.0, right=0.0))


def head(brush: Brush, t: Traits) -> Image.Image:
    """Ears, skin and its shading; returns the mask of the face."""
    dark, deep, light = shade(t.skin, 0.80), shade(t.skin, 0.6), shade(t.skin, 1.22)
    for side in (-1.0, 1.0):
        ear = curve(
            [(0.93, -0.16), (1.08, -0.24), (1.15, -0.04), (1.10, 0.26), (1.02, 0.46), (0.92, 0.42)], True
        )
        brush.fill(ear * [side, 1], shade(t.skin, 0.93))
        inner = curve([(0.99, -0.08), (1.08, -0.12), (1.08, 0.1), (1.0, 0.3)])
        brush.strokes([(inner * [side, 1], 0.05, 0.6)], deep, 0.02)
    outline = contour(t)
    brush.fill(outline, t.skin)
    face = brush.mask(outline)
    for side in (-1.0, 1.0):
        flank = curve(
            [(0.72, -0.9), (1.05, -0.5), (1.1, 0.4), (0.7, 1.3), (0.62, 1.0), (0.84, 0.4), (0.85, -0.3)], True
        )
        brush.soft(flank * [side, 1], dark, 0.16, 0.75 + 0.3 * side * t.yaw, face)
        hollow = oval(0.66 * side, 0.62, 0.16, 0.28)
        brush.soft(hollow, dark, 0.15, 0.10 + 0.45 * t.sag + 0.15 * max(0.0, t.man) - 0.1 * t.roundness, face)
        blush = mix(t.skin, (236, 118, 112), 0.55)
        brush.soft(
            turned(oval(0.56 * side, 0.42, 0.22, 0.15), t, 0.2), blush, 0.17, 0.5 * (1 - 0.75 * t.lines), face
        )
        socket = turned(oval(t.eye[0] * side, -0.06, 0.28, 0.15), t, 0.25)
        brush.soft(socket, dark, 0.09, 0.42 + 0.35 * t.bags, face)
    brush.soft(oval(0.0, -0.78, 0.5, 0.3), light, 0.25, 0.5, face)
    brush.soft(curve([(-0.5, 1.36), (0, 1.2), (0.5, 1.36), (0, 1.6)], True), dark, 0.12, 0.8, face)
    brush.soft(turned(oval(0, 1.2, 0.16, 0.09), t, 0.25), light, 0.08, 0.3, face)
    if t.stubble > 0.1:
        tone = mix(t.skin, mix((64, 66, 72), (190, 190, 190), t.grey), 0.55)
        jaw = curve([(0.9, 0.35), (0.8, 0.95), (0.4, 1.42), (0, 1.45), (-0.4, 1.42), (-0.8, 0.95), (-0.9, 0.35),
                     (-0.55, 0.85), (-0.3, 0.7), (0, 0.72), (0.3, 0.7), (0.55, 0.85)], True)  # fmt: skip
        brush.soft(jaw, tone, 0.12, 0.55 * t.stubble, face)
    _age(brush, t, face)
    _nose(brush, t, face)
    for x, y in t.moles:
        brush.soft(turned(oval(x, y, 0.022, 0.022, 8), t, 0.25), (84, 54, 44), 0.008, 0.9, face)
    return face


def _age(brush: Brush, t: Traits, face: Image.Image) -> None:
    """Wrinkles, bags, sagging, spots and the grain of the skin, each with its own onset."""
    deep = shade(t.skin, 0.52)
    w = t.lines
    lines: list[tuple[Points, float, float]] = []
    for k, y in enumerate((-0.58, -0.73, -0.87)):
        strength = np.clip(1.15 * w - 0.12 - 0.1 * k, 0, 1)
        lines.append(
            (
                curve(
                    [(-0.5, y + 0.03), (-0.25, y - 0.03), (0, y + 0.02), (0.25, y - 0.03), (0.5, y + 0.03)]
                ),
                0.03,
                0.75 * strength,
            )
        )
    for side in (-1.0, 1.0):
        flip = np.array([side, 1.0])
        outer = t.eye[0] + t.eye[1]
        for dy in (-0.09, -0.01, 0.07):
            foot = curve(
                [(outer + 0.06, 0.02 + dy * 0.4), (outer + 0.15, 0.02 + dy), (outer + 0.24, 0.02 + dy * 2.0)]
            )
            lines.append((foot * flip, 0.02, 0.8 * np.clip(1.2 * w - 0.2, 0, 1)))
        fold = curve([(0.23, 0.52), (0.37, 0.66), (0.47, 0.84), (0.48, 0.98 + 0.08 * t.sag)])
        lines.append((fold * flip, 0.036, 0.12 + 0.75 * w))
        lines.append((curve([(0.40, 0.98), (0.46, 1.08), (0.45, 1.22)]) * flip, 0.032, 0.9 * t.sag))
        lines.append(
            (
                pts((0.07, -0.34), (0.08, -0.24), (0.06, -0.16)) * flip,
                0.025,
                0.7 * np.clip(1.4 * w - 0.55, 0, 1),
            )
        )
        x = t.eye[0] * side
        under = curve(
            [(x - 0.17 * side, 0.13), (x - 0.04 * side, 0.20), (x + 0.1 * side, 0.20), (x + 0.2 * side, 0.14)]
        )
        lines.append((under, 0.03, 0.10 + 0.75 * t.bags))
        lines.append((under + [0.02 * side, 0.08], 0.02, 0.7 * np.clip(t.bags - 0.4, 0, 1)))
        brush.soft(
            turned(oval(x, 0.15, 0.17, 0.06), t, 0.25),
            mix(t.skin, (120, 84, 96), 0.6),
            0.05,
            0.08 + 0.55 * t.bags,
            face,
        )
        jowl = curve([(0.5, 1.0), (0.72, 1.02), (0.62, 1.24), (0.46, 1.2)], True) * flip
        brush.soft(jowl, shade(t.skin, 0.72), 0.08, 0.55 * t.sag, face)
        brush.soft((fold + [0.06, 0.02]) * flip, shade(t.skin, 0.72), 0.06, 0.5 * t.sag, face)
    brush.strokes([(turned(p, t, 0.22), width, s) for p, width, s in lines], deep, 0.012, face)
    rng = np.random.default_rng(t.scene_seed + 1)
    if t.texture > 0.02:
        w_, h_ = face.size
        grain = (
            rng.normal(0, 1, (h_ // 4, w_ // 4))
            + rng.normal(0, 1, (h_ // 16, w_ // 16)).repeat(4, 0).repeat(4, 1)[: h_ // 4, : w_ // 4]
            if (h_ // 16) * 4 == h_ // 4 and (w_ // 16) * 4 == w_ // 4
            else rng.normal(0, 1.3, (h_ // 4, w_ // 4))
        )
        spots = Image.fromarray((np.clip(grain, 0, 3) * 26 * t.texture).astype(np.uint8)).resize(
            face.size, Image.Resampling.BILINEAR
        )
        from PIL import ImageChops

        brush.image.paste(shade(t.skin, 0.62), (0, 0), ImageChops.multiply(spots, face))
    for _ in range(round(9 * t.spots)):
        x, y = rng.uniform(-0.8, 0.8), rng.uniform(-1.0, 0.9)
        r = rng.uniform(0.015, 0.045)
        brush.soft(oval(x, y, r, r * 0.8, 10), mix(t.skin, (112, 72, 48), 0.6), 0.012, 0.5, face)


def _nose(brush: Brush, t: Traits, face: Image.Image) -> None:
    half, tip = t.nose
    dark, light = shade(t.skin, 0.74), shade(t.skin, 1.3)
    side = 1.0 if t.yaw <= 0 else -1.0

    def place(points: Points) -> Points:
        return turned(points, t, 0.5)

    flank = curve([(0.07, -0.1), (0.1, 0.2), (half, tip - 0.1), (half * 0.5, tip - 0.02), (0.05, 0.3)], True)
    brush.soft(place(flank * [side, 1]), dark, 0.05, 0.55, face)
    brush.soft(place(oval(0, tip + 0.05, half * 1.05, 0.05)), dark, 0.05, 0.7, face)
    brush.soft(
        place(pts((-0.035, -0.05), (0.035, -0.05), (0.05, tip - 0.1), (-0.05, tip - 0.1))),
        light,
        0.035,
        0.5,
        face,
    )
    brush.soft(place(oval(-0.02 * side, tip - 0.1, 0.055, 0.05)), light, 0.035, 0.6, face)
    wings = []
    for s in (-1.0, 1.0):
        wing = curve(
            [
                (half * 0.86, tip - 0.14),
                (half * 1.08, tip - 0.04),
                (half * 0.9, tip + 0.03),
                (half * 0.6, tip + 0.02),
            ]
        )
        wings.append((place(wing * [s, 1]), 0.026, 0.6))
        brush.soft(
            place(oval(s * half * 0.5, tip + 0.015, half * 0.26, 0.024, 12)),
            shade(t.skin, 0.32),
            0.012,
            0.85,
            face,
        )
    brush.strokes(wings, shade(t.skin, 0.5), 0.012, face)


def features(brush: Brush, t: Traits, e: Expression, face: Image.Image) -> None:
    """Eyes, brows and mouth with this photograph's expression."""
    for side in (-1.0, 1.0):
        _eye(brush, t, e, side)
        _brow(brush, t, e, side)
    _mouth(brush, t, e, face)


def _eye(brush: Brush, t: Traits, e: Expression, side: float) -> None:
    x, w, h = t.eye[0], t.eye[1], t.eye[2] * e.open
    droop = 0.03 * t.sag

    def place(points: Points) -> Points:
        return turned((points + [x, 0]) * [side, 1], t, 0.28)

    upper = curve(
        [
            (-w, 0.025),
            (-0.55 * w, -0.75 * h),
            (0.05 * w, -h),
            (0.6 * w, -0.72 * h + droop),
            (w, -t.slant + droop),
        ]
    )
    lower = curve([(w, -t.slant + droop), (0.5 * w, 0.62 * h), (-0.2 * w, 0.72 * h), (-w, 0.025)])
    almond = place(np.concatenate([upper, lower[1:-1]]))
    p = brush.px(almond)
    low, high = np.floor(p.min(0)).astype(int) - 2, np.ceil(p.max(0)).astype(int) + 3
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    eye = Image.new("RGB", size, mix((246, 243, 240), (226, 214, 198), t.lines))
    draw = ImageDraw.Draw(eye)
    gaze = np.array([[e.gaze[0] * side, e.gaze[1] - 0.004]])
    cx, cy = (brush.px(place(gaze)) - low)[0]
    iris = 0.098 * brush.unit
    for r, colour in ((iris, shade(t.iris, 0.5)), (iris * 0.86, t.iris), (iris * 0.45, (12, 10, 12))):
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=colour)
    lit, r = (cx - iris * 0.32, cy - iris * 0.38), iris * 0.24
    draw.ellipse((lit[0] - r, lit[1] - r, lit[0] + r, lit[1] + r), fill=(255, 255, 255))
    cut = Image.new("L", size, 0)
    ImageDraw.Draw(cut).polygon((p - low).ravel().tolist(), fill=255)
    shadow = Image.new("L", size, 0)
    top = brush.px(place(upper)) - low
    ImageDraw.Draw(shadow).line(top.ravel().tolist(), fill=150, width=max(2, round(0.06 * brush.unit)))
    eye.paste((70, 50, 46), (0, 0), shadow.filter(ImageFilter.GaussianBlur(max(0.6, 0.02 * brush.unit))))
    brush.image.paste(eye, (int(low[0]), int(low[1])), cut)
    woman = float(np.clip(0.5 - 0.5 * t.man, 0, 1))
    flick = np.concatenate([upper, upper[-1:] + [0.03 + 0.03 * woman, -0.012 - 0.02 * woman]])
    ink = mix((34, 24, 24), shade(t.skin, 0.4), 0.25 * t.grey)
    crease = upper[3:-1] * [1.0, 1.12] + [0, -0.055 - 0.02 * t.crease]
    bottom = lower[3:-6]
    brush.strokes([(place(flick), 0.034 + 0.022 * woman, 1.0)], ink, 0.006)
    brush.strokes(
        [(place(crease), 0.02, 0.35 + 0.45 * t.crease), (place(bottom), 0.016, 0.5)], shade(t.skin, 0.5), 0.01
    )
    if t.sag > 0.15:
        hood = place(
            curve([(-0.4 * w, -h - 0.05), (0.4 * w, -h - 0.05), (1.05 * w, -0.4 * h), (1.1 * w, 0.0)])
        )
        brush.strokes([(hood, 0.04, 0.8 * t.sag)], shade(t.skin, 0.66), 0.016)


def _brow(brush: Brush, t: Traits, e: Expression, side: float) -> None:
    y, thick, arch = t.brow
    y = y - 0.05 * e.raised + 0.02 * t.sag
    x = t.eye[0]
    spine = curve(
        [(x - 0.25, y + 0.03), (x - 0.05, y - arch * 0.7), (x + 0.12, y - arch), (x + 0.30, y + 0.05)]
    )
    n = len(spine)
    taper = np.interp(np.arange(n), [0, n * 0.25, n * 0.6, n - 1], [0.55, 1.0, 0.8, 0.12])[:, None]
    half = np.array([[0.12, 1.0]]) * thick * 0.5 * taper
    shape = turned(np.concatenate([spine - half, (spine + half)[::-1]]) * [side, 1], t, 0.25)
    colour = mix(mix(t.hair, (20, 16, 16), 0.3), (178, 172, 168), 0.75 * t.grey)
    brush.soft(shape, colour, 0.012, 0.9)
    rng = np.random.default_rng(t.scene_seed + 2)
    hairs = []
    for i in rng.integers(1, n - 3, 14):
        base = spine[i] + half[i] * rng.uniform(-0.6, 1.0)
        hairs.append(
            (
                turned(pts(tuple(base), tuple(base + [0.05, -0.05 + 0.06 * i / n])) * [side, 1], t, 0.25),
                0.012,
                0.7,
            )
        )
    brush.strokes(hairs, shade(colour, 0.7), 0.004)


def _mouth(brush: Brush, t: Traits, e: Expression, face: Image.Image) -> None:
    w, full = t.mouth[0] * (1 + 0.16 * e.smile), t.mouth[1]
    y, lift = 0.93, 0.07 * e.smile - 0.03 * t.sag
    corner = (w, y - lift)

    def place(points: Points) -> Points:
        return turned(points, t, 0.35)

    seam = curve([(-w, y - lift), (-w * 0.5, y + 0.008), (0, y + 0.016), (w * 0.5, y + 0.008), corner])
    bow = curve([(-w, y - lift), (-w * 0.5, y - 0.055 * full), (-0.06, y - 0.095 * full), (0, y - 0.075 * full),
                 (0.06, y - 0.095 * full), (w * 0.5, y - 0.055 * full), corner])  # fmt: skip
    under = curve(
        [
            (-w, y - lift),
            (-w * 0.55, y + 0.09 * full),
            (0, y + 0.135 * full),
            (w * 0.55, y + 0.09 * full),
            corner,
        ]
    )
    brush.soft(place(np.concatenate([bow, seam[::-1]])), shade(t.lips, 0.82), 0.014, 0.95, face)
    brush.soft(place(np.concatenate([seam, under[::-1]])), t.lips, 0.016, 0.95, face)
    if e.smile > 0.75:
        inner = place(np.concatenate([seam[4:-4], (seam[4:-4] + [0, 0.05 * e.smile])[::-1]]))
        brush.soft(inner, (244, 240, 234), 0.008, 0.95, face)
    brush.soft(place(oval(0, y + 0.075 * full, w * 0.3, 0.018)), shade(t.lips, 1.4), 0.02, 0.5, face)
    lines = [(place(seam), 0.026, 0.9)]
    for s in (-1.0, 1.0):
        lines.append(
            (
                place(
                    curve(
                        [
                            (s * w, y - lift - 0.02),
                            (s * (w + 0.03), y - lift),
                            (s * (w + 0.01), y - lift + 0.03),
                        ]
                    )
                ),
                0.03,
                0.5,
            )
        )
        cheek = curve([(0.27, 0.56), (0.42, 0.68), (0.52, 0.86)]) * [s, 1]
        lines.append((place(cheek), 0.035, 0.35 * max(0.0, e.smile)))
    brush.strokes(lines, shade(t.lips, 0.38), 0.008, face)
    brush.soft(place(oval(0, y + 0.2, w * 0.5, 0.03)), shade(t.skin, 0.74), 0.04, 0.55, face)
    brush.soft(
        place(pts((-0.03, 0.7), (0.03, 0.7), (0.04, 0.8), (-0.04, 0.8))), shade(t.skin, 0.8), 0.02, 0.4, face
    )
    wrinkled = np.clip(t.lines * 1.3 - 0.5, 0, 1)
    brush.strokes(
        [(place(pts((x, 0.77), (x * 0.9, 0.85))), 0.016, 0.6 * wrinkled) for x in (-0.18, -0.09, 0.09, 0.18)],
        shade(t.skin, 0.5),
        0.008,
        face,
    )
