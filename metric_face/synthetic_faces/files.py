"""How drawn identities are written: image files, litter and tables in the mask competition's format."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from metric_face.synthetic_faces.draw import photographs
from metric_face.synthetic_faces.population import STEMS, DrawnIdentity, age_group

MASK_OF_STEM = {s: {"incorrect_mask": "incorrect", "normal": "normal"}.get(s, "wear") for s in STEMS}
MASK_CLASS = {"wear": 0, "incorrect": 1, "normal": 2}
# The head of an AppleDouble file, which macOS leaves beside every file it copies to a foreign disk.
LITTER = bytes.fromhex("0005160700020000") + b"Mac OS X        ".ljust(16) + bytes(152)


@dataclass(frozen=True)
class PlantedError:
    """One image whose written label is wrong."""

    folder: str
    file: str
    attribute: str
    true: str
    written: str


def write_identity(
    root: Path, identity: DrawnIdentity, size: tuple[int, int], age_noise: float, seed: int
) -> float:
    """Draw and write one identity's images and their litter; returns the apparent age."""
    images, age = photographs(
        identity.true_age, identity.true_gender, age_noise, size, (seed, identity.index)
    )
    folder = root / "eval/images" if identity.evaluation else root / "train/images" / identity.folder
    folder.mkdir(exist_ok=True)
    for stem, extension in zip(STEMS, identity.extensions, strict=True):
        shown = stem
        if identity.swapped:
            shown = {"normal": "incorrect_mask", "incorrect_mask": "normal"}.get(stem, stem)
        name = (
            f"{evaluation_name(seed, identity, stem)}.jpg" if identity.evaluation else f"{stem}.{extension}"
        )
        if name.endswith("png"):
            images[shown].save(folder / name, compress_level=3)
        else:
            images[shown].save(folder / name, format="JPEG", quality=90)
        (folder / f"._{name}").write_bytes(LITTER)
    return age


def evaluation_name(seed: int, identity: DrawnIdentity, stem: str) -> str:
    """The 40 hex digits of an evaluation image."""
    return hashlib.sha1(f"{seed}/{identity.index}/{stem}".encode(), usedforsecurity=False).hexdigest()


def joint_class(mask: str, gender: str, age: float) -> int:
    """The competition's class, 0 to 17."""
    return MASK_CLASS[mask] * 6 + (gender == "female") * 3 + age_group(age)


def planted_errors(population: list[DrawnIdentity]) -> tuple[PlantedError, ...]:
    """A row for every image and attribute whose written label is wrong."""
    rows = []
    for p in population:
        for stem, extension in zip(STEMS, p.extensions, strict=True):
            file, mask = f"{stem}.{extension}", MASK_OF_STEM[stem]
            if p.swapped and mask != "wear":
                true = "normal" if mask == "incorrect" else "incorrect"
                rows.append(PlantedError(p.folder, file, "mask", true, mask))
            if p.true_gender != p.gender:
                rows.append(PlantedError(p.folder, file, "gender", p.true_gender, p.gender))
            if p.true_age != p.age:
                rows.append(PlantedError(p.folder, file, "age", str(p.true_age), str(p.age)))
    return tuple(rows)


def make_folders(root: Path, evaluation_identities: int) -> None:
    """The folders that the images go to."""
    (root / "train/images").mkdir(parents=True)
    if evaluation_identities:
        (root / "eval/images").mkdir(parents=True)


def _csv(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def write_tables(
    root: Path,
    train: list[DrawnIdentity],
    evaluation: list[DrawnIdentity],
    planted: tuple[PlantedError, ...],
    ages: dict[str, float],
    seed: int,
) -> None:
    """The tables of the competition, and those of the true labels."""
    _csv(
        root / "train/train.csv",
        "id,gender,race,age,path",
        [f"{p.id},{p.gender},Asian,{p.age},{p.folder}" for p in train],
    )
    (root / "train/._train.csv").write_bytes(LITTER)
    _csv(
        root / "train_truth.csv",
        "path,gender,age,apparent_age",
        [f"{p.folder},{p.true_gender},{p.true_age},{ages[p.folder]:.3f}" for p in train],
    )
    _csv(
        root / "planted_errors.csv",
        "folder,file,attribute,true,written",
        [f"{e.folder},{e.file},{e.attribute},{e.true},{e.written}" for e in planted],
    )
    if not evaluation:
        return
    rows = []
    for p in evaluation:
        for stem in STEMS:
            mask = MASK_OF_STEM[stem]
            answer = joint_class(mask, p.true_gender, p.true_age)
            tail = f"{answer},{p.id},{mask},{p.true_gender},{p.true_age},{ages[p.folder]:.3f}"
            rows.append(f"{evaluation_name(seed, p, stem)}.jpg,{tail}")
    rows.sort()  # by name, which carries no information: an identity's images are scattered
    _csv(root / "eval/info.csv", "ImageID,ans", [f"{row.split(',')[0]},0" for row in rows])
    _csv(root / "eval_truth.csv", "ImageID,ans,identity,mask,gender,age,apparent_age", rows)
