"""Who is in the drawn data set: ages, genders, folder names, file extensions and planted label errors.

The ages and genders are those of the mask competition, scaled where fewer identities are asked for; nothing is
drawn here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from metric_face.arrays import Doubles, Ints

FIRST_AGE = 18
# People by age 18..60, as written in the competition's train.csv.
MEN_BY_AGE = (
    *(41, 207, 80, 27, 37, 40, 31, 35, 27, 6, 12, 6, 10, 2, 3, 3, 2, 7, 1, 2, 5, 0),
    *(5, 7, 2, 8, 1, 7, 5, 1, 11, 6, 20, 19, 29, 17, 24, 33, 47, 37, 50, 46, 83),
)
WOMEN_BY_AGE = (
    *(151, 200, 187, 14, 21, 32, 31, 47, 17, 9, 13, 10, 7, 1, 4, 2, 11, 12, 7, 1, 9, 6),
    *(15, 0, 11, 10, 12, 20, 9, 9, 28, 25, 60, 44, 49, 47, 58, 67, 76, 69, 109, 39, 109),
)
FULL_SIZE = sum(MEN_BY_AGE) + sum(WOMEN_BY_AGE)
SMALLEST = 12  # the fewest identities among whom every trap and every gender x age group finds room

STEMS = ("incorrect_mask", "mask1", "mask2", "mask3", "mask4", "mask5", "normal")
TWICE_USED_ID = 3397
LAST_ID = 6959
# Of 2,700 identities: folders of png, folders of jpeg, folders that mix jpg and jpeg, ids with a suffix.
PNG_FOLDERS, JPEG_FOLDERS, MIXED_FOLDERS, SUFFIXED_IDS = 73, 47, 7, 41
JPEG_IN_MIXED = (1, 6, 2, 5, 3, 4, 4)
# Of 2,700 identities: normal and incorrect swapped, gender flipped, age of another group written (1 % of images).
ERRORS = {"swapped": 3, "flipped": 8, "age": 18}
FEWEST_FOR_ERRORS = 40
EVALUATION_INDEX = 1_000_000  # evaluation identities look the same however many train


@dataclass(frozen=True)
class DrawnIdentity:
    """One folder: what is written about the identity, and what is true."""

    index: int
    id: str
    gender: str
    age: int
    true_gender: str
    true_age: int
    swapped: bool = False
    extensions: tuple[str, ...] = ("jpg",) * len(STEMS)
    evaluation: bool = False

    @property
    def folder(self) -> str:
        return f"{self.id}_{self.gender}_Asian_{self.age}"


def age_group(age: float) -> int:
    """The age group: 0 below 30, 1 from 30 to 59, 2 from 60."""
    return int(age >= 30) + int(age >= 60)


def shares(weights: Sequence[float] | Doubles, total: int, least: int = 0) -> Ints:
    """Whole numbers proportional to the weights, by largest remainder, that sum to the total.

    Every weight above 0 gets at least ``least``, taken from the largest shares.
    """
    w = np.asarray(weights, dtype=np.float64)
    exact = w * total / w.sum()
    counts: Ints = np.floor(exact).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: total - int(counts.sum())]] += 1
    for short in np.flatnonzero((counts < least) & (w > 0)):
        while counts[short] < least:
            counts[np.argmax(counts)] -= 1
            counts[short] += 1
    return counts


def ages_and_genders(identities: int) -> list[tuple[str, int]]:
    """The (gender, age) of every identity, in order of gender and age; exact at 2,700 identities."""
    ages = np.arange(FIRST_AGE, FIRST_AGE + len(MEN_BY_AGE))
    groups = np.array([age_group(int(a)) for a in ages])
    cells = [
        (gender, ages[groups == g], np.array(vector, dtype=np.float64)[groups == g])
        for gender, vector in (("male", MEN_BY_AGE), ("female", WOMEN_BY_AGE))
        for g in range(3)
    ]
    per_cell = shares([w.sum() for _, _, w in cells], identities, least=1)
    found: list[tuple[str, int]] = []
    for (gender, cell_ages, weights), count in zip(cells, per_cell, strict=True):
        for age, n in zip(cell_ages, shares(weights, int(count)), strict=True):
            found += [(gender, int(age))] * int(n)
    return found


def scaled(count: int, identities: int) -> int:
    """A count among 2,700 identities brought to another number of identities, at least one."""
    return max(1, round(count * identities / FULL_SIZE))


def _ids(attributes: list[tuple[str, int]], rng: np.random.Generator) -> list[str]:
    """Ids with gaps and suffixes, in order, and one id twice at identities of one gender and two ages."""
    identities = len(attributes)
    free = np.setdiff1d(np.arange(2, LAST_ID), [TWICE_USED_ID])
    middle = rng.choice(free, identities - 4, replace=False)
    numbers = np.sort(np.concatenate([[1, TWICE_USED_ID, TWICE_USED_ID, LAST_ID], middle]))
    ids = [f"{n:06d}" for n in numbers]
    for i in rng.choice(np.flatnonzero(np.isin(numbers, middle)), scaled(SUFFIXED_IDS, identities), False):
        ids[i] += "-1"
    return ids


def _bring_twins(attributes: list[tuple[str, int]], first: int) -> None:
    """Move two identities of one gender and different ages to the two places of the id used twice."""
    wanted = [("female", 20), ("female", 19)]
    if not set(wanted) <= set(attributes):
        women = sorted({a for a in attributes if a[0] == "female"}, key=lambda a: a[1])
        wanted = [women[1], women[0]]
    for place, pair in enumerate(wanted, start=first):
        other = attributes.index(pair)
        attributes[place], attributes[other] = attributes[other], attributes[place]


def _extensions(identities: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    every = [("jpg",) * len(STEMS) for _ in range(identities)]
    png, jpeg, mixed = (scaled(n, identities) for n in (PNG_FOLDERS, JPEG_FOLDERS, MIXED_FOLDERS))
    odd = rng.choice(identities, png + jpeg + mixed, replace=False)
    for i in odd[:png]:
        every[i] = ("png",) * len(STEMS)
    for i in odd[png : png + jpeg]:
        every[i] = ("jpeg",) * len(STEMS)
    for k, i in enumerate(odd[png + jpeg :]):
        n = JPEG_IN_MIXED[k % len(JPEG_IN_MIXED)]
        every[i] = tuple(rng.permutation(["jpeg"] * n + ["jpg"] * (len(STEMS) - n)).tolist())
    return every


def error_counts(identities: int, label_errors: bool | Mapping[str, int]) -> dict[str, int]:
    """How many identities get each kind of label error."""
    if isinstance(label_errors, Mapping):
        return {kind: int(label_errors.get(kind, 0)) for kind in ERRORS}
    if not label_errors or identities < FEWEST_FOR_ERRORS:
        return dict.fromkeys(ERRORS, 0)
    return {kind: scaled(n, identities) for kind, n in ERRORS.items()}


def _plant(population: list[DrawnIdentity], errors: Mapping[str, int], rng: np.random.Generator) -> None:
    """Make what is written wrong for some identities by changing what is true; what is written keeps its counts."""
    chosen = rng.choice(len(population), sum(errors.values()), replace=False).tolist()
    for kind, count in errors.items():
        for i in chosen[:count]:
            p = population[i]
            if kind == "swapped":
                population[i] = replace(p, swapped=True)
            elif kind == "flipped":
                population[i] = replace(p, true_gender="male" if p.gender == "female" else "female")
            else:
                spans = ((18, 26), (34, 55), (60, 61))
                low, high = spans[int(rng.choice([g for g in range(3) if g != age_group(p.age)]))]
                population[i] = replace(p, true_age=int(rng.integers(low, high)))
        chosen = chosen[count:]


def draw_identities(identities: int, errors: Mapping[str, int], seed: int) -> list[DrawnIdentity]:
    """The identities of the training folder, in order of id."""
    rng = np.random.default_rng([seed, 101])
    attributes = ages_and_genders(identities)
    rng.shuffle(attributes)
    ids = _ids(attributes, rng)
    _bring_twins(attributes, ids.index(f"{TWICE_USED_ID:06d}"))
    population = [
        DrawnIdentity(i, name, gender, age, gender, age, extensions=ext)
        for i, (name, (gender, age), ext) in enumerate(
            zip(ids, attributes, _extensions(identities, rng), strict=True)
        )
    ]
    _plant(population, errors, rng)
    return population


def draw_evaluation_identities(identities: int, seed: int) -> list[DrawnIdentity]:
    """The identities of the evaluation folder: correct labels, jpg only, ids that never reach a file name."""
    if not identities:
        return []
    attributes = ages_and_genders(identities)
    np.random.default_rng([seed, 102]).shuffle(attributes)
    return [
        DrawnIdentity(EVALUATION_INDEX + i, f"e{i:06d}", gender, age, gender, age, evaluation=True)
        for i, (gender, age) in enumerate(attributes)
    ]
