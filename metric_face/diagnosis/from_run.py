"""From a run directory to a context."""

from typing import Any

from metric_face.diagnosis.context import Context


def context_from_run(run: Any, **known: Any) -> Context:
    raise NotImplementedError
