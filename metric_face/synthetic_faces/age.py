"""The marks of age on the skin: wrinkles, bags, sagging, spots and grain, each with its own onset."""

import numpy as np
from PIL import Image, ImageChops

from metric_face.arrays import Doubles
from metric_face.synthetic_faces.brush import Brush, curve, mix, moved, oval, pts, shade
from metric_face.synthetic_faces.shape import turned
from metric_face.synthetic_faces.traits import Traits

Line = tuple[Doubles, float, float]  # points, width, strength


def age_marks(brush: Brush, t: Traits, face: Image.Image) -> None:
    """Draw what the years leave on a face, by the strengths in the traits."""
    lines = _forehead(t)
    for side in (-1.0, 1.0):
        lines += _side(t, side)
        x, flip = t.eye[0] * side, np.array([side, 1.0])
        ring = mix(t.skin, (120, 84, 96), 0.6)
        brush.soft(turned(oval(x, 0.15, 0.17, 0.06), t, 0.25), ring, 0.05, 0.05 + 0.65 * t.bags, face)
        jowl = curve([(0.5, 1.0), (0.72, 1.02), (0.62, 1.24), (0.46, 1.2)], True) * flip
        brush.soft(jowl, shade(t.skin, 0.72), 0.08, 0.55 * t.sag, face)
        brush.soft(moved(_fold(t), 0.06, 0.02) * flip, shade(t.skin, 0.72), 0.06, 0.5 * t.sag, face)
    turned_lines = [(turned(p, t, 0.22), width, strength) for p, width, strength in lines]
    brush.strokes(turned_lines, shade(t.skin, 0.55), 0.014, face)
    rng = np.random.default_rng(t.scene_seed + 1)
    _grain(brush, t, face, rng)
    for _ in range(round(9 * t.spots)):
        x, y, r = rng.uniform(-0.8, 0.8), rng.uniform(-1.0, 0.9), rng.uniform(0.015, 0.045)
        brush.soft(oval(x, y, r, r * 0.8, 10), mix(t.skin, (112, 72, 48), 0.6), 0.012, 0.5, face)


def _fold(t: Traits) -> Doubles:
    """From the wing of the nose to beside the mouth."""
    return curve([(0.23, 0.52), (0.37, 0.66), (0.47, 0.84), (0.48, 0.98 + 0.08 * t.sag)])


def _forehead(t: Traits) -> list[Line]:
    lines = []
    for k, y in enumerate((-0.58, -0.73, -0.87)):
        waves = [(-0.5, y + 0.03), (-0.25, y - 0.03), (0, y + 0.02), (0.25, y - 0.03), (0.5, y + 0.03)]
        lines.append((curve(waves), 0.03, 0.65 * float(np.clip(1.15 * t.lines - 0.12 - 0.1 * k, 0, 1))))
    return lines


def _side(t: Traits, side: float) -> list[Line]:
    """The lines of one half: crow's feet, folds beside nose and mouth, frown, under the eye."""
    flip, w = np.array([side, 1.0]), t.lines
    outer = t.eye[0] + t.eye[1]
    lines = []
    for dy in (-0.09, -0.01, 0.07):
        foot = curve(
            [(outer + 0.06, 0.02 + dy * 0.4), (outer + 0.15, 0.02 + dy), (outer + 0.24, 0.02 + dy * 2.0)]
        )
        lines.append((foot * flip, 0.02, 0.75 * float(np.clip(1.2 * w - 0.2, 0, 1))))
    lines.append((_fold(t) * flip, 0.036, 0.08 + 0.66 * w))
    mouth = curve([(0.40, 0.98), (0.46, 1.08), (0.45, 1.22)])
    lines.append((mouth * flip, 0.032, 0.8 * t.sag))
    frown = pts((0.07, -0.34), (0.08, -0.24), (0.06, -0.16))
    lines.append((frown * flip, 0.025, 0.6 * float(np.clip(1.4 * w - 0.55, 0, 1))))
    x = t.eye[0]
    under = curve([(x - 0.17, 0.13), (x - 0.04, 0.20), (x + 0.1, 0.20), (x + 0.2, 0.14)])
    lines.append((under * flip, 0.03, 0.05 + 0.75 * t.bags))
    lines.append((moved(under, 0.02, 0.08) * flip, 0.02, 0.7 * float(np.clip(t.bags - 0.4, 0, 1))))
    return lines


def _grain(brush: Brush, t: Traits, face: Image.Image, rng: np.random.Generator) -> None:
    """Uneven skin: fine and coarse dark flecks that grow stronger with age."""
    if t.texture < 0.02:
        return
    fine, coarse = (
        Image.fromarray(
            (np.clip(rng.standard_normal((n, n)), 0, 3) * 26 * t.texture).astype(np.uint8)
        ).resize(face.size, Image.Resampling.BILINEAR)
        for n in (110, 28)
    )
    flecks = ImageChops.multiply(ImageChops.add(fine, coarse), face)
    brush.image.paste(shade(t.skin, 0.62), (0, 0), flecks)
