"""Does `why` find the fault that was planted, and nothing where none was?

Run as ``python -m benchmarks.faults``; ``--identities 400`` is a quick look. Faults are planted in drawn
identities, and in
photographs where the folder of ``--real`` is there. Each training is made anew, one fault at a time, and given to
``diagnose`` without a word about it.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.fault_scenarios import clean_run
from benchmarks.fault_table import HEAD, row, timed
from benchmarks.harness import Seconds, machine, publish, table
from benchmarks.planted_faults import FAULTS, LABEL_FAULTS
from benchmarks.real_faults import plant_in_photographs
from metric_face import diagnose
from metric_face.diagnosis.measures.swapped_labels import swaps
from metric_face.diagnosis.questions.label_errors import cleanlab_suspects, noise_of, suspects

PHOTOGRAPHS = Path("../shared/data")
CLEAN_SEEDS = range(5)
WANTED, LIMIT = 14, 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=2857, help="seven images each")
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--real",
        metavar="FOLDER",
        type=Path,
        default=PHOTOGRAPHS,
        help="photographs to plant faults in as well",
    )
    options = parser.parse_args()
    diagnose(**clean_run(99, 60, 16))  # imports and compilation are not the run's
    sections = [
        _faults(options.identities, options.dimensions, options.seed),
        _clean(options.identities, options.dimensions),
        _labels(options.identities, options.dimensions, options.seed),
    ]
    if options.real.is_dir():
        sections.append(plant_in_photographs(options.real))
    command = "python -m benchmarks.faults" + (
        f" --real {options.real}" if options.real != PHOTOGRAPHS else ""
    )
    if options.identities != 2857 or options.dimensions != 512:
        command += f" --identities {options.identities} --dimensions {options.dimensions}"
    title = f"Planted faults: {7 * options.identities:,} images x {options.dimensions}, one fault at a time"
    publish("faults", title, command, machine("numpy", "scikit-learn", "faiss-cpu", "cleanlab"), sections)


def _faults(identities: int, dimensions: int, seed: int) -> str:
    rows, right, slowest = [], 0, Seconds(0.0, 0.0)
    for fault in FAULTS:
        found, seconds = timed(fault.make(seed, identities, dimensions))
        hit = bool(found.findings) and found.findings[0].id in fault.found_as
        right, slowest = right + hit, max(slowest, seconds)
        rows.append(row(fault.name, found, seconds, "yes" if hit else "NO"))
        print(*rows[-1], sep=" | ", flush=True)
    verdict = (
        f"First finding right: {right} of {len(FAULTS)} (mark: {WANTED}). "
        f"Slowest run: {slowest.wall:.0f} s, {slowest.processor:.0f} s of the processor (mark: {LIMIT:.0f} s). "
        "A: do classes share more than they differ in? B: do the losses pull apart?"
    )
    return f"## Fault by first finding\n\n{table(HEAD, rows)}\n\n{verdict}"


def _clean(identities: int, dimensions: int) -> str:
    rows, findings = [], 0
    for seed in CLEAN_SEEDS:
        found, seconds = timed(clean_run(seed, identities, dimensions))
        findings += len(found.findings)
        rows.append(row(f"nothing, seed {seed}", found, seconds, "NO" if found.findings else "yes"))
        print(*rows[-1], sep=" | ", flush=True)
    return f"## Clean controls\n\n{table(HEAD, rows)}\n\nFindings on clean trainings: {findings} (mark: 0)."


def _labels(identities: int, dimensions: int, seed: int) -> str:
    """Our suspects and cleanlab's, from the same out-of-fold probabilities, against the planted list."""
    from metric_face.diagnosis.inputs import context_of

    rows = []
    for name, attribute, plant in LABEL_FAULTS:
        run = plant(clean_run(seed, identities, dimensions), np.random.default_rng([seed, 99]))
        planted = run.pop("planted")
        context = context_of(run.pop("embeddings"), run.pop("labels"), run.pop("identities"), **run)
        noise = noise_of(context, attribute)
        exchanged = [finding.rows for finding in swaps(context, attribute, noise)]
        ours = np.unique(np.concatenate([suspects(noise), *exchanged]))
        theirs = cleanlab_suspects(context, attribute)
        rows.append((name, len(planted), *_scores(ours, planted), *_scores(theirs, planted)))
        print(*rows[-1], sep=" | ", flush=True)
    head = (
        "planted",
        "labels",
        "ours: named",
        "precision",
        "recall",
        "cleanlab: named",
        "precision",
        "recall",
    )
    note = (
        "Same out-of-fold probabilities. Ours knows whose images they are; confident learning does not ask."
    )
    return f"## Label suspects beside cleanlab's\n\n{table(head, rows)}\n\n{note}"


def _scores(named: np.ndarray, planted: np.ndarray) -> tuple[int, str, str]:
    hits = int(np.isin(named, planted).sum())
    return len(named), f"{hits / max(len(named), 1):.3f}", f"{hits / max(len(planted), 1):.3f}"


if __name__ == "__main__":
    main()
