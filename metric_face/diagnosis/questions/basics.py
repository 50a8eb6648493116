"""The basics: where the weights started, the learning rate applied, the checkpoint's metric, validation, the split.

Facts of the set-up come in ``settings``:

``monitor``             what the best checkpoint was chosen by, such as ``val/macro_f1``
``validation_drop_last``  whether the validation loader drops its last, incomplete batch
``validation_batch_size`` images in its batches
``label_smoothing``     the smoothing in effect, and ``label_smoothing_wanted`` the one asked for
``start``               where the weights come from, as ``run.json`` has it: ``weights`` is ``scratch`` or a source of
                        trained ones, ``own`` the transform that those were trained with
``transform``           the evaluation transform in effect, as ``model.json`` has it
``training``            how the training from trained weights ended, as :func:`.below_start.below_start` reads it
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from metric_face.arrays import Doubles
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.below_start import below_start
from metric_face.diagnosis.measures.training_log import aligned, series

STUCK = 1e-7
"""|update| / |weight| of a step below which nothing is learned in any usual number of steps; 1e-3 is usual."""
APART = 10.0
"""Times by which the applied learning rate must miss the planned one."""
LEAST_COST = 0.01
"""Macro F1 that the checkpoint's metric must have cost."""
FEWEST_STEPS = 5
FEW_FROM_SCRATCH = 20_000
"""Training images below which trained weights nearly always beat a random start."""
MOST_SHOWN = 120  # points of a line on the page


def ask(context: Context) -> Outcome:
    """Check what needs no statistics."""
    findings: list[Finding | None] = [
        _learning_rate(context),
        _checkpoint(context),
        _drop_last(context),
        _smoothing(context),
    ]
    findings += [
        _from_scratch(context),
        _preprocessing(context),
        _below_start(context),
        *_missing_classes(context),
    ]
    missing = () if context.log is not None else (Abstention("basics", "no_log"),)
    tables = (_rates(context), *_start(context))
    return Outcome(tuple(f for f in findings if f is not None), tables, missing)


def _learning_rate(context: Context) -> Finding | None:
    """Applied against planned where the plan is known; else whether the weights move at all."""
    both = aligned(context.log, "learning_rate", "learning_rate_planned")
    if both is not None and len(both[0]) >= FEWEST_STEPS:
        applied, planned = both
        counted = planned > 0.05 * planned.max()  # the ends of a schedule are near zero by design
        ratio = applied[counted] / planned[counted]
        off = (ratio < 1 / APART) | (ratio > APART)
        if counted.sum() >= FEWEST_STEPS and off.mean() > 0.5:
            values = {
                "applied": float(np.median(applied[counted])),
                "planned": float(np.median(planned[counted])),
                "highest": float(planned.max()),
                "steps": len(applied),
            }
            picture = {
                "kind": "lines",
                "log": True,
                "series": {"applied": _thin(applied), "planned": _thin(planned)},
            }
            return Finding(
                "basics.learning_rate",
                Measure(float(np.median(ratio)), null=1.0),
                values,
                Tier.SPOILER,
                Confidence.CERTAIN,
                picture=picture,
            )
    moved = series(context.log, "update_ratio")
    if moved is not None and len(moved) >= FEWEST_STEPS and float(np.median(moved)) < STUCK:
        picture = {"kind": "lines", "log": True, "series": {"moved": _thin(moved)}}
        values = {"steps": len(moved), "usual": 1e-3}
        measure = Measure(float(np.median(moved)), null=1e-3)
        return Finding("basics.frozen", measure, values, Tier.SPOILER, Confidence.CERTAIN, picture=picture)
    return None


def _checkpoint(context: Context) -> Finding | None:
    """Macro F1 lost by choosing the checkpoint by another metric."""
    monitor = str(context.settings.get("monitor", ""))
    if not monitor or "f1" in monitor.lower():
        return None
    scores = series(context.log, "macro_f1")
    chosen = aligned(context.log, "macro_f1", "accuracy") if "acc" in monitor.lower() else None
    if scores is None or chosen is None:
        return None
    at = int(np.argmax(chosen[1]))
    lost = float(chosen[0].max() - chosen[0][at])
    if lost < LEAST_COST:
        return None
    values = {"monitor": monitor, "chosen": float(chosen[0][at]), "best": float(chosen[0].max())}
    picture = {"kind": "lines", "series": {"macro_f1": _thin(chosen[0]), "accuracy": _thin(chosen[1])}}
    return Finding("basics.checkpoint", Measure(lost), values, explained=lost, picture=picture)


def _drop_last(context: Context) -> Finding | None:
    """Images that validation silently leaves out."""
    size = context.settings.get("validation_batch_size")
    if not context.settings.get("validation_drop_last") or not size or context.in_held_out is None:
        return None
    images = int(context.in_held_out.sum())
    lost = images % int(size)
    if lost == 0:
        return None
    values = {"lost": lost, "images": images, "batch": int(size)}
    return Finding("basics.drop_last", Measure(lost / images), values, Tier.SPOILER, Confidence.CERTAIN)


