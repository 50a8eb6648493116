"""Which advice tells people outright to change something, and how often it is given where nothing is wrong."""

import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchmarks.fault_scenarios import clean_run
from metric_face import diagnose
from metric_face.auditing.inspection import inspect_data
from metric_face.data.labels import LabelSpace
from metric_face.data.split import split_by_identity
from metric_face.data.table import ImageTable
from metric_face.diagnosis.report.sentences import words
from metric_face.pages import page_texts
from metric_face.synthetic_faces.faces import make_faces

_CHANGES = re.compile(
    r"\b(correct|drop|exchange|give|join|keep|label them|leave|lower|make|merge|relabel|remove|split|stratify)\b",
    re.I,
)
_SOFT = ("Look at", "Worth", "Consider", "Compare", "If ", "Where ")
REMEDIES: Mapping[str, str] = page_texts("audit")["remedies"]
_HOLDS = {
    "broken-images": "the file cannot be decoded",
    "missing": "the cell is empty",
    "identity-across-splits": "one name is in two splits",
    "class-missing": "the class has no image there",
    "exact-copies-across-splits": "equal bytes",
    "exact-copies": "equal bytes",
}
"""Findings of the audit that hold by construction, and by which."""


def is_firm(text: str) -> bool:
    """Whether an instruction tells people to change something, and not to look first."""
    return _CHANGES.search(text) is not None and not text.startswith(_SOFT)


def firm_instructions() -> dict[str, dict[str, str]]:
    """The firm ones of ``audit`` and of ``why``, by the id of the finding."""
    why = {name: said["next"] for name, said in words("en").findings.items()}
    both: Mapping[str, Mapping[str, str]] = {"audit": REMEDIES, "why": why}
    return {
        command: {name: text for name, text in texts.items() if is_firm(text)}
        for command, texts in both.items()
    }


def false_alarms(audits: int, trainings: int) -> list[tuple[str, str, str, str, str]]:
    """Rows of the table: the command, the finding, what it says, why it holds, and alarms where nothing is wrong."""
    found = {"audit": _audited(audits), "why": _diagnosed(trainings)}
    tried = {"audit": audits, "why": trainings}
    return [
        (command, name, text, _HOLDS.get(name, "measured"), f"{found[command][name]} of {tried[command]}")
        for command, texts in firm_instructions().items()
        for name, text in texts.items()
    ]


def _audited(sets: int) -> Counter[str]:
    """Kinds of findings on drawn sets without a fault, each with a split by identity."""
    found: Counter[str] = Counter()
    for seed in range(sets):
        with tempfile.TemporaryDirectory() as folder:
            make_faces(
                Path(folder) / "faces",
                identities=60,
                size=(96, 128),
                seed=1000 + seed,
                label_errors=False,
                workers=1,
            )
            images = ImageTable.read(Path(folder) / "faces")
            space = LabelSpace.of(images, ["gender", "mask"])
            split = split_by_identity(images, shares={"train": 0.6, "val": 0.4}, seed=seed)
            ids = {finding.id for finding in inspect_data(split, space, workers=2).findings}
        found.update(
            name for name in REMEDIES if any(one == name or one.startswith(f"{name}-") for one in ids)
        )
    return found


def _diagnosed(trainings: int) -> Counter[str]:
    """Findings on clean trainings; a set of 400 identities is called too small to tell, which is no false alarm."""
    found: Counter[str] = Counter()
    for seed in range(trainings):
        found.update({finding.id for finding in diagnose(**clean_run(200 + seed, 400, 64)).findings})
    return found
