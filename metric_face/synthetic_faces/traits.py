"""What a drawn identity looks like: every trait follows the apparent age, the apparent gender, or chance.

The apparent age is the age plus noise, and the apparent gender a signed number whose sign is wrong for about
one identity in forty; the drawing sees these two alone, so no model can do better than they allow.
"""

from dataclasses import dataclass, field

import numpy as np

from metric_face.synthetic_faces.brush import Color, mix

GENDER_NOISE = 0.5  # the sign of +-1 + N(0, 0.5) is wrong for 2.3 % of identities

SKINS: tuple[Color, ...] = (
    (250, 222, 200), (244, 211, 184), (238, 200, 170), (230, 189, 158), (219, 174, 142), (203, 156, 124),
    (176, 128, 98),
)  # fmt: skip
HAIRS: tuple[Color, ...] = (
    (26, 22, 24), (34, 26, 24), (46, 33, 27), (62, 42, 31), (84, 56, 38), (112, 74, 46), (140, 98, 60),
)  # fmt: skip
CLOTHES: tuple[Color, ...] = (
    (236, 234, 228), (40, 42, 50), (34, 56, 92), (120, 34, 44), (92, 104, 84), (198, 168, 128), (150, 160, 172),
    (222, 184, 180), (70, 108, 148), (84, 60, 96), (214, 190, 96), (60, 84, 72), (176, 92, 70), (110, 112, 118),
)  # fmt: skip
MASKS: tuple[tuple[str, Color], ...] = (
    ("surgical", (168, 206, 228)), ("surgical", (240, 242, 244)), ("surgical", (44, 46, 52)),
    ("surgical", (236, 196, 204)), ("surgical", (176, 214, 196)), ("kf94", (246, 246, 244)),
    ("kf94", (36, 37, 42)), ("kf94", (196, 198, 202)), ("kf94", (214, 196, 176)), ("cloth", (52, 72, 112)),
    ("cloth", (150, 52, 60)), ("cloth", (94, 116, 92)), ("cloth", (226, 214, 196)), ("cloth", (120, 92, 140)),
    ("cloth", (228, 168, 92)), ("cloth", (60, 62, 68)),
)  # fmt: skip
MASK_SHARES = np.array([14, 16, 7, 4, 3, 20, 12, 4, 3, 3, 2, 2, 3, 2, 2, 3], dtype=float)
MEN_STYLES = ("crop", "parted", "fringe", "swept", "curls", "buzz")
WOMEN_STYLES = ("long", "bob", "bangs", "bun", "waves", "pixie")


@dataclass(frozen=True)
class MaskDesign:
    """One mask that an identity owns."""

    kind: str
    color: Color
    pattern: str = "plain"
    accent: Color = (255, 255, 255)


@dataclass(frozen=True)
class Traits:
    """The looks of one identity; lengths in face units, shares from 0 to 1."""

    age: float  # apparent
    man: float  # apparent gender: about +1 for a man, -1 for a woman
    skin: Color
    hair: Color
    iris: Color
    lips: Color
    style: str
    gray: float
    receding: float
    part: float
    volume: float
    wave: float
    roundness: float
    jaw: float
    chin: float
    eye: tuple[float, float, float]  # spacing, half width, half height
    slant: float
    crease: float
    brow: tuple[float, float, float]  # height, thickness, arch
    nose: tuple[float, float]  # half width, length
    mouth: tuple[float, float]  # half width, fullness
    lines: float
    sag: float
    bags: float
    texture: float
    spots: float
    stubble: float
    glasses: str
    earrings: bool
    moles: tuple[tuple[float, float], ...]
    yaw: float
    tilt: float
    size: float
    shift: tuple[float, float]
    clothes: str
    cloth: Color
    trim: Color
    scene: str
    scene_seed: int
    masks: tuple[MaskDesign, ...] = field(default=())


def ramp(age: float, start: float, end: float) -> float:
    """0 at the first age, 1 at the second, straight between and held outside."""
    return float(np.clip((age - start) / (end - start), 0.0, 1.0))


def draw_mask(rng: np.random.Generator) -> MaskDesign:
    kind, color = MASKS[int(rng.choice(len(MASKS), p=MASK_SHARES / MASK_SHARES.sum()))]
    pattern = str(rng.choice(["plain", "dots", "stripes", "checks"])) if kind == "cloth" else "plain"
    pale = sum(color) > 420
    accent = mix(color, (60, 60, 80) if pale else (245, 240, 230), float(rng.uniform(0.35, 0.7)))
    return MaskDesign(kind, mix(color, rng.integers(0, 256, 3).tolist(), 0.06), pattern, accent)


