"""Small trainings with known properties, shared by the tests of the diagnosis."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from metric_face import diagnose
from metric_face.visualization.projection import Projection

CLASSES = {
    "mask": ("worn", "incorrect", "not worn"),
    "gender": ("male", "female"),
    "age": ("<30", "30-59", ">=60"),
}
HOSTILE = "<script>alert(1)</script>"
COLUMNS = 30
"""Of the map that :func:`grid` lays out."""
MASKS = (0, 0, 1, 1, 2, 2)


def small_run(
    seed: int = 0, identities: int = 320, dimensions: int = 24, *, gap: float = 4.0, age_noise: float = 1.0
) -> dict[str, Any]:
    """Identities with six images each, three attributes and nothing wrong; the arguments of ``diagnose``.

    ``gap`` parts the mask and gender classes, in standard deviations of the noise around them.
    """
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(identities), len(MASKS))
    gender = rng.integers(0, 2, identities)
    age = np.concatenate([rng.uniform(18, 28, identities // 3), rng.uniform(32, 57, identities // 3)])
    age = np.round(rng.permutation(np.concatenate([age, rng.uniform(63, 80, identities - len(age))])))
    mask = np.tile(MASKS, identities)
    axes = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0]
    told = np.column_stack(
        [
            gap * np.eye(3)[mask] / np.sqrt(2),
            (gap * gender)[who],
            ((age - 40 + age_noise * rng.normal(size=identities)) / 5)[who],
        ]
    )
    noise = rng.normal(size=(len(who), dimensions))
    noise[:, :5] = np.column_stack(
        [rng.normal(size=(len(who), 3)), rng.normal(size=identities)[who], 0.2 * noise[:, 4]]
    )
    vectors = (np.pad(told, ((0, 0), (0, dimensions - 5))) + noise) @ axes.T
    vectors += (0.5 * rng.normal(size=(identities, dimensions)))[who] @ axes.T
    held = rng.permutation(identities) < identities // 2
    return {
        "embeddings": vectors.astype(np.float32),
        "labels": {
            "mask": mask,
            "gender": gender[who],
            "age": ((age >= 30).astype(np.int64) + (age >= 60))[who],
        },
        "identities": who,
        "classes": CLASSES,
        "split": np.where(held[who], "val", "train"),
        "raw_values": {"age": age[who]},
        "cuts": {"age": (30.0, 60.0)},
        "seed": seed,
    }


def found(diagnosis: Any) -> list[str]:
    """Ids of the findings, in order."""
    return [finding.id for finding in diagnosis.findings]


def color_of(row: int) -> tuple[int, int, int]:
    """The color of a row's image in :func:`faulty_faces`."""
    return (row * 97) % 250, (row * 61) % 256, (row * 37) % 241


def faulty_faces(folder: Path) -> Any:
    """Diagnose a training with wrong genders, a hostile class name, and an image of its own color for each row."""
    run = small_run(1, identities=100)
    wrong = np.random.default_rng(1).random(600) < 0.05
    run["labels"]["gender"] = np.where(wrong, 1 - run["labels"]["gender"], run["labels"]["gender"])
    paths = [folder / f"{row}.png" for row in range(len(wrong))]
    for row, path in enumerate(paths):
        Image.new("RGB", (24, 24), color_of(row)).save(path)
    result = diagnose(**(run | {"classes": CLASSES | {"gender": (HOSTILE, "female")}}), images=paths)
    assert "label_errors.wrong" in found(result)
    return result


def grid(count: int = 600) -> Projection:
    """Points in rows of thirty, so that none hides another."""
    place = np.arange(count)
    return Projection(np.stack([place % COLUMNS, place // COLUMNS], axis=1).astype(np.float32), 0, 15, 0.1)
