"""How good a training is after 1, 3 and 10 minutes: our command, the timm loop, the recipe of pytorch-metric-learning.

``python -m benchmarks.anytime --shared ../shared`` trains what is missing and writes table and plot of what there is; a
stopped run goes on where it was. Ours trains once for each time, since ``train --time`` plans for it; a peer trains
once to the longest, and is scored with the weights that it had at each.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS, Kept, machine, publish, table
from benchmarks.peer_cells import OURS, Place, side_by_side
from benchmarks.peer_scores import Cell, best_predictor, interval
from benchmarks.peer_sets import SETS, WORDS, Labels
from benchmarks.peers_table import NAMES, worded
from metric_face.metrics import Interval
from metric_face.plurals import counted

RECIPES = (OURS, "timm", "pml")
START = "untrained"
Curves = dict[str, dict[str, list[Cell]]]  # recipe -> minutes -> a cell for each seed


def key_of(name: str, recipe: str, minutes: float, seed: int) -> str:
    """What a cell is kept under."""
    return f"{name}, {recipe}, {minutes:g} min, seed {seed}"


def main() -> None:
    """Train what is missing, then write table and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="holds data/ and weights/")
    parser.add_argument("--work", type=Path, default=Path("runs/anytime"), help="where trainings work")
    parser.add_argument("--sets", nargs="+", default=["masks3", "lfw", "utkface"], choices=list(SETS))
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--images", type=int, default=3600, help="of a set at most")
    parser.add_argument(
        "--cores", type=int, default=1, help="trainings side by side, each on a core of its own"
    )
    parser.add_argument("--note", default="", help="a sentence for the page, such as what else ran")
    parser.add_argument("--report", action="store_true", help="train nothing")
    wanted = parser.parse_args()
    minutes = sorted(wanted.minutes)
    place = Place(wanted.shared, wanted.work, wanted.images)
    kept = Kept("anytime", {"images": wanted.images, "longest": minutes[-1]})
    tasks = {} if wanted.report else trainings(place, kept, wanted.sets, minutes, wanted.seeds)
    for number, (told, found) in enumerate(side_by_side(tasks, wanted.cores)):
        for key, cell in found.items():
            kept.get(key, partial(dict, cell))
        print(f"{number + 1}/{len(tasks)} {told}", flush=True)
    curves = {name: of_set(kept, name, minutes, wanted.seeds) for name in wanted.sets}
    labels = {name: place.labels(name) for name, found in curves.items() if found}
    draw(curves, labels, minutes, RESULTS / "anytime.png")
    publish(
        "anytime",
        "How good a training is after some minutes",
        f"python -m benchmarks.anytime --shared ../shared --minutes {' '.join(f'{each:g}' for each in minutes)}",
        machine("torch", "timm", "pytorch-metric-learning"),
        [
            introduction(len(wanted.seeds)),
            *(section(name, curves[name], of, minutes) for name, of in labels.items()),
            "The curves are drawn in `anytime.png` beside this table.",
        ],
        note=wanted.note,
    )


def trainings(place: Place, kept: Kept, names: list[str], minutes: list[float], seeds: list[int]) -> Any:
    """What is not kept yet: a training of ours for each time, of a peer to the longest."""
    tasks: dict[str, Any] = {}
    for name in names:
        if not kept.has(key_of(name, START, 0, 0)):
            tasks[f"{name}, {START}"] = partial(train, place, name, START, 0, [0.0])
        for seed in seeds:
            for recipe in RECIPES:
                runs = [[each] for each in minutes] if recipe == OURS else [minutes]
                for times in runs:
                    if not all(kept.has(key_of(name, recipe, each, seed)) for each in times):
                        told = key_of(name, recipe, times[-1], seed)
                        tasks[told] = partial(train, place, name, recipe, seed, times)
    return tasks


def train(
    place: Place, name: str, recipe: str, seed: int, minutes: list[float], core: int
) -> dict[str, Cell]:
    """One training; its cells by their keys."""
    words = recipe if recipe in (OURS, START) else f"{recipe} --constant"
    found = place.train(name, words, seed, [60 * each for each in minutes], core)
    return {key_of(name, recipe, each, seed): found[f"{60 * each:g}"] for each in minutes}