def draw_traits(age: float, gender: str, age_noise: float, rng: np.random.Generator) -> Traits:
    """An identity of the age and gender as the camera sees them."""
    a = age + age_noise * float(rng.standard_normal())
    man = (1.0 if gender == "male" else -1.0) + GENDER_NOISE * float(rng.standard_normal())

    def vary(middle: float, spread: float) -> float:
        return middle + spread * float(np.clip(rng.standard_normal(), -2.2, 2.2))

    older, late = ramp(a, 20, 62), ramp(a, 46, 68)
    likely_man = 1 / (1 + np.exp(-5 * man))
    style = str(rng.choice(MEN_STYLES if rng.random() < likely_man else WOMEN_STYLES))
    if style in ("long", "bangs") and rng.random() < 0.75 * ramp(a, 40, 60):
        style = str(rng.choice(["pixie", "waves", "bob"]))
    skin = SKINS[int(rng.choice(len(SKINS), p=[0.14, 0.22, 0.22, 0.18, 0.13, 0.08, 0.03]))]
    tan = 0.02 + 0.03 * man + 0.12 * older + abs(vary(0, 0.02))
    skin = mix(skin, (158, 108, 80), float(np.clip(tan, 0, 1)))
    shares = np.array([0.36, 0.24, 0.15, 0.11, 0.07, 0.04, 0.03])
    hair = HAIRS[int(rng.choice(len(HAIRS), p=shares))]
    dyed = rng.random() < 0.18
    gray = ramp(a, 33, 68) ** 1.2 * (0.35 if dyed else 1.0)
    m = float(np.clip(man, -1.8, 1.8))
    moles = int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))
    own = tuple(draw_mask(rng) for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.25, 0.1]))))
    dressed = "suit" if likely_man > 0.5 else "blouse"
    clothes = ["tee", "shirt", "vneck", "hoodie", "turtle", "stripes", dressed]
    pink = mix((206, 108, 106), (176, 112, 98), 0.5 + 0.28 * m)
    cloth = CLOTHES[int(rng.integers(len(CLOTHES)))]
    return Traits(
        age=a,
        man=man,
        skin=skin,
        hair=hair,
        iris=mix((44, 28, 20), (104, 70, 44), float(rng.uniform(0, 1)) ** 1.5),
        lips=mix(mix(pink, skin, 0.25 + 0.1 * m), (160, 120, 108), 0.35 * older),
        style=style,
        gray=float(gray),
        receding=float(ramp(a, 26, 64) * np.clip(0.5 + 0.5 * m, 0.05, 1.1) + abs(vary(0, 0.05))),
        part=float(rng.choice([-1, 1]) * rng.uniform(0.05, 0.5)),
        volume=vary(1.0, 0.16) - 0.2 * older,
        wave=float(rng.uniform(0, 1)) ** 2,
        roundness=vary(0, 0.28) + 1.0 * (1 - ramp(a, 16, 36)),
        jaw=vary(0.70 + 0.065 * m, 0.022),
        chin=vary(0.30 + 0.05 * m, 0.025),
        eye=(vary(0.44, 0.02), vary(0.205 - 0.006 * m, 0.012), vary(0.091 - 0.007 * m - 0.030 * older, 0.005)),
        slant=vary(0.02 - 0.03 * older, 0.018),
        crease=float(rng.random()),
        brow=(
            vary(-0.31 + 0.035 * m, 0.018),
            vary(0.060 + 0.020 * m - 0.010 * older, 0.007),
            vary(0.05 - 0.03 * m, 0.012),
        ),
        nose=(vary(0.19 + 0.012 * m + 0.012 * older, 0.016), vary(0.60 + 0.03 * older, 0.025)),
        mouth=(vary(0.33 + 0.012 * m, 0.022), vary(1.0 - 0.16 * m - 0.38 * older, 0.10)),
        lines=ramp(a, 19, 64) ** 0.85,
        sag=ramp(a, 32, 66),
        bags=ramp(a, 20, 64) ** 0.85 * vary(1.0, 0.05),
        texture=ramp(a, 20, 66) ** 0.85,
        spots=late * abs(vary(1.0, 0.3)),
        stubble=float(np.clip(0.75 * m + vary(-0.2, 0.3), 0, 1)) * ramp(a, 16, 26),
        glasses=str(rng.choice(["round", "square", "rimless"])) if rng.random() < 0.16 + 0.3 * older else "",
        earrings=bool(rng.random() < 0.4 * (1 - likely_man)),
        moles=tuple((float(rng.uniform(-0.7, 0.7)), float(rng.uniform(0, 1.1))) for _ in range(moles)),
        yaw=float(np.clip(vary(0, 0.16), -0.36, 0.36)),
        tilt=float(np.clip(vary(0, 0.035), -0.09, 0.09)),
        size=vary(1.0, 0.045),
        shift=(vary(0, 0.10), vary(0, 0.08)),
        clothes=str(rng.choice(clothes)),
        cloth=mix(cloth, rng.integers(0, 256, 3).tolist(), 0.1),
        trim=CLOTHES[int(rng.integers(len(CLOTHES)))],
        scene=str(rng.choice(["wall", "gradient", "office", "park", "shelf", "night", "window"])),
        scene_seed=int(rng.integers(2**31)),
        masks=own,
    )  # fmt: skip
