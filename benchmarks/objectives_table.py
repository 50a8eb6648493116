"""The tables of `benchmarks.objectives`: scores, differences to cross-entropy, and the angle between the losses."""

from typing import Any

import numpy as np

from benchmarks.harness import table
from metric_face.metrics.intervals import Interval, bootstrap_interval

JUDGES = ("head", "knn", "probe")
BASELINE, CONTROL = "ce", "ce, P x K batches"
INTRODUCTION = """Macro F1 on identities (masks3: photographs) held out, of the head, of 20 neighbors and of a linear
probe, with 95 % intervals that resample identities; the seeds are pooled. Below them the difference to plain
cross-entropy on the same identities, and to cross-entropy on the batches that the triplet gets, the control that
tells what
the sampler does from what the loss does; * where the interval leaves out zero. kappa is the corrected cosine between
the two sides of the loss (the triplet, or soft F1 without a triplet, against the rest) during training, one interval a
seed. timm's test_resnet (0.4 M weights) from scratch at 40 px, D = 64, AdamW 2e-3 with a cosine, flips alone; nothing
is selected on the images judged. Times a step are wall clock of one thread on a busy machine."""

Cells = list[dict[str, Any]]


def section(name: str, cells: dict[str, Cells]) -> str:
    """The tables of one data set. Seeds are pooled; the interval resamples identities, all seeds of one together."""
    with_recall = "recall" in next(iter(cells.values()))[0]
    header = [
        "objective",
        "seeds",
        *JUDGES,
        "kappa",
        "ms a step",
        *(["recall@1 of the identity"] * with_recall),
    ]
    rows = []
    for arm, runs in cells.items():
        scores = [f"{s.value:.3f} [{s.low:.3f}, {s.high:.3f}]" for s in (_interval(runs, j) for j in JUDGES)]
        pace = f"{1000 * np.median([run['seconds'] / run['steps'] for run in runs]):.0f}"
        rows.append([arm, str(len(runs)), *scores, _kappa(runs), pace])
        if with_recall:
            rows[-1].append(f"{np.mean([run['recall'] for run in runs]):.3f}")
    first = next(iter(cells.values()))[0]
    spread = [np.std([_f1(run, "head") for run in runs], ddof=1) for runs in cells.values() if len(runs) > 1]
    return (
        f"## {name}\n\n{len(first['true'])} images of {len(np.unique(first['identities']))} identities held out, "
        f"{int(first['classes'])} classes, {first['steps']} steps of {first['images']} images. "
        f"Standard deviation of the head's macro F1 between seeds: {np.mean(spread) if spread else float('nan'):.3f}."
        f"\n\n{table(header, rows)}\n\n{_differences(cells)}"
    )


def _differences(cells: dict[str, Cells]) -> str:
    """What each objective adds to the baseline, and those on identity batches to the control."""
    bases = [base for base in (BASELINE, CONTROL) if base in cells]
    rows = []
    for arm, runs in cells.items():
        row = [arm]
        for base in bases:
            fair = arm != base and len(cells[base]) == len(runs) and (base == BASELINE or "triplet" in arm)
            row += [_gain(runs, cells[base], judge) if fair else "" for judge in JUDGES]
        if any(row[1:]):
            rows.append(row)
    return table(["objective", *(f"{judge} - {base}" for base in bases for judge in JUDGES)], rows)


def _gain(runs: Cells, base: Cells, judge: str) -> str:
    gain = _interval(runs, judge, np.concatenate([run[judge] for run in base]))
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]{' *' if gain.excludes_zero() else ''}"


def _interval(runs: Cells, judge: str, other: Any = None) -> Interval:
    true, said, identities = (
        np.concatenate([run[key] for run in runs]) for key in ("true", judge, "identities")
    )
    classes = int(runs[0]["classes"])
    return bootstrap_interval(true, said, identities, other=other, num_classes=classes, resamples=500)


def _f1(run: dict[str, Any], judge_name: str) -> float:
    from metric_face.metrics import macro_f1

    return macro_f1(run["true"], run[judge_name], int(run["classes"]))


def _kappa(runs: list[dict[str, Any]]) -> str:
    said = [run["kappa"] for run in runs if run["kappa"] is not None and run["kappa"]["abstains"] is None]
    if not said:
        why = next((run["kappa"]["abstains"] for run in runs if run["kappa"] is not None), None)
        return "" if why is None else "abstains"
    return "; ".join(f"{k['kappa']:+.2f} [{k['low']:+.2f}, {k['high']:+.2f}]" for k in said)