def of_set(kept: Kept, name: str, minutes: list[float], seeds: list[int]) -> Curves:
    """The cells of a set that are there."""
    curves: Curves = {}
    for recipe in (START, *RECIPES):
        for each in [0.0] if recipe == START else minutes:
            for seed in seeds:
                key = key_of(name, recipe, each, seed)
                if kept.has(key):
                    curves.setdefault(recipe, {}).setdefault(f"{each:g}", []).append(kept.get(key, dict))
    return curves


def introduction(seeds: int) -> str:
    """What was measured."""
    return f"""EfficientNet-Lite0 (ImageNet weights) at 96 px on one core, {counted(seeds, "seeds")} of each; the sets,
the recipes and the scores are those of `benchmarks/results/peers.md`, but the learning rates of the peers do not fall,
since they are scored on their way. Best F1 is macro F1 of the best of head, kNN and probe, chosen on the images that it
is scored on, for every recipe alike; recall@1 is within the validation images. In brackets the 95 % interval over
identities. At 0 minutes stand the untrained features. The wall seconds of ours hold its start as a process; where they
are more than the time that it was given, so much was it late."""


def section(name: str, curves: Curves, labels: Labels, minutes: list[float]) -> str:
    """The table of one set."""
    rows = []
    for recipe, cells in curves.items():
        for score in scores_of(labels):
            times = [0.0] if recipe == START else minutes
            points = {each: point(labels, cells.get(f"{each:g}"), score) for each in times}
            rows.append(
                [NAMES[recipe], score, *(worded(points.get(each), lacking="") for each in [0.0, *minutes])]
            )
        if recipe != START:
            taken = [
                f"{np.mean([one['wall'] for one in cells.get(f'{each:g}', [])] or [np.nan]):.0f}"
                for each in minutes
            ]
            rows.append([NAMES[recipe], "wall s", "", *taken])
    header = ["recipe", "score", "0 min", *(f"{each:g} min" for each in minutes)]
    return f"## {name}\n\n{WORDS[name]}.\n\n{table(header, rows)}"


def scores_of(labels: Labels) -> list[str]:
    """The scores that are drawn of a set."""
    return ["best F1", "recall@1"] if labels.has_classes else ["recall@1"]


def point(labels: Labels, cells: list[Cell] | None, score: str) -> Interval | None:
    """A score with its interval."""
    if not cells:
        return None
    name = best_predictor(labels, cells) if score == "best F1" else "recall"
    return interval(labels, cells, name) if name else None


def draw(curves: dict[str, Curves], labels: dict[str, Labels], minutes: list[float], file: Path) -> None:
    """Plot each score of each set over the minutes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(name, score) for name, of in labels.items() for score in scores_of(of)]
    if not panels:
        return
    shape = {"figsize": (3.4 * len(panels), 3.4), "constrained_layout": True, "squeeze": False}
    figure, axes = plt.subplots(1, len(panels), **shape)
    for axis, (name, score) in zip(axes[0], panels, strict=True):
        for number, recipe in enumerate(RECIPES):
            cells = curves[name].get(recipe, {})
            found = {each: point(labels[name], cells.get(f"{each:g}"), score) for each in minutes}
            known = {each: (one.value, one.low, one.high) for each, one in found.items() if one}
            values = np.array(list(known.values())).reshape(-1, 3)
            axis.plot(list(known), values[:, 0], "os^"[number] + "-", label=NAMES[recipe], color=f"C{number}")
            axis.fill_between(list(known), values[:, 1], values[:, 2], color=f"C{number}", alpha=0.12)
        start = point(labels[name], curves[name].get(START, {}).get("0"), score)
        if start:
            axis.axhline(start.value, color="gray", linestyle=":", label=NAMES[START])
        axis.set(xscale="log", xlabel="minutes", title=f"{name}, {score}")
        axis.set_xticks(minutes, [f"{each:g}" for each in minutes])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize=7)
    figure.savefig(file, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
