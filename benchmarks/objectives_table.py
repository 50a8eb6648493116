"""The tables of `benchmarks.objectives`: scores, differences to cross-entropy, and the angle between the losses."""

from typing import Any

import numpy as np

from benchmarks.harness import table
from metric_face.scores.intervals import bootstrap_interval

JUDGES = ("head", "knn", "probe")
BASELINE = "ce"
INTRODUCTION = """Macro F1 on people (masks3: photographs) held out, of the head, of 20 neighbours and of a linear
probe, with 95 % intervals that resample people; the seeds are pooled. "- ce" is the difference to plain
cross-entropy on the same people, * where its interval leaves out zero. kappa is the corrected cosine between the
two sides of the loss (the triplet, or soft F1 without a triplet, against the rest) during training, one interval
a seed. timm's test_resnet (0.4 M weights) from scratch at 40 px, D = 64, AdamW 2e-3 with a cosine, flips alone;
nothing is selected on the images judged."""


def section(name: str, cells: dict[str, list[dict[str, Any]]]) -> str:
    """The table of one data set. Seeds are pooled; the interval resamples people, all seeds of one together."""
    header = ["objective", "seeds", *JUDGES, *(f"{judge} - ce" for judge in JUDGES), "kappa"]
    base = cells.get(BASELINE, [])
    with_recall = any("recall" in cell for cell in base)
    rows = []
    for arm, runs in cells.items():
        row: list[str] = [arm, str(len(runs))]
        pooled = {key: np.concatenate([run[key] for run in runs]) for key in ("true", "people", *JUDGES)}
        classes = int(runs[0]["classes"])
        for judge_name in JUDGES:
            score = bootstrap_interval(
                pooled["true"], pooled[judge_name], pooled["people"], num_classes=classes, resamples=500
            )
            row.append(f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]")
        for judge_name in JUDGES:
            if arm == BASELINE or len(base) != len(runs):
                row.append("")
                continue
            other = np.concatenate([run[judge_name] for run in base])
            gain = bootstrap_interval(
                pooled["true"],
                pooled[judge_name],
                pooled["people"],
                other=other,
                num_classes=classes,
                resamples=500,
            )
            row.append(
                f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]{' *' if gain.excludes_zero() else ''}"
            )
        row.append(_kappa(runs))
        if with_recall:
            row.append(f"{np.mean([run['recall'] for run in runs]):.3f}")
        rows.append(row)
    if with_recall:
        header.append("recall@1 of the person")
    first = next(iter(cells.values()))[0]
    budget = f"{first['steps']} steps of {first['images']} images"
    spread = [np.std([_f1(run, "head") for run in runs], ddof=1) for runs in cells.values() if len(runs) > 1]
    floor = np.mean([run["seconds"] / run["steps"] for runs in cells.values() for run in runs])
    return (
        f"## {name}\n\n{len(first['true'])} images of {len(np.unique(first['people']))} people held out, "
        f"{int(first['classes'])} classes, {budget}, {floor:.2f} s a step. "
        f"Standard deviation of the head's macro F1 between seeds: {np.mean(spread) if spread else float('nan'):.3f}."
        f"\n\n{table(header, rows)}"
    )


def _f1(run: dict[str, Any], judge_name: str) -> float:
    from metric_face.metrics import macro_f1

    return macro_f1(run["true"], run[judge_name], int(run["classes"]))


def _kappa(runs: list[dict[str, Any]]) -> str:
    said = [run["kappa"] for run in runs if run["kappa"] is not None and run["kappa"]["abstains"] is None]
    if not said:
        why = next((run["kappa"]["abstains"] for run in runs if run["kappa"] is not None), None)
        return "" if why is None else "abstains"
    return "; ".join(f"{k['kappa']:+.2f} [{k['low']:+.2f}, {k['high']:+.2f}]" for k in said)
