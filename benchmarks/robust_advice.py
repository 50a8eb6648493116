"""How often the audit takes two pictures of one identity for copies of one photograph, and how many copies it finds.

``python -m benchmarks.robust_advice`` draws identities with seven pictures each, reads the real sets where they are
(``--data FOLDER`` with ``lfw``, ``utkface`` and ``masks3``), and counts what :func:`near_pairs` says.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import machine, publish, table
from metric_face.auditing.duplicates import near_pairs
from metric_face.auditing.inspection import inspect_data
from metric_face.data.fingerprints import take_fingerprints
from metric_face.data.images import open_image
from metric_face.data.table import ImageTable
from metric_face.synthetic_faces.faces import make_faces

SETS = ("lfw", "utkface", "masks3")
COPIES = ((1.0, 70), (0.75, 85), (0.6, 60), (0.5, 70), (0.5, 40))
"""Scale and JPEG quality of a copy."""


def main() -> None:
    """Measure, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--identities", type=int, default=150)
    parser.add_argument("--copies", type=int, default=200)
    parser.add_argument(
        "--quick", action="store_true", help="few identities and copies, drawn identities only"
    )
    chosen = parser.parse_args()
    identities, copies = (40, 40) if chosen.quick else (chosen.identities, chosen.copies)
    alarms, found, said = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, images in _sets(chosen.data, identities, Path(folder), chosen.quick):
            prints = take_fingerprints(images.paths)
            pairs = near_pairs(prints.pictures, prints.digests)
            who = images.identities
            alarms.append(_alarms(name, images, who, pairs))
            found.append((name, *_copies_found(images, prints.pictures, copies, Path(folder))))
            report = inspect_data(images, workers=2)
            claims = [f for f in report.findings if f.id == "near-copies-disagree"]
            said.append((name, claims[0].sentence.split(":")[0] if claims else "nothing"))
    heads = ("copy, scale and quality", *(f"{scale:g} q{quality}" for scale, quality in COPIES))
    options = " --quick" if chosen.quick else f" --identities {identities} --copies {copies}"
    command = f"python -m benchmarks.robust_advice{options}"
    publish(
        "robustness-advice",
        "Advice that tells a user to change data or answers: how often it is wrong",
        command,
        machine("numpy", "pillow"),
        [
            "Pairs that `audit` calls nearly equal pictures. Of drawn identities no two pictures are copies, so each "
            "flagged pair of theirs is a false alarm. Of the real sets, pairs of one identity may be one photograph "
            "published twice: the count is an upper bound of false alarms.",
            table(
                ("set", "images", "pairs of one identity", "of these flagged", "other flagged pairs"), alarms
            ),
            f"Copies found, of {copies} images of each set, saved again as JPEG:",
            table(heads, found),
            "What `audit` then says of labels that disagree (on two pictures of one identity a label that varies in "
            "identities, such as a mask, is never held against them):",
            table(("set", "said of nearly equal pictures"), said),
        ],
    )


def _sets(data: Path, identities: int, folder: Path, quick: bool) -> Iterator[tuple[str, ImageTable]]:
    make_faces(folder / "faces", identities=identities, seed=0, label_errors=False, workers=1)
    drawn = ImageTable.read(folder / "faces")
    yield "drawn identities", drawn
    yield "drawn identities, not named", drawn.without("identity")
    for name in () if quick else SETS:
        if (data / name).is_dir():
            yield name, ImageTable.read(data / name)


def _alarms(
    name: str, images: ImageTable, who: NDArray[Any] | None, pairs: list[tuple[int, int]]
) -> tuple[object, ...]:
    if who is None:
        return name, len(images), "not known", "-", len(pairs)
    counts = np.unique(who, return_counts=True)[1]
    same = sum(bool(who[i] == who[j]) for i, j in pairs)
    return name, len(images), f"{int((counts * (counts - 1) // 2).sum()):,}", same, len(pairs) - same


def _copies_found(images: ImageTable, pictures: NDArray[np.uint8], count: int, folder: Path) -> list[str]:
    """The share of saved copies that pair with their original, by kind of copy."""
    chosen = np.random.default_rng(0).choice(len(images), min(count, len(images)), replace=False)
    shares = []
    for scale, quality in COPIES:
        paths = []
        for row in chosen:
            image = open_image(images.paths[row])
            size = (max(round(image.width * scale), 8), max(round(image.height * scale), 8))
            paths.append(folder / f"{row}.jpg")
            image.resize(size).save(paths[-1], quality=quality)
        both = np.concatenate([pictures[chosen], take_fingerprints(paths).pictures])
        pairs = set(near_pairs(both))
        hits = sum((place, place + len(chosen)) in pairs for place in range(len(chosen)))
        shares.append(f"{hits / len(chosen):.1%}")
    return shares


if __name__ == "__main__":
    main()
