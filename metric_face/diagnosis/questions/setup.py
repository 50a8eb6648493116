"""Set-up: settings that are known to work against each other, whatever the run then shows.

The audit says the same before a training, from the same function; see :mod:`metric_face.training.opposed_labels`.

``opposed_attributes``  in ``settings``: attributes that vary within identities while the metric loss pulls identities
together and nothing stands between it and the classifiers.
"""

from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Confidence, Finding, Measure, Outcome


def ask(context: Context) -> Outcome:
    """Report what the settings alone show."""
    names = tuple(context.settings.get("opposed_attributes") or ())
    if not names:
        return Outcome()
    values = {"attribute": ", ".join(names), "attributes": names}
    found = Finding("setup.opposed_labels", Measure(float(len(names))), values, confidence=Confidence.LIKELY)
    return Outcome((found,))
