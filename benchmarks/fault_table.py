"""One diagnosis of a planted fault, timed, and its line in the table."""

from collections.abc import Sequence

from benchmarks import harness
from benchmarks.fault_scenarios import Run
from benchmarks.harness import Seconds
from metric_face import diagnose
from metric_face.diagnosis.result import Diagnosis

SHORT = {"supported": "yes", "not_supported": "no", "cannot_tell": "?"}


def timed(run: Run) -> tuple[Diagnosis, Seconds]:
    """Diagnose a run; the list of what was planted is not part of it."""
    given = {name: value for name, value in run.items() if name != "planted"}
    return harness.timed(lambda: diagnose(**given))


def row(name: str, found: Diagnosis, seconds: Seconds, right: str) -> Sequence[object]:
    """One line of the table: what came first, what else, the two answers, the time."""
    first, *others = [finding.id for finding in found.findings] or ["-"]
    gain = found.findings[0].explained if found.findings else None
    answers = {answer.hypothesis: SHORT[answer.verdict.value] for answer in found.answers}
    return (
        name,
        first,
        right,
        ", ".join(others) or "-",
        "-" if gain is None else f"{gain:.3f}",
        "-" if found.score is None else f"{found.score.value:.3f}",
        answers.get("A", "-"),
        answers.get("B", "-"),
        f"{seconds.wall:.0f}",
        f"{seconds.processor:.0f}",
    )


HEAD = (
    "planted",
    "first finding",
    "right",
    "others",
    "explains F1",
    "macro F1",
    "A",
    "B",
    "s",
    "processor s",
)
