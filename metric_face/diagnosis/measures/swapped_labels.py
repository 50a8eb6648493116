"""Exchanged labels: identities on whose images two labels of a varying attribute changed places.

Somebody who wrote "mask on" for "mask off" wrote "off" for "on" in the same folder. Exchanging the two labels of
such an identity makes all its images fit; a mixture of identities as they are and identities exchanged estimates how
many there are, and who.
"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Finding, Measure
from metric_face.diagnosis.measures.label_noise import LabelNoise
from metric_face.diagnosis.measures.resampling import one_each, unsuspected

LEAST_EVIDENCE = 12.0
"""Twice the log-likelihood gained by allowing exchanges: p below 0.001."""
FEWEST = 5
LEAST_SHARE = 0.003
MOST_CLASSES = 20
EVIDENCE = 12
STEPS = 200


@dataclass(frozen=True)
class Exchanges:
    """How many identities had two labels exchanged.

    Attributes:
        share: estimated share of the identities that carry both.
        evidence: twice the log-likelihood gained over no exchange at all.
        chance: of each identity, that it is one of them.
    """

    share: float
    evidence: float
    chance: Doubles


def swaps(context: Context, attribute: str, noise: LabelNoise) -> list[Finding]:
    """Findings of exchanged labels of one attribute, one for each pair of classes."""
    if context.fixed[attribute] or not context.identities_known:
        return []
    found = []
    size = min(len(context.classes[attribute]), MOST_CLASSES)
    for first in range(size):
        for second in range(first + 1, size):
            both, gains = swap_gains(
                noise.clean, context.labels[attribute], context.identities, first, second
            )
            if len(both) < FEWEST:
                continue
            mixed = exchanges(gains)
            named = int((mixed.chance > 0.5).sum())
            if mixed.evidence > LEAST_EVIDENCE and named >= max(FEWEST, LEAST_SHARE * context.num_identities):
                found.append(_finding(context, attribute, (first, second), both, mixed))
    return found


def swap_gains(
    clean: Doubles, labels: Ints, identities: Ints, first: int, second: int
) -> tuple[Ints, Doubles]:
    """How much better an identity's scores fit with two of its labels exchanged.

    Args:
        clean: (N, C) probabilities of the class, lapses left out.
        labels: (N,) classes as written.
        identities: (N,) identities.
        first: one class.
        second: the other.

    Returns:
        The identities that carry both classes, and the gain in log-likelihood of each.
    """
    logs = np.log(np.maximum(clean[:, [first, second]], 1e-4))
    toward = np.where(labels == first, logs[:, 1] - logs[:, 0], logs[:, 0] - logs[:, 1])
    count = int(identities.max()) + 1
    # The images of an identity are alike, so the classes are averaged, not the images summed.
    sums = []
    for code in (first, second):
        mine = labels == code
        number = np.bincount(identities[mine], minlength=count)
        total = np.bincount(identities[mine], weights=toward[mine], minlength=count)
        sums.append(np.divide(total, number, out=np.full(count, np.nan), where=number > 0))
    gain = sums[0] + sums[1]
    both = np.flatnonzero(np.isfinite(gain))
    return both, gain[both]


def exchanges(gains: Doubles) -> Exchanges:
    """Fit the mixture likelihood prod (1 - share + share exp(gain)) by EM.

    Args:
        gains: (I,) of each identity.

    Returns:
        The share with its evidence, and each identity's chance.
    """
    odds = np.exp(np.clip(gains, -50, 50))
    share = 0.05
    for _ in range(STEPS):
        chance = share * odds / (1 - share + share * odds)
        share = float(chance.mean())
    evidence = 2 * float(np.log1p(share * (odds - 1)).sum())
    return Exchanges(share, evidence, share * odds / (1 - share + share * odds))


def _finding(
    context: Context, attribute: str, pair: tuple[int, int], both: Ints, mixed: Exchanges
) -> Finding:
    labels = context.labels[attribute]
    identities = both[mixed.chance > 0.5]
    identities = identities[np.argsort(-mixed.chance[mixed.chance > 0.5], kind="stable")]
    rank = np.full(context.num_identities, len(identities))
    rank[identities] = np.arange(len(identities))
    rows = np.flatnonzero((rank[context.identities] < len(identities)) & np.isin(labels, pair))
    rows = rows[np.argsort(rank[context.identities[rows]], kind="stable")]
    mended = labels.copy()
    mended[rows] = np.where(labels[rows] == pair[0], pair[1], pair[0])
    spread = 1.96 * float(np.sqrt(mixed.share * (1 - mixed.share) / len(both)))
    names = context.classes[attribute]
    values = {
        "attribute": attribute,
        "first": names[pair[0]],
        "second": names[pair[1]],
        "identities": len(identities),
    }
    low, high = max(0.0, mixed.share - spread), min(1.0, mixed.share + spread)
    return Finding(
        "label_errors.swapped",
        Measure(mixed.share, low, high, 0.0, len(identities), len(rows)),
        {**values, "of": len(both), "images": len(rows)},
        explained=max(0.0, context.f1(labels={attribute: mended}) - context.f1()),
        evidence=one_each(rows, context.identities, EVIDENCE),
        controls=unsuspected(labels, context.identities, rows, EVIDENCE, context.seed),
        rows=rows,
    )
