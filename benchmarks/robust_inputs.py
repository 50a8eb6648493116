"""What users hand in, what is read of it and what is said: layouts, CSV dialects, encodings, labels, modes, suffixes.

Run with ``python -m benchmarks.robust_inputs``; each case is prepared as a training prepares it and audited, and the
two must agree. A case that is not as it must be makes the exit code 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import machine, publish, table
from metric_face.auditing.checking import audit
from metric_face.config import dump_config
from metric_face.errors import MetricFaceError
from tests.input_cases import CASES, Case, Outcome, configuration, outcome

TITLES = {
    "folder": "Folders",
    "dialect": "CSV dialects",
    "encoding": "Encodings",
    "label": "Labels, identities and splits",
    "image": "Modes and suffixes of images",
}


def row(case: Case, folder: Path) -> tuple[tuple[str, ...], bool]:
    """One line of the table, and whether all is as it must be."""
    source = case.make(folder)
    found = outcome(case, source)
    config = folder / "config.yaml"
    config.write_text(dump_config(configuration(case, source)))
    try:
        refusal = audit(config).refusal
    except MetricFaceError as error:
        refusal = str(error)
    agree = refusal == (found.said[0] if found.prepared is None else "")
    right = found.labels == case.labels and any(case.says in line for line in found.said)
    right = right and (case.splits is None or found.splits == case.splits)
    said = next((line for line in found.said if case.says in line), found.said[0])
    told = said.replace(str(folder) + "/", "").replace(str(folder), "").replace("|", "\\|")
    return (
        case.name,
        _read(case, found),
        told,
        "yes" if agree else "NO",
        "yes" if right else "NO",
    ), agree and right


def _read(case: Case, found: Outcome) -> str:
    if found.labels is None:
        return "refused"
    read = ", ".join(f"{name} {count}" for name, count in found.labels.items())
    splits = ", ".join(f"{name} {count}" for name, count in found.splits.items())
    return f"{read} ({splits})" if case.splits is not None else read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every fifth case, printed and not published")
    quick = parser.parse_args().quick
    cases = CASES[::5] if quick else CASES
    lines: dict[str, list[tuple[str, ...]]] = {}
    wrong = 0
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            line, right = row(case, Path(folder))
        lines.setdefault(case.kind, []).append(line)
        wrong += not right
    header = ("handed in", "read", "said", "audit agrees", "as it must be")
    sections = [
        f'{len(cases)} cases, {len(cases) - wrong} as they must be. "Said" is the line that matters, of all that '
        "`train` and `audit` print; a refusal is what both of them print."
    ]
    sections += [f"## {TITLES[kind]}\n\n{table(header, rows)}" for kind, rows in lines.items()]
    if quick:
        print("\n\n".join(sections))
    else:
        publish(
            "robustness-inputs",
            "What is handed in, what is read and what is said",
            "python -m benchmarks.robust_inputs",
            machine("pandas", "pillow", "pyarrow"),
            sections,
        )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
