"""The colors of every picture, on paper and on the page, in a light and a dark shade.

Chosen for color-blind readers: categories are Okabe and Ito's, on paper with a brown for their yellow, and every ramp
changes in lightness steadily, so that its order is still there in gray.
"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles

MOST_CATEGORIES = 7
"""More classes than this do not all get colors of their own: they could not be told apart."""


@dataclass(frozen=True)
class Shades:
    """The same colors for a light and for a dark background, as ``#rrggbb``."""

    light: tuple[str, ...]
    dark: tuple[str, ...]


_CATEGORIES = Shades(
    light=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5c3d00"),
    dark=("#4c9be8", "#f0743a", "#2bbe93", "#de93bf", "#f0b440", "#a5d6f7", "#efe36a"),
)

NEUTRAL = Shades(light=("#b4b7bd",), dark=("#565b66",))
"""Points that are there but not meant: other panels, classes out of focus, unknown values."""

_HUES = (
    (286.0, -0.057),
    (48.0, -0.08),
    (159.0, 0.025),
    (353.0, -0.08),
    (109.0, 0.078),
    (226.0, 0.08),
    (320.0, 0.0),
)
"""Degrees and a shift of lightness in OKLCH, of colors that differ by their shade too. Searched so that the same shades
of the first six are apart without red or green cones: the shift is what tells them there."""

_Anchors = dict[str, list[tuple[float, float, float]]]

# Anchors (lightness, chroma, hue in degrees) in OKLCH. Hues stay in both themes; only lightness moves.
_ORDERED: _Anchors = {
    "light": [(0.80, 0.145, 78), (0.60, 0.18, 12), (0.40, 0.16, 288)],
    "dark": [(0.88, 0.13, 85), (0.70, 0.16, 8), (0.55, 0.18, 288)],
}
_VALUE: _Anchors = {
    "light": [(0.80, 0.14, 80), (0.62, 0.10, 190), (0.40, 0.13, 265)],
    "dark": [(0.86, 0.13, 85), (0.68, 0.11, 190), (0.52, 0.15, 265)],
}
_ALARM: _Anchors = {
    "light": [(0.87, 0.012, 250), (0.72, 0.13, 55), (0.50, 0.19, 28)],
    "dark": [(0.37, 0.012, 250), (0.60, 0.14, 40), (0.84, 0.14, 65)],
}

# OKLab to linear sRGB (Ottosson, 2020).
_TO_LMS = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def categories(count: int) -> Shades:
    """Colors for unordered classes; beyond ``MOST_CATEGORIES`` all are neutral."""
    if count > MOST_CATEGORIES:
        return Shades(NEUTRAL.light * count, NEUTRAL.dark * count)
    return Shades(_CATEGORIES.light[:count], _CATEGORIES.dark[:count])


def nested(hues: int, shades: int) -> Shades:
    """Colors for pairs of classes, ``hues * shades`` of them: the hue by the first, light to dark by the second."""
    return Shades(
        *(
            tuple(
                color
                for hue, shift in _HUES[:hues]
                for color in _blend([(high + shift, 0.14, hue), (low + shift, 0.14, hue)], shades, at_one=0.5)
            )
            for high, low in ((0.79, 0.36), (0.90, 0.50))
        )
    )


def ordered(count: int) -> Shades:
    """Colors for classes with an order: light amber, through rose, to deep violet."""
    return _along(_ORDERED, count)


def ramp(kind: str, count: int = 9) -> Shades:
    """``count`` colors of a continuous ramp: ``value`` for quantities, ``alarm`` where only high matters."""
    return _along({"value": _VALUE, "alarm": _ALARM}[kind], count)


def _along(anchors: _Anchors, count: int) -> Shades:
    return Shades(_blend(anchors["light"], count), _blend(anchors["dark"], count))


def _blend(anchors: list[tuple[float, float, float]], count: int, at_one: float = 1.0) -> tuple[str, ...]:
    known = np.array(
        [[light, chroma * np.cos(h), chroma * np.sin(h)] for light, chroma, h in _radians(anchors)]
    )
    at = np.linspace(0, 1, count) if count > 1 else np.array([at_one])
    steps = np.linspace(0, 1, len(known))
    mixed = np.stack([np.interp(at, steps, known[:, axis]) for axis in range(3)], axis=1)
    return tuple(_hexadecimal(color) for color in mixed)


def _radians(anchors: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    return [(light, chroma, float(np.deg2rad(hue))) for light, chroma, hue in anchors]


def _hexadecimal(oklab: Doubles) -> str:
    rgb = _TO_RGB @ (_TO_LMS @ oklab) ** 3
    while (rgb < -1e-6).any() or (
        rgb > 1 + 1e-6
    ).any():  # outside what a screen shows: less chroma, same lightness
        oklab = oklab * np.array([1, 0.97, 0.97])
        rgb = _TO_RGB @ (_TO_LMS @ oklab) ** 3
    rgb = np.clip(rgb, 0, 1)
    encoded = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(channel)):02x}" for channel in encoded)
