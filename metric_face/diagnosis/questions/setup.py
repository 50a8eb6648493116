"""Set-up: settings and columns that are known to work against each other, whatever the run then shows.

The audit says the same before a training, from the same function; see :mod:`metric_face.training.opposed_labels`.

``opposed_attributes``  in ``settings``: attributes that vary within identities while the metric loss pulls identities
together and nothing stands between it and the classifiers.

``averaged_start``  in ``settings``: the weight that the start still has in the averaged weights which predict, beside
                    ``ema``, the decay, and ``steps``, those taken.
"""

from itertools import permutations

import numpy as np

from metric_face.diagnosis.context import FEWEST_IDENTITIES, Context
from metric_face.diagnosis.finding import Confidence, Finding, Measure, Outcome, Tier

MOST_START = 0.5
"""Weight of the start in the averaged weights above which they are no model of this training."""


def ask(context: Context) -> Outcome:
    """Report what the settings alone show."""
    found = (_average(context), _opposed(context), _derived(context))
    return Outcome(tuple(f for f in found if f is not None))


def _average(context: Context) -> Finding | None:
    """Averaged weights that are mostly those of the first step."""
    share = context.settings.get("averaged_start")
    if share is None or not MOST_START < float(share) <= 1:
        return None
    decay = float(context.settings["ema"])
    values = {"steps": context.settings["steps"], "decay": decay, "needed": round(3 / (1 - decay))}
    return Finding("setup.average", Measure(float(share), null=0.0), values, Tier.SPOILER, Confidence.CERTAIN)


def _opposed(context: Context) -> Finding | None:
    names = tuple(context.settings.get("opposed_attributes") or ())
    if not names:
        return None
    values = {"attribute": ", ".join(names), "attributes": names}
    return Finding("setup.opposed_labels", Measure(float(len(names))), values, confidence=Confidence.LIKELY)


def _derived(context: Context) -> Finding | None:
    """An attribute whose classes another one decides on every image, each on enough identities to be no accident."""
    for name, other in permutations(context.attributes, 2):
        cells = np.unique(np.column_stack([context.labels[other], context.labels[name]]), axis=0)
        known = context.identities_by_class(other)
        settled = known[cells[:, 0]].min() >= FEWEST_IDENTITIES
        if len(np.unique(cells[:, 0])) < len(cells) or len(np.unique(cells[:, 1])) < 2 or not settled:
            continue
        whole = int(np.prod([len(context.classes[a]) for a in context.attributes]))
        values = {
            "attribute": name,
            "other": other,
            "classes": whole,
            "empty": whole - len(np.unique(context.joint)),
        }
        measure = Measure(1.0, identities=context.num_identities, images=context.num_images)
        return Finding("setup.derived_labels", measure, values, confidence=Confidence.CERTAIN)
    return None
