"""The tables of `benchmarks.peers`: a set's scores by recipe, and how ours compares with the best peer."""

import numpy as np

from benchmarks.harness import table
from benchmarks.peer_cells import OURS
from benchmarks.peer_scores import SCORES, Cell, best_predictor, difference, interval
from benchmarks.peer_sets import WORDS, Labels
from metric_face.metrics import Interval

Found = dict[str, list[Cell]]
NAMES = {
    "untrained": "untrained features",
    OURS: "`metric-face train --time`",
    "timm": "timm loop",
    "pml": "pytorch-metric-learning recipe",
    "oml": "open-metric-learning recipe",
}


def introduction(minutes: float, missing: list[str], cells: int) -> str:
    """What was measured, and how much is missing."""
    return f"""EfficientNet-Lite0 (ImageNet weights) at 96 px, {minutes:g} minutes of wall time for each training on one
core, counted from when its packages are loaded: the same images, labels and split for all; reading images and what ours
measures of the start count, embedding and scoring afterwards do not. Ours is the command with its defaults, told the
set, the weights, the size and the seed; it keeps its best weights by validation, the peers their last. The peers are
written as their users would (`benchmarks/peer_recipes.py`). The timm loop is cross-entropy of the joint class or the
identity, AdamW with 3e-4 for the trunk, 3e-3 for the head and a cosine by the clock. The recipe of
pytorch-metric-learning is the networks and parts of its example TrainWithClassifier, with batch-hard triplets and rates
ten times its own, since its own move little in minutes. open-metric-learning is not installed here, so its recipe is
written from its documentation with parts of PyTorch and pytorch-metric-learning. All peers train in channels_last with
timm's transforms, crops of half of the area at least, and with batch-norm statistics that move, as their recipes have
it. Where a peer ends below the untrained features, that is the first thing to change: `--recipes "timm --frozen-norm"`.

kNN (20 neighbors) and the probe are fitted to the training images; recall@1 and MAP@R are within the validation images,
by class without the query's own photograph, or by identity. F1 is macro F1 of the joint class. 95 % intervals are over
identities (masks3: photographs; omniglot: alphabets; utkface: contents), the seeds pooled. Processor seconds show what
a training had of its core while the machine was shared; those of ours and its wall seconds hold its start as a process.

{cells - len(missing)} of {cells} cells (set, recipe, seed) were measured; {len(missing)} are missing."""


def coverage(missing: list[str]) -> str:
    """The cells that are missing, one a line; nothing where there are none."""
    return table(["missing"], [[key] for key in missing]) if missing else ""


def verdicts(found: dict[str, Found], labels: dict[str, Labels]) -> str:
    """How ours compares with the best peer, score by score."""
    rows = []
    for name, of in labels.items():
        peers = {recipe: cells for recipe, cells in found[name].items() if recipe not in (OURS, "untrained")}
        ours = found[name].get(OURS)
        if not ours or not peers:
            continue
        names = [key for key in SCORES if interval(of, ours, key) is not None]
        best = best_predictor(of, ours)
        if best is not None:
            rows.append([name, "best predictor's F1", *_best_rows(of, ours, peers, best)])
        rows += [[name, SCORES[key], *_row(of, ours, peers, key)] for key in names]
    header = ["set", "score", "ours", "best peer", "difference", "verdict"]
    shown = table(header, rows)
    return f"""## Ours beside the best peer

The best peer is chosen by the same scores that are compared, which favors it. The difference is paired by image; ahead
or behind is said where its interval leaves out zero, and of MAP@R, which has none here, only which is larger.

{shown}"""


def section(name: str, found: Found, labels: Labels) -> str:
    """The table of one set."""
    scores = [key for key in SCORES if any(interval(labels, cells, key) for cells in found.values())]
    rows = []
    for recipe, cells in found.items():
        shown = [worded(interval(labels, cells, key)) for key in scores]
        wall, processor = (f"{np.mean([cell[kind] for cell in cells]):.0f}" for kind in ("wall", "processor"))
        notes = "; ".join(dict.fromkeys(cell["note"] for cell in cells)) if recipe != "untrained" else ""
        rows.append([NAMES.get(recipe, recipe), str(len(cells)), *shown, wall, processor, notes])
    header = ["recipe", "seeds", *(SCORES[key] for key in scores), "wall s", "processor s", "trained"]
    train, val = int(labels.train.sum()), int((~labels.train).sum())
    groups = len(np.unique(labels.groups[~labels.train]))
    words = f"{WORDS[name]}; {train:,} images to train, {val:,} of {groups} groups to validate."
    return f"## {name}\n\n{words}\n\n{table(header, rows)}"


def _row(labels: Labels, ours: list[Cell], peers: Found, score: str) -> list[str]:
    """Ours, the best peer, the difference and what it says."""
    values = {recipe: one for recipe, cells in peers.items() if (one := interval(labels, cells, score))}
    own = interval(labels, ours, score)
    if not values or own is None:
        return [worded(own), "none has it", "", ""]
    best = max(values, key=lambda recipe: values[recipe].value)
    gain = difference(labels, ours, peers[best], score)
    return [
        f"{own.value:.3f}",
        f"{best} {values[best].value:.3f}",
        worded(gain, signed=True),
        _verdict(gain, score),
    ]


def _best_rows(labels: Labels, ours: list[Cell], peers: Found, own: str) -> list[str]:
    """The same of the highest of head, kNN and probe, which may be another predictor for each recipe."""
    shown = {}
    for recipe, cells in peers.items():
        predictor = best_predictor(labels, cells)
        one = predictor and interval(labels, cells, predictor)
        if predictor and one:
            shown[recipe] = (one.value, predictor)
    best = max(shown, key=lambda recipe: shown[recipe])
    value, predictor = shown[best]
    renamed = [{own: cell[predictor]} for cell in peers[best]]
    gain = difference(labels, ours, renamed, own)
    mine = interval(labels, ours, own)
    assert mine is not None
    words = f"{best} {value:.3f} ({SCORES[predictor]})"
    return [
        f"{mine.value:.3f} ({SCORES[own]})",
        words,
        worded(gain, signed=True),
        _verdict(gain, own),
    ]


def _verdict(gain: Interval, score: str) -> str:
    if score == "map":
        return "larger" if gain.value > 0 else "smaller"
    if not gain.excludes_zero():
        return "level"
    return "ahead" if gain.value > 0 else "behind"


def worded(one: Interval | None, *, signed: bool = False, lacking: str = "none") -> str:
    """A cell of a table: a value with its interval, or the word for where there is none."""
    if one is None:
        return lacking
    value = f"{one.value:+.3f}" if signed else f"{one.value:.3f}"
    if np.isnan(one.low):
        return value
    return (
        f"{value} [{one.low:+.3f}, {one.high:+.3f}]" if signed else f"{value} [{one.low:.3f}, {one.high:.3f}]"
    )
