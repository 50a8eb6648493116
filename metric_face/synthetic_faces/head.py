"""The head without hair: ears, the modeling of the face, and the nose."""

from PIL import Image

from metric_face.arrays import Doubles
from metric_face.synthetic_faces.age import age_marks
from metric_face.synthetic_faces.brush import Brush, curve, mirrored, mix, oval, pts, shade
from metric_face.synthetic_faces.shape import contour, turned
from metric_face.synthetic_faces.traits import Traits


def head(brush: Brush, t: Traits) -> Image.Image:
    """Ears, skin and its shading, marks of age and the nose; returns the mask of the face."""
    for side in (-1.0, 1.0):
        ear = [(0.93, -0.16), (1.08, -0.24), (1.15, -0.04), (1.10, 0.26), (1.02, 0.46), (0.92, 0.42)]
        brush.fill(curve(ear, True) * [side, 1], shade(t.skin, 0.93))
        inner = curve([(0.99, -0.08), (1.08, -0.12), (1.08, 0.1), (1.0, 0.3)])
        brush.strokes([(inner * [side, 1], 0.05, 0.6)], shade(t.skin, 0.6), 0.02)
    outline = contour(t)
    brush.fill(outline, t.skin)
    face = brush.mask(outline)
    _model(brush, t, face)
    age_marks(brush, t, face)
    _nose(brush, t, face)
    for x, y in t.moles:
        brush.soft(turned(oval(x, y, 0.022, 0.022, 8), t, 0.25), (84, 54, 44), 0.008, 0.9, face)
    return face


def _model(brush: Brush, t: Traits, face: Image.Image) -> None:
    """Light and shadow, blush and stubble."""
    dark, light = shade(t.skin, 0.80), shade(t.skin, 1.22)
    for side in (-1.0, 1.0):
        flip = [side, 1.0]
        flank = [(0.72, -0.9), (1.05, -0.5), (1.1, 0.4), (0.7, 1.3), (0.62, 1.0), (0.84, 0.4), (0.85, -0.3)]
        brush.soft(curve(flank, True) * flip, dark, 0.16, 0.75 + 0.3 * side * t.yaw, face)
        hollow = 0.08 + 0.45 * t.sag + 0.15 * max(0.0, t.man) - 0.1 * t.roundness
        brush.soft(oval(0.66 * side, 0.62, 0.16, 0.28), dark, 0.15, hollow, face)
        blush, rosy = mix(t.skin, (240, 112, 108), 0.55), 0.55 * (1 - 0.75 * t.lines)
        brush.soft(turned(oval(0.56 * side, 0.42, 0.22, 0.15), t, 0.2), blush, 0.17, rosy, face)
        socket = turned(oval(t.eye[0] * side, -0.06, 0.28, 0.15), t, 0.25)
        brush.soft(socket, dark, 0.09, 0.35 + 0.45 * t.bags, face)
    brush.soft(oval(0.0, -0.78, 0.5, 0.3), light, 0.25, 0.5, face)
    chin = curve([(-0.5, 1.36), (0, 1.2), (0.5, 1.36), (0, 1.6)], True)
    brush.soft(chin, dark, 0.12, 0.8, face)
    brush.soft(turned(oval(0, 1.2, 0.16, 0.09), t, 0.25), light, 0.08, 0.3, face)
    if t.stubble > 0.1:
        tone = mix(t.skin, mix((64, 66, 72), (190, 190, 190), t.gray), 0.55)
        lower = [(0.0, 1.45), (0.4, 1.42), (0.8, 0.95), (0.9, 0.35)]
        upper = [(0.55, 0.85), (0.3, 0.7), (0.0, 0.72)]
        beard = mirrored(curve([*lower, *upper]))
        brush.soft(beard, tone, 0.12, 0.55 * t.stubble, face)


def _nose(brush: Brush, t: Traits, face: Image.Image) -> None:
    half, tip = t.nose
    dark, light = shade(t.skin, 0.74), shade(t.skin, 1.3)
    side = 1.0 if t.yaw <= 0 else -1.0

    def place(points: Doubles) -> Doubles:
        return turned(points, t, 0.5)

    flank = curve([(0.07, -0.1), (0.1, 0.2), (half, tip - 0.1), (half * 0.5, tip - 0.02), (0.05, 0.3)], True)
    brush.soft(place(flank * [side, 1]), dark, 0.05, 0.55, face)
    brush.soft(place(oval(0, tip + 0.05, half * 1.05, 0.05)), dark, 0.05, 0.7, face)
    bridge = pts((-0.035, -0.05), (0.035, -0.05), (0.05, tip - 0.1), (-0.05, tip - 0.1))
    brush.soft(place(bridge), light, 0.035, 0.5, face)
    brush.soft(place(oval(-0.02 * side, tip - 0.1, 0.055, 0.05)), light, 0.035, 0.6, face)
    wings = []
    for s in (-1.0, 1.0):
        wing = [
            *((half * 0.86, tip - 0.14), (half * 1.08, tip - 0.04)),
            *((half * 0.9, tip + 0.03), (half * 0.6, tip + 0.02)),
        ]
        wings.append((place(curve(wing) * [s, 1]), 0.026, 0.6))
        nostril = place(oval(s * half * 0.5, tip + 0.015, half * 0.26, 0.024, 12))
        brush.soft(nostril, shade(t.skin, 0.32), 0.012, 0.85, face)
    brush.strokes(wings, shade(t.skin, 0.5), 0.012, face)
