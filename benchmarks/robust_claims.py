"""Which advice tells people outright to change something, and how often it is given where nothing is wrong.

``python -m benchmarks.robust_claims`` takes about a minute; ``--quick`` a small run of it.
"""

import argparse
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.fault_scenarios import clean_run
from benchmarks.harness import machine, publish, table
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
_SOFT = ("Look at", "Do not", "Worth", "Consider", "Compare", "If ", "Where ")
REMEDIES: Mapping[str, str] = page_texts("audit")["remedies"]
HOLDS = {
    "broken-images": "the file cannot be decoded",
    "missing": "the cell is empty",
    "identity-across-splits": "one name is in two splits",
    "class-missing": "the class has no image there",
    "exact-copies-across-splits": "equal bytes",
    "exact-copies": "equal bytes",
    "opposed-labels": "the configuration says so",
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
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        drawn, trained = pool.submit(_audited, audits), pool.submit(_diagnosed, trainings)
        found = {"audit": drawn.result(), "why": trained.result()}
    tried = {"audit": audits, "why": trainings}
    return [
        (command, name, text, HOLDS.get(name, "measured"), f"{found[command][name]} of {tried[command]}")
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
            ids = {finding.id for finding in inspect_data(split, space, workers=1).findings}
        found.update(
            name for name in REMEDIES if any(one == name or one.startswith(f"{name}-") for one in ids)
        )
    return found


def _diagnosed(trainings: int) -> Counter[str]:
    """Findings on clean trainings; a set of 150 identities is called too small to tell, which is no false alarm."""
    found: Counter[str] = Counter()
    for seed in range(trainings):
        print(f"training {seed + 1} of {trainings}", flush=True)
        found.update({finding.id for finding in diagnose(**clean_run(200 + seed, 150, 16)).findings})
    return found


def main() -> None:
    """Measure, print and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 sets in place of 20")
    quick = parser.parse_args().quick
    sets = 4 if quick else 20
    publish(
        "robustness-claims",
        "Instructions to change data, splits or settings, and their false alarms",
        "python -m benchmarks.robust_claims" + (" --quick" if quick else ""),
        machine("numpy", "scikit-learn", "faiss-cpu"),
        [
            "Every instruction of `audit` and `why` that tells outright to change something, and how often its finding "
            "is reported where nothing is wrong: in drawn sets without a fault, of 24 identities, and in clean "
            "trainings of 150 identities with drawn embeddings. Every other instruction says to look, or what is worth "
            "trying: its findings may be right, and their false alarms on photographs are not known (those of near "
            "copies are in `robustness-advice.md`).",
            table(
                ("command", "finding", "instruction", "holds because", "false alarms"),
                false_alarms(sets, sets),
            ),
        ],
    )


if __name__ == "__main__":
    main()
