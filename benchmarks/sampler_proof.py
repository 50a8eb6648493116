"""Which sampler keeps which promise: every invariant tried on every sampler, with what was measured.

python -m benchmarks.sampler_proof
"""

import argparse
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.harness import machine, publish, table
from benchmarks.sampler_peers import Peer, from_sizes, label_sets, peers
from metric_face.samplers import AuditReport, audit_batches

EPOCHS = 10
Verdict = tuple[bool, str]


class Case:
    """One sampler on all label sets."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.reports: dict[str, AuditReport] = {}
        self.refused: dict[str, str] = {}
        for name, (labels, p, k) in label_sets().items():
            try:
                batches = peer.make(labels, p, k)
            except (ValueError, AssertionError) as error:
                self.refused[name] = str(error).splitlines()[0]
                continue
            self.reports[name] = audit_batches(
                batches, labels, num_identities=p, num_instances=k, epochs=EPOCHS
            )

    def without(self, *defects: str) -> Verdict:
        """Holds where no audit named one of the defects; the worst sentence otherwise."""
        found = [
            (name, defect.sentence)
            for name, report in self.reports.items()
            for defect in report.defects
            if defect.name in defects
        ]
        if not found:
            return True, ""
        return False, f"{len(found)} of {len(self.reports)} sets; {_short(found[0][0])}: {_clip(found[0][1])}"


def singletons(case: Case) -> Verdict:
    labels = from_sizes([1, 1, 6, 6, 6, 6])
    try:
        list(case.peer.make(labels, 2, 3))
    except (ValueError, AssertionError) as error:
        return False, f"refused: {_clip(str(error))}"
    if case.peer.name != "metric_face":
        return False, "one image drawn K times, nothing said"
    return True, "pad, drop or raise, counted"


def coverage(case: Case) -> Verdict:
    seen = {name: report.images_seen / report.images for name, report in case.reports.items()}
    worst = min(seen, key=lambda name: seen[name])
    return seen[worst] == 1, f"{seen[worst]:.1%} of the images ({_short(worst)})"


def unreachable(case: Case) -> Verdict:
    lost = {name: report.unreachable_images for name, report in case.reports.items()}
    worst = max(lost, key=lambda name: lost[name])
    return lost[worst] == 0, f"{lost[worst]} images unseen in {EPOCHS} epochs ({_short(worst)})" if lost[
        worst
    ] else ""


def pure(case: Case) -> Verdict:
    labels = from_sizes([9] * 20)
    plans = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002 - what must not matter
        torch.manual_seed(seed)
        plans.append([list(batch) for batch in case.peer.make(labels, 4, 3)])
    return plans[0] == plans[1], "" if plans[0] == plans[1] else "batches depend on a global generator"


def seeds(case: Case) -> Verdict:
    if case.peer.seeded is None:
        return False, "takes no seed"
    seeded = case.peer.seeded
    labels = from_sizes([9] * 20)
    report = audit_batches(
        seeded(labels, 4, 3, 0), labels, coverage=None, build=lambda seed: seeded(labels, 4, 3, seed)
    )
    return report.clean, str(report.defects[0].sentence) if report.defects else ""


def ranks(case: Case) -> Verdict:
    if case.peer.ranked is None:
        return False, "knows no ranks"
    labels = from_sizes([9] * 20)
    parts = [case.peer.ranked(labels, 4, 3, rank, 2) for rank in range(2)]
    report = audit_batches(parts[0], labels, coverage=None, other_ranks=parts[1:])
    together = [tuple(b) for pair in zip(*parts, strict=True) for b in pair]
    alone = [tuple(b) for b in case.peer.make(labels, 4, 3)]
    return report.clean and together[: len(alone)] == alone, ""


def resume(case: Case) -> Verdict:
    labels = from_sizes([9] * 20)
    sampler = case.peer.make(labels, 4, 3)
    if not hasattr(sampler, "state_dict"):
        return False, "saves no state"
    whole = [list(b) for b in case.peer.make(labels, 4, 3)]
    again = case.peer.make(labels, 4, 3)
    again.load_state_dict(sampler.state_dict(consumed=5))
    return [list(b) for b in again] == whole[5:], ""


def refusals(case: Case) -> Verdict:
    labels = from_sizes([9] * 5)
    for bad, p, k in ((labels, 6, 3), (labels, 3, 1), (np.array([0.0, np.nan] * 9), 2, 2)):
        try:
            case.peer.make(bad, p, k)
        except (ValueError, AssertionError, IndexError):
            continue
        return (
            False,
            f"accepts P={p} of 5 labels" if p > 5 else f"accepts K={k}" if k < 2 else "accepts NaN labels",
        )
    return True, ""


def cost(case: Case) -> Verdict:
    labels = from_sizes([10] * 10_000)
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        drawn = sum(len(batch) for batch in case.peer.make(labels, 64, 4))
        taken.append((time.perf_counter() - started) / max(drawn, 1) * 1e6)
    best = min(taken)
    return best < 2, f"{best:.2f} us an image"


def balance(case: Case) -> Verdict:
    """Whether labels come uniformly or in proportion, where P leaves room for it, by a chi-square test."""
    sizes = np.geomspace(200, 800, 18).round().astype(int)
    labels = from_sizes(sizes)
    drawn = np.concatenate([np.asarray(batch) for batch in case.peer.make(labels, 8, 4)])
    seen = np.bincount(labels[drawn], minlength=18) / 4
    chance = {}
    for name, weight in (("uniform", np.ones(18)), ("proportional", sizes)):
        expected = seen.sum() * weight / weight.sum()
        statistic = torch.tensor(((seen - expected) ** 2 / expected).sum() / 2)
        chance[name] = float(torch.special.gammaincc(torch.tensor(17 / 2, dtype=statistic.dtype), statistic))
    kept = max(chance, key=lambda name: chance[name])
    return chance[kept] > 0.01, f"{kept}, p = {chance[kept]:.2g}"


def spread(case: Case) -> Verdict:
    rng = np.random.default_rng(0)
    identities = np.repeat(np.arange(45), 7)
    labels = np.tile([0, 0, 0, 0, 0, 1, 2], 45) * 3 + rng.integers(0, 3, 45)[identities]
    if case.peer.spread is None:
        report = audit_batches(case.peer.make(labels, 6, 4), labels, identities=identities, coverage=None)
        return False, f"no such option: {report.same_identity_pairs:.1%} of positives are the same identity"
    report = audit_batches(case.peer.spread(labels, identities, 6, 4), labels, identities=identities)
    return (
        report.clean and not report.same_identity_pairs,
        f"{report.same_identity_pairs:.1%} of positives are the same",
    )


def same_column(case: Case) -> Verdict:
    sampler = case.peer.make(from_sizes([9] * 8), 4, 3)
    return hasattr(sampler, "require_labels"), "" if hasattr(sampler, "require_labels") else "cannot be asked"


def pickled(case: Case) -> Verdict:
    labels = from_sizes([9] * 8)
    sampler = case.peer.make(labels, 4, 3)
    try:
        twin = pickle.loads(pickle.dumps(sampler))  # noqa: S301 - our own bytes
    except (pickle.PicklingError, AttributeError, TypeError):
        return False, "cannot be pickled"
    same = [list(b) for b in twin] == [list(b) for b in case.peer.make(labels, 4, 3)]
    return same, "" if same else "a pickled one draws other batches"


CHECKS: list[tuple[str, Callable[[Case], Verdict]]] = [
    ("I1 batches of P x K", lambda case: case.without("batch size")),
    ("I2 P labels", lambda case: case.without("identities per batch")),
    ("I3 K images each", lambda case: case.without("instances per label")),
    ("I4 distinct first", lambda case: case.without("repeated images")),
    ("I5 singletons", singletons),
    ("I6 coverage of an epoch", coverage),
    ("I7 no silent loss", unreachable),
    ("I8 length", lambda case: case.without("length", "length changes", "empty", "endless")),
    ("I9 pure", pure),
    ("I10 seed and epoch", seeds),
    ("I11 ranks", ranks),
    ("I12 epochs differ", lambda case: case.without("repeated epoch")),
    ("I13 resume", resume),
    ("I14 refusals", refusals),
    ("I15 cost", cost),
    ("I16 balance", balance),
    ("I17 no drift", lambda case: case.without("drift")),
    ("I18 spread over identities", spread),
    ("I19 one label source", same_column),
    ("I20 pickle", pickled),
    (
        "I21 audited clean",
        lambda case: (all(r.clean for r in case.reports.values()) and not case.refused, ""),
    ),
    ("I22 co-occurrence", lambda case: case.without("locked pairs")),
]


def _short(name: str) -> str:
    return name.split(" (")[0]


def _clip(text: str) -> str:
    text = text.replace("|", "/").splitlines()[0]
    return text if len(text) <= 110 else text[:107].rsplit(" ", 1)[0] + " ..."


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    cases = [Case(peer) for peer in peers()]
    rows: list[list[Any]] = []
    details = []
    for name, check in CHECKS:
        row: list[Any] = [name]
        for case in cases:
            if not case.reports and check not in (singletons,):
                row.append("refused all sets")
                continue
            holds, figure = check(case)
            row.append("holds" if holds else "**fails**")
            if figure:
                details.append([name, case.peer.name, "holds" if holds else "fails", figure])
        rows.append(row)
    kept = ["kept", *(sum(row[i + 1] == "holds" for row in rows) for i in range(len(cases)))]
    refused = [
        [case.peer.name, _short(name), _clip(reason)]
        for case in cases
        for name, reason in case.refused.items()
    ]
    packages = sorted({case.peer.package for case in cases if case.peer.package})
    publish(
        "sampler_proof",
        "Samplers: what each keeps",
        "python -m benchmarks.sampler_proof",
        machine("numpy", *packages),
        [
            f"Every invariant on every sampler that is installed, on {len(label_sets())} label sets, {EPOCHS} epochs "
            "each. Batches are counted by `audit_batches`, which knows nothing of the sampler. "
            "`shuffling` is torch's RandomSampler cut into batches of P x K.",
            table(["invariant", *(case.peer.name for case in cases)], [*rows, kept]),
            "What was measured:",
            table(["invariant", "sampler", "", "figure"], details),
            "Label sets that a sampler refused:",
            table(["sampler", "label set", "message"], refused or [["none", "", ""]]),
        ],
    )


if __name__ == "__main__":
    main()