def _smoothing(context: Context) -> Finding | None:
    """Label smoothing that was asked for and is not on."""
    wanted, real = (context.settings.get(k) for k in ("label_smoothing_wanted", "label_smoothing"))
    if wanted is None or real is None or float(wanted) == float(real):
        return None
    values = {"wanted": float(wanted), "real": float(real)}
    return Finding("basics.label_smoothing", Measure(float(real)), values, Tier.CAUSE, Confidence.CERTAIN)


def _from_scratch(context: Context) -> Finding | None:
    """A random start on few images."""
    start = context.settings.get("start") or {}
    if start.get("weights") != "scratch" or context.in_train is None:
        return None
    images = int(context.in_train.sum())
    if not 0 < images < FEW_FROM_SCRATCH:
        return None
    values = {"images": images}
    return Finding(
        "basics.from_scratch", Measure(float(images), images=images), values, Tier.CAUSE, Confidence.POSSIBLE
    )


def _preprocessing(context: Context) -> Finding | None:
    """Trained weights that are shown images otherwise prepared than those they were trained on."""
    from metric_face.data import EvalTransform

    start, used = context.settings.get("start") or {}, context.settings.get("transform")
    if not used or start.get("weights") in (None, "scratch"):
        return None
    differing = EvalTransform.from_dict(used).differences(EvalTransform.from_dict(start["own"]))
    if not differing:
        return None
    values = {
        "used": "; ".join(f"{name} {_shown(used, name)}" for name in differing),
        "own": "; ".join(f"{name} {_shown(start['own'], name)}" for name in differing),
        "keys": " ".join(f"data.{name}=auto" for name in differing),
        "count": len(differing),
    }
    measure = Measure(float(len(differing)))
    return Finding("basics.preprocessing", measure, values, Tier.CAUSE, Confidence.LIKELY)


def _below_start(context: Context) -> Finding | None:
    """A training that made of trained weights something worse than they were."""
    found = below_start(context.settings.get("training") or {})
    if found is None:
        return None
    cause, numbers = found
    confidence = Confidence.POSSIBLE if cause == "unknown" else Confidence.LIKELY
    measure = Measure(numbers["begun"] - numbers["ended"], null=0.0)
    return Finding(f"basics.below_start_{cause}", measure, numbers, Tier.CAUSE, confidence)


def _start(context: Context) -> tuple[Table, ...]:
    """The preprocessing in effect beside that of the weights, or of the model where it started from scratch."""
    start, used = context.settings.get("start") or {}, context.settings.get("transform") or {}
    if not start or not used:
        return ()
    weights = f"{start['weights']} {start.get('name', '')}".strip()
    names = ("size", "mean", "std", "interpolation", "crop", "fit")
    rows = [(name, _shown(used, name), _shown(start["own"], name)) for name in names]
    return (Table("basics.start", ("what", "used", "own"), (("weights", weights, ""), *rows)),)


def _shown(transform: Mapping[str, Any], name: str) -> str:
    from metric_face.data import EvalTransform

    value = getattr(EvalTransform.from_dict(transform), name)
    return value if isinstance(value, str) else ", ".join(f"{number:.4g}" for number in value)


def _missing_classes(context: Context) -> list[Finding]:
    """Classes that are to be predicted and were never shown: each costs its whole F1."""
    if context.in_train is None or context.in_held_out is None or not context.attributes:
        return []
    shown = np.unique(context.joint[context.in_train])
    asked, counts = np.unique(context.joint[context.in_held_out], return_counts=True)
    unknown = np.setdiff1d(asked, shown)
    if not len(unknown):
        return []
    rows = np.flatnonzero(context.in_held_out & np.isin(context.joint, unknown))
    names = "; ".join(context.joint_name(int(code)) for code in unknown[:3])
    cost = len(unknown) / len(asked)
    measure = Measure(float(len(unknown)), images=int(counts[np.isin(asked, unknown)].sum()))
    values = {"classes": len(asked), "names": names, "missing": len(unknown)}
    return [
        Finding("basics.missing_class", measure, values, Tier.SPOILER, Confidence.CERTAIN, cost, rows=rows)
    ]


def _rates(context: Context) -> Table:
    rows: list[tuple[object, ...]] = []
    for name in ("learning_rate", "learning_rate_planned", "update_ratio"):
        values = series(context.log, name)
        if values is not None:
            rows.append(
                (name, float(values.min()), float(np.median(values)), float(values.max()), len(values))
            )
    return Table("basics.rates", ("what", "lowest", "median", "highest", "steps"), tuple(rows))


def _thin(values: Doubles) -> list[float]:
    """At most ``MOST_SHOWN`` of the values, evenly spaced."""
    at = np.unique(np.linspace(0, len(values) - 1, min(MOST_SHOWN, len(values))).round().astype(int))
    return [float(f"{v:.5g}") for v in values[at]]
