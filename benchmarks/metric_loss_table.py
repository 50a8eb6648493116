"""The tables of `benchmarks.metric_loss`: scores, and differences to no metric loss with intervals over identities."""

from typing import Any

import numpy as np

from benchmarks.harness import table
from metric_face.metrics import macro_f1

INTRODUCTION = """EfficientNet-Lite0 (ImageNet weights) at 96 px, frozen; its features of image and mirror image are
trained on: feature dropout .2, a projection to 256 that starts as the discriminant of the metric label or as whitened
PCA, neck, head of the joint class where there are classes; AdamW 1e-3 with a cosine, about 330 steps of 128 images. By
identity on lfw and omniglot (300 characters, split by alphabet), by joint class on masks3 (split by photograph) and
utkface (gender x age). No epoch is chosen: the last weights count, so nothing is selected on validation. The seeds are
pooled. In brackets the difference to no metric loss from the same start, with a 95 % interval of a paired bootstrap
over identities (masks3: photographs; omniglot: alphabets; utkface: images); * where it leaves out zero."""

Cells = list[dict[str, Any]]
Found = dict[tuple[str, str], Cells]
RESAMPLES = 500


def section(name: str, found: Found) -> str:
    """The table of one set."""
    first = next(iter(found.values()))[0]
    columns = (["head", "knn"] if "head" in first else []) + ["recall"]
    rows = []
    for (start, arm), cells in found.items():
        base = found.get((start, "none"))
        scores = [_shown(cells, None if arm == "none" else base, column) for column in columns]
        rows.append([start, arm, str(len(cells)), *scores, f"{np.mean([c['seconds'] for c in cells]):.0f}"])
    named = {"head": "head, macro F1", "knn": "kNN, macro F1", "recall": "recall@1"}
    header = ["projection starts", "metric loss", "seeds", *(named[c] for c in columns), "processor s"]
    images, groups = len(first["identities"]), len(np.unique(first["identities"]))
    return f"## {name}\n\n{images} validation images of {groups} identities.\n\n{table(header, rows)}"


def choices(found: dict[str, Found]) -> str:
    """What the defaults follow: per set the losses that are better or worse than none beyond their intervals."""
    rows = []
    for name, arms in found.items():
        columns = [c for c in ("head", "knn", "recall") if c in next(iter(arms.values()))[0] or c == "recall"]
        for start in dict.fromkeys(start for start, _ in arms):
            base = arms.get((start, "none"))
            if base is None:
                continue
            better, worse = [], []
            for (of, arm), cells in arms.items():
                if of != start or arm == "none":
                    continue
                ends = [_difference(cells, base, column) for column in columns]
                if any(high < 0 for _, _, high in ends):
                    worse.append(arm)
                elif any(low > 0 for _, low, _ in ends):
                    better.append(arm)
            rows.append([name, start, ", ".join(better) or "no loss", ", ".join(worse) or "no loss"])
    header = ["set", "projection starts", "better in some score and worse in none", "worse in some score"]
    return "## Which losses help\n\nBy the intervals below.\n\n" + table(header, rows)


def _shown(cells: Cells, base: Cells | None, column: str) -> str:
    value = np.mean([_score(cell, column, np.ones(_identities(cell))) for cell in cells])
    if base is None:
        return f"{value:.3f}"
    gain, low, high = _difference(cells, base, column)
    return f"{value:.3f} ({gain:+.3f} [{low:+.3f}, {high:+.3f}]{'*' if low > 0 or high < 0 else ''})"


def _difference(cells: Cells, base: Cells, column: str) -> tuple[float, float, float]:
    """The mean difference over seeds, with the ends of its interval; a base of one seed stands for all."""
    pairs = list(zip(cells, base * len(cells) if len(base) == 1 else base, strict=False))
    rng, count = np.random.default_rng(0), _identities(cells[0])

    def gain(weights: np.ndarray[Any, Any]) -> float:
        return float(np.mean([_score(a, column, weights) - _score(b, column, weights) for a, b in pairs]))

    drawn = [gain(np.bincount(rng.integers(count, size=count), minlength=count)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return gain(np.ones(count)), float(low), float(high)


def _identities(cell: dict[str, Any]) -> int:
    return int(cell["identities"].max()) + 1


def _score(cell: dict[str, Any], column: str, weights: np.ndarray[Any, Any]) -> float:
    """A score with the images of each identity weighted: resampled as often as it was drawn."""
    mine = weights[cell["identities"]]
    if column == "recall":
        mine = mine * cell["counted"]
        return float((mine * cell["hit"]).sum() / max(1, mine.sum()))
    rows = np.repeat(np.arange(len(mine)), mine.astype(int))
    return macro_f1(cell["true"][rows], cell[column][rows], int(cell["classes"]))
