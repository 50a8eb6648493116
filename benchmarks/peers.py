"""Our command beside three peers at equal wall clock: four real sets, from one pretrained backbone, on one core each.

``python -m benchmarks.peers --shared ../shared`` trains what is missing, one cell (set, recipe, seed) after the other
or ``--cores`` side by side, and writes the table of what there is; a stopped run goes on where it was. ``--report``
only writes the table.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Kept, machine, publish
from benchmarks.peer_cells import OURS, Place, side_by_side
from benchmarks.peer_sets import SETS
from benchmarks.peers_table import coverage, introduction, section, verdicts

RECIPES = (OURS, "timm", "pml", "oml")
START = "untrained"


def cells(names: list[str], recipes: list[str], seeds: list[int]) -> list[tuple[str, str, int]]:
    """All cells: of each set the untrained features, then one seed of every recipe before the next."""
    every = []
    for name in names:
        every.append((name, START, 0))
        every += [(name, recipe, seed) for seed in seeds for recipe in recipes]
    return every


def key_of(name: str, recipe: str, seed: int) -> str:
    """What a cell is kept under."""
    return f"{name}, {recipe}, seed {seed}"


def main() -> None:
    """Train what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="holds data/ and weights/")
    parser.add_argument("--work", type=Path, default=Path("runs/peers"), help="where trainings work")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--minutes", type=float, default=3.0, help="of wall time for each training")
    parser.add_argument("--images", type=int, default=3600, help="of a set at most")
    parser.add_argument(
        "--cores", type=int, default=1, help="trainings side by side, each on a core of its own"
    )
    parser.add_argument(
        "--again", nargs="*", default=[], help="cells to measure anew, such as 'lfw, timm, seed 0'"
    )
    parser.add_argument("--note", default="", help="a sentence for the page, such as what else ran")
    parser.add_argument("--report", action="store_true", help="train nothing")
    wanted = parser.parse_args()
    place = Place(wanted.shared, wanted.work, wanted.images)
    kept = Kept("peers", {"minutes": wanted.minutes, "images": wanted.images})
    for again in wanted.again:
        kept.drop(again)
    every = cells(wanted.sets, wanted.recipes, wanted.seeds)
    todo = [cell for cell in every if not kept.has(key_of(*cell)) and not wanted.report]
    seconds = [wanted.minutes * 60]
    tasks = {key_of(*cell): partial(train, place, *cell, seconds) for cell in todo}
    for number, (key, found) in enumerate(side_by_side(tasks, wanted.cores)):
        kept.get(key, partial(dict, found))
        print(f"{number + 1}/{len(todo)} {key}: {found['note']}, {found['processor']:.0f} s", flush=True)
    found = {name: of_set(kept, name, wanted.recipes, wanted.seeds) for name in wanted.sets}
    missing = [key_of(*cell) for cell in every if not kept.has(key_of(*cell))]
    labels = {name: place.labels(name) for name, cells in found.items() if cells}
    publish(
        "peers",
        "Our command beside three peers at equal wall clock",
        f"python -m benchmarks.peers --shared ../shared --minutes {wanted.minutes:g}",
        machine("torch", "timm", "pytorch-metric-learning"),
        [
            introduction(wanted.minutes, missing, len(every)),
            verdicts(found, labels),
            *(section(name, found[name], of) for name, of in labels.items()),
            *([coverage(missing)] if missing else []),
        ],
        note=wanted.note,
    )


def train(place: Place, name: str, recipe: str, seed: int, seconds: list[float], core: int) -> Any:
    """One cell."""
    return next(iter(place.train(name, recipe, seed, seconds, core).values()))


def of_set(kept: Kept, name: str, recipes: list[str], seeds: list[int]) -> dict[str, list[Any]]:
    """The cells of a set that are there, by recipe."""
    found: dict[str, list[Any]] = {}
    for recipe in [START, *recipes]:
        for seed in seeds:
            if kept.has(key_of(name, recipe, seed)):
                found.setdefault(recipe, []).append(kept.get(key_of(name, recipe, seed), dict))
    return found


if __name__ == "__main__":
    main()
