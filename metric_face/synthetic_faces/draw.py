"""An identity's portrait, and the seven photographs taken of it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from metric_face.synthetic_faces.brush import Brush, curve, mix, moved, oval, pts, shade
from metric_face.synthetic_faces.features import Expression, features
from metric_face.synthetic_faces.hair import back_hair, front_hair
from metric_face.synthetic_faces.head import head
from metric_face.synthetic_faces.mask import Placement, incorrect, put_on, worn
from metric_face.synthetic_faces.scene import background, body
from metric_face.synthetic_faces.shape import turned
from metric_face.synthetic_faces.traits import MaskDesign, Traits, draw_mask, draw_traits

OVERSAMPLE = 2.0
MARGIN = 1.12  # of the photograph: room for the camera to move


@dataclass(frozen=True)
class Portrait:
    """What stays the same in every photograph of an identity."""

    traits: Traits
    base: Image.Image
    face: Image.Image  # masks: of the face, and of all skin and clothes
    figure: Image.Image
    hair: Image.Image
    brush: Brush
    size: tuple[int, int]


def paint_portrait(traits: Traits, size: tuple[int, int]) -> Portrait:
    """Scene, clothes, head and hair, drawn once for all photographs."""
    w, h = (round(s * OVERSAMPLE * MARGIN / 16) * 16 for s in size)
    image = background(traits, (w, h))
    unit = min(size[0], size[1] * 0.75) * OVERSAMPLE * 0.252 * traits.size
    origin = (w / 2 + traits.shift[0] * unit, h * 0.47 + traits.shift[1] * unit)
    upright = Brush(image, origin, unit)
    brush = Brush(image, origin, unit, traits.tilt)
    back_hair(brush, traits)
    torso = body(upright, traits)
    face = head(brush, traits)
    hair = front_hair(brush, traits)
    return Portrait(traits, image, face, ImageChops.lighter(torso, face), hair, brush, size)


def _glasses(brush: Brush, t: Traits) -> None:
    metal = {"round": (60, 46, 40), "square": (28, 28, 32), "rimless": (150, 146, 140)}[t.glasses]
    width = {"round": 0.03, "square": 0.045, "rimless": 0.016}[t.glasses]
    for side in (-1.0, 1.0):
        if t.glasses == "square":
            rim = curve(
                [(0.14, -0.16), (0.45, -0.19), (0.76, -0.16), (0.74, 0.14), (0.45, 0.23), (0.18, 0.16)], True
            )
        else:
            rim = oval(t.eye[0], 0.03, 0.29, 0.25)
        rim = turned(rim * [side, 1], t, 0.32)
        brush.soft(rim, (236, 244, 250), 0.02, 0.10)
        ring = np.concatenate([rim, rim[:2]])
        brush.strokes([(moved(ring, 0, 0.03), width, 0.4)], shade(t.skin, 0.5), 0.02)
        brush.line(ring, metal, width)
        brush.line(turned(pts((0.74 * side, -0.06), (1.02 * side, -0.1)), t, 0.2), metal, width)
    brush.line(turned(curve([(-0.15, -0.02), (0, -0.06), (0.15, -0.02)]), t, 0.4), metal, width)


def photograph(
    portrait: Portrait, mask: tuple[MaskDesign, Placement] | None, rng: np.random.Generator
) -> Image.Image:
    """One photograph: expression, mask, glasses and hair, then the camera."""
    t = portrait.traits
    image = portrait.base.copy()
    brush = portrait.brush.on(image)
    hidden = mask is not None and mask[1].hides_mouth
    features(brush, t, Expression.draw(rng), portrait.face, mouth=not hidden)
    if mask is not None:
        put_on(brush, t, *mask, portrait.figure)
    if t.glasses:
        _glasses(brush, t)
    image.paste(portrait.hair, (0, 0), portrait.hair)
    if t.earrings and t.style in ("bun", "pixie", "bob"):
        for side in (-1.0, 1.0):
            brush.fill(
                oval(1.05 * side, 0.52, 0.035, 0.05, 10), mix((230, 200, 120), (240, 240, 244), t.crease)
            )
    return _expose(_shoot(image, portrait, rng), rng)


def _shoot(image: Image.Image, portrait: Portrait, rng: np.random.Generator) -> Image.Image:
    """The camera's small turn, zoom and shift, and the reduction to the photograph's size, in one step."""
    w, h = portrait.size
    angle = float(np.clip(rng.normal(0, 0.018), -0.045, 0.045))
    zoom = OVERSAMPLE * (1 + float(np.clip(rng.normal(0, 0.02), -0.05, 0.04)))
    c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
    frame = np.array([c * w + abs(s) * h, c * h + abs(s) * w])  # what the turned photograph covers
    room = np.maximum(np.array(image.size) - 2 - frame, 0)
    center = np.array(image.size) / 2 + np.clip(rng.normal(0, 0.2, 2), -0.5, 0.5) * room
    x0 = center[0] - (c * w + s * h) / 2
    y0 = center[1] - (c * h - s * w) / 2
    matrix = (c, s, x0, -s, c, y0)
    return image.transform((w, h), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _expose(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Light from one side, exposure, white balance and grain."""
    w, h = image.size
    pixels = np.array(image, dtype=np.float32)
    across = np.linspace(-0.5, 0.5, w, dtype=np.float32) * np.float32(np.clip(rng.normal(0, 0.12), -0.3, 0.3))
    down = np.linspace(-0.5, 0.5, h, dtype=np.float32) * np.float32(np.clip(rng.normal(0, 0.08), -0.2, 0.2))
    warmth = np.float32(np.clip(rng.normal(0, 0.02), -0.05, 0.05))
    gain = np.float32(1 + np.clip(rng.normal(0, 0.06), -0.15, 0.15)) * (1 + across[None, :] + down[:, None])
    balance = np.array([1 + warmth, 1, 1 - warmth], dtype=np.float32)
    grain = rng.standard_normal((h, w), dtype=np.float32) * np.float32(rng.uniform(1.0, 3.0))
    pixels *= gain[..., None]
    pixels *= balance
    pixels += grain[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))


def photographs(
    age: float, gender: str, age_noise: float, size: tuple[int, int], seed: tuple[int, int]
) -> tuple[dict[str, Image.Image], float]:
    """All seven photographs of an identity by stem, and the apparent age."""
    rng = np.random.default_rng([seed[0], 7, seed[1]])
    traits = draw_traits(age, gender, age_noise, rng)
    portrait = paint_portrait(traits, size)
    owned = traits.masks
    worn_masks = [owned[int(i)] for i in rng.integers(len(owned), size=5)]
    found = {f"mask{i + 1}": photograph(portrait, (m, worn(rng)), rng) for i, m in enumerate(worn_masks)}
    other = worn_masks[int(rng.integers(5))] if rng.random() < 0.96 else draw_mask(rng)
    found["incorrect_mask"] = photograph(portrait, (other, incorrect(rng)), rng)
    found["normal"] = photograph(portrait, None, rng)
    return found, traits.age
