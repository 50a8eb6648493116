"""Embedding health: does it use its dimensions, and do a few images crowd everybody's neighborhood?"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.diagnosis.measures.variance import scatter_between

ONE_POINT = 0.95
"""Mean cosine between images of different identities above which the embedding is one point."""
WELL_TOLD = 0.9
"""Macro F1 from which an embedding has not lost its classes."""
ELSEWHERE = 0.2
"""Share of the variance between joint classes below which the directions are about something else."""
_PAIRS = 20_000


@dataclass(frozen=True)
class Health:
    """Figures of an embedding; none of them is an answer alone.

    Attributes:
        effective_rank: exp of the entropy of the singular values (Roy and Vetterli, 2007).
        dimensions: exp of the entropy of the variances along the principal axes: what a few strong axes leave.
        mean_cosine: between random images of different identities.
        alignment: mean squared distance between unit vectors of one joint class and different identities.
        uniformity: log of the mean of exp(-2 |x - y|^2) over random pairs of unit vectors.
        hubness: skewness of how often an image is among the neighbors of others.
        nc1: tr(S_W pinv(S_B)) / C, within-class scatter measured by between-class scatter; 0 is collapse.

    Reference:
        Alignment with exponent 2 and uniformity with t = 2: Wang and Isola (2020), as in the functions they published,
        alignment over pairs of one class. Effective rank: entropy of the singular values over their sum, Roy and
        Vetterli (2007). Hubness: Radovanovic et al. (2010). NC1: Papyan, Han and Donoho (2020), with the scatter of
        the class means averaged over classes.
    """

    effective_rank: float
    dimensions: float
    mean_cosine: float
    alignment: float
    uniformity: float
    hubness: float
    nc1: float


def ask(context: Context) -> Outcome:
    """Measure the embedding on the evaluated rows."""
    if len(context.evaluated) < 2:
        return Outcome()
    found = measure(context)
    figures = tuple((name, float(value)) for name, value in vars(found).items())
    table = Table("health.figures", ("what", "value"), figures)
    spectrum = _spectrum(context)
    axes = Table(
        "health.spectrum", ("axis", "share"), tuple((i + 1, float(s)) for i, s in enumerate(spectrum[:64]))
    )
    needed = sum(len(context.classes[a]) - 1 for a in context.attributes)
    flat = needed >= 2 and _too_flat(context, found, needed)
    if not flat and found.mean_cosine < ONE_POINT:
        return Outcome(tables=(table, axes))
    picture = {
        "kind": "bars",
        "labels": [str(i + 1) for i in range(len(spectrum[:12]))],
        "series": {"share": spectrum[:12].tolist()},
    }
    values: dict[str, object] = {
        "dimensions": found.dimensions,
        "width": context.embeddings.shape[1],
        "needed": needed,
    }
    values["mean_cosine"] = found.mean_cosine
    values["remedy"] = "beside" if context.has_metric_loss else "alone"
    collapsed = Finding(
        "health.flat" if flat else "health.one_point",
        Measure(found.dimensions if flat else found.mean_cosine, null=float(needed) if flat else 0.0),
        values,
        Tier.SPOILER,
        Confidence.CERTAIN,
        explained=_lost(context),
        picture=picture,
    )
    return Outcome((collapsed,), (table, axes))


def _too_flat(context: Context, found: Health, needed: int) -> bool:
    """Far fewer directions than the classes need, or fewer, and those spent on something else than the classes.

    A network that has drawn each class to a point is as flat; its few directions are the classes',
    or it separates them, and neither is a fault.
    """
    if context.score.value >= WELL_TOLD or found.dimensions >= needed:
        return False
    if found.dimensions < needed / 2:
        return True
    features = context.features[context.evaluated]
    centered = (features - features.mean(axis=0, dtype=np.float64)).astype(np.float32)
    total = max(float(np.square(centered).sum()), float(np.finfo(np.float32).tiny))
    return scatter_between(centered, context.joint[context.evaluated]) / total < ELSEWHERE


def measure(context: Context) -> Health:
    """The figures of :class:`Health`, on the evaluated rows."""
    rows = context.evaluated
    unit = context.embeddings[rows].astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    variances = _spectrum(context)
    singular = np.sqrt(variances)
    rng = np.random.default_rng([context.seed, 23])
    first, second = rng.integers(0, len(rows), size=(2, _PAIRS))
    apart = context.identities[rows][first] != context.identities[rows][second]
    first, second = first[apart], second[apart]
    cosines = np.einsum("nd,nd->n", unit[first], unit[second])
    return Health(
        effective_rank=_perplexity(singular / max(singular.sum(), 1e-300)),
        dimensions=_perplexity(variances),
        mean_cosine=float(cosines.mean()) if len(cosines) else 0.0,
        alignment=_alignment(unit, context.joint[rows], context.identities[rows], rng),
        uniformity=float(np.log(np.mean(np.exp(-2 * (2 - 2 * cosines))))) if len(cosines) else 0.0,
        hubness=_skewness(
            np.bincount(context.graph.ids[context.graph.ids >= 0], minlength=context.num_images)
        ),
        nc1=_nc1(context.features[rows], context.joint[rows]),
    )


def _spectrum(context: Context) -> Doubles:
    """Share of the variance on each principal axis of the evaluated rows, largest first."""
    scored = context.features[context.evaluated]
    centered = scored - scored.mean(axis=0)
    values = np.maximum(np.linalg.eigvalsh(centered.T @ centered)[::-1], 0)
    return np.asarray(values / max(float(values.sum()), np.finfo(np.float64).tiny))


def _perplexity(shares: Doubles) -> float:
    positive = shares[shares > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))


def _alignment(unit: Doubles, labels: Ints, identities: Ints, rng: np.random.Generator) -> float:
    """Each image against one random image of its class; pairs of one identity are left out."""
    order = np.lexsort((rng.random(len(labels)), labels))
    first, second = order[:-1], order[1:]
    kept = (labels[first] == labels[second]) & (identities[first] != identities[second])
    gaps = np.square(unit[first[kept]] - unit[second[kept]]).sum(axis=1)
    return float(gaps.mean()) if len(gaps) else float("nan")


def _skewness(counts: Ints) -> float:
    centered = counts - counts.mean()
    spread = float(np.sqrt(np.square(centered).mean()))
    return float((centered**3).mean() / spread**3) if spread > 0 else 0.0


def _nc1(features: Doubles, labels: Ints) -> float:
    codes, joint = np.unique(labels, return_inverse=True)
    sizes = np.bincount(joint)
    means = np.stack([np.bincount(joint, weights=column) for column in features.T], axis=1) / sizes[:, None]
    within = features - means[joint]
    between = means - means.mean(axis=0)
    scatter = within.T @ within / len(features)
    spread = between.T @ between / len(codes)
    return float(np.trace(scatter @ np.linalg.pinv(spread, hermitian=True, rtol=1e-6)) / len(codes))


def _lost(context: Context) -> float | None:
    """Macro F1 that a linear probe reaches on the neutral embedding beyond this one's."""
    if context.neutral is None or not context.attributes:
        return None
    guess = {a: found.argmax(axis=1).astype(np.int64) for a, found in context.neutral_scores.items()}
    return max(0.0, context.f1(guess) - context.f1())
