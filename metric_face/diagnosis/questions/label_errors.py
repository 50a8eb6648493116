"""Labels: which are wrong, with images to look at beside images that are not.

From certain to likely: byte-identical images with different labels, one identity with two values of an attribute
that belongs to it, labels that the out-of-fold scores of other identities contradict where they are clear, and part
of one class written as another. cleanlab's confident learning is run on the same probabilities and stands beside our
count.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import NO_ROWS, Abstention, Confidence, Finding, Measure, Outcome, Table
from metric_face.diagnosis.measures.exchanged_classes import exchanged_classes
from metric_face.diagnosis.measures.label_noise import LabelNoise, of_identities, of_images
from metric_face.diagnosis.measures.one_sided_labels import one_sided
from metric_face.diagnosis.measures.resampling import bootstrap_weights, one_each, unsuspected
from metric_face.diagnosis.measures.swapped_labels import swaps

LEAST_EVIDENCE = 12.0
"""Twice the log-likelihood gained by lapses: p below 0.001 for the one extra parameter."""
SOME_EVIDENCE = 5.41
"""The same for p below 0.01, half of chi squared with one degree: enough for a suspicion where identities are few."""
LEAST_SHARE = 0.003
FEWEST = 5
ENOUGH = 400
"""Identities below which overlap and wrong labels can look alike: what cleanlab names is then worth a look."""
EVIDENCE = 12
SURE = 1e-3
"""Probability of as many wrong labels on the held-out side, where each lies on either side by chance."""
ONE_SIDED = 3.0
"""Times by which the share of wrong labels held out must exceed that of training."""


def ask(context: Context) -> Outcome:
    """Fit the label noise of every learnable attribute."""
    findings: list[Finding] = []
    unsure: list[Abstention] = []
    rows = []
    for attribute in context.attributes:
        noise = noise_of(context, attribute)
        swapped = swaps(context, attribute, noise) or exchanged_classes(context, attribute)
        findings += swapped
        covered = np.concatenate([f.rows for f in swapped]) if swapped else np.empty(0, dtype=np.int64)
        wrong = suspects(noise)
        other = cleanlab_suspects(context, attribute)
        agreed = float(np.isin(wrong, other).mean()) if len(wrong) else None
        rows.append((attribute, noise.share, len(wrong), len(noise.inconsistent), len(other), agreed))
        left = wrong[~np.isin(wrong, covered)]
        if not (len(covered) and len(left) < 0.5 * len(wrong)):
            named = [*_wrong(context, attribute, noise, left, other)]
            findings += named or ([] if len(covered) else _one_way(context, attribute, other))
        if context.num_identities < ENOUGH and not _has(findings, attribute):
            findings += _possible(context, attribute, noise, other)
        if len(other) >= FEWEST and context.num_identities < ENOUGH and not _has(findings, attribute):
            values = {"attribute": attribute, "count": len(other), "share": len(other) / context.num_images}
            unsure.append(Abstention("label_errors", "worth_a_look", values))
    findings += _copies(context)
    columns = ("attribute", "share_wrong", "suspects", "inconsistent", "cleanlab", "cleanlab_agrees")
    return Outcome(tuple(findings), (Table("label_errors.suspects", columns, tuple(rows)),), tuple(unsure))


def _has(findings: list[Finding], attribute: str) -> bool:
    return any(one.values["attribute"] == attribute for one in findings)


def noise_of(context: Context, attribute: str) -> LabelNoise:
    """The noise model of one attribute: by identity where the attribute belongs to it, else by image."""
    scores, labels = context.scores[attribute], context.labels[attribute]
    if context.fixed[attribute]:
        return of_identities(scores, labels, context.identities)
    return of_images(scores, labels, context.identities, context.probes[attribute])


def suspects(noise: LabelNoise, least: float = LEAST_EVIDENCE) -> Ints:
    """Rows more probably wrong than right, the surest first; none where lapses explain less than ``least``."""
    if noise.evidence < least:
        return noise.inconsistent
    rows = np.flatnonzero(noise.probability > 0.5)
    return rows[np.argsort(-noise.probability[rows], kind="stable")]


def cleanlab_suspects(context: Context, attribute: str) -> Ints:
    """Rows that confident learning (Northcutt et al., 2021) calls wrong, from the same out-of-fold probabilities."""
    from cleanlab.filter import find_label_issues

    labels, chances = context.labels[attribute], context.out_of_fold[attribute]
    present = np.unique(labels)
    codes = np.searchsorted(present, labels)
    kept = chances[:, present] / chances[:, present].sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # that it spares classes of few images, which is what we want
        found = find_label_issues(codes, kept, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(found, dtype=np.int64)


def _one_way(context: Context, attribute: str, other: Ints) -> Iterator[Finding]:
    """Labels that are wrong in one direction only, the pair of classes with the most of them."""
    for found in one_sided(context, attribute)[:1]:
        better = context.labels[attribute].copy()
        better[found.rows] = found.seen
        yield from _named(context, attribute, better, NO_ROWS, found.rows, other)


def _possible(context: Context, attribute: str, noise: LabelNoise, other: Ints) -> Iterator[Finding]:
    """A suspicion: lapses explain something, and the identities are too few for it to be sure."""
    rows = suspects(noise, SOME_EVIDENCE)
    for one in _named(context, attribute, noise.better, noise.inconsistent, rows, other):
        yield replace(one, confidence=Confidence.POSSIBLE, explained=None)


def _wrong(context: Context, attribute: str, noise: LabelNoise, rows: Ints, other: Ints) -> Iterator[Finding]:
    yield from _named(context, attribute, noise.better, noise.inconsistent, rows, other)


def _named(
    context: Context, attribute: str, better: Ints, inconsistencies: Ints, rows: Ints, other: Ints
) -> Iterator[Finding]:
    """The finding of some rows whose class is more probably ``better``."""
    share = len(rows) / context.num_images
    if len(rows) < FEWEST or share < LEAST_SHARE:
        return
    marks = np.bincount(context.identities[rows], minlength=context.num_identities)
    draws = bootstrap_weights(context.num_identities, context.seed)
    sizes = np.bincount(context.identities, minlength=context.num_identities)
    low, high = np.quantile((draws @ marks) / (draws @ sizes), [0.025, 0.975])
    labels = context.labels[attribute]
    mended = labels.copy()
    mended[rows] = better[rows]
    inconsistent = np.intersect1d(rows, inconsistencies)
    identities = len(np.unique(context.identities[rows]))
    names = context.classes[attribute]
    pairs, counts = np.unique(np.column_stack([labels[rows], better[rows]]), axis=0, return_counts=True)
    most = pairs[int(counts.argmax())]
    values = {
        "attribute": attribute,
        "suspects": len(rows),
        "inconsistent": len(inconsistent),
        "written": names[most[0]],
        "seen": names[most[1]],
        "cleanlab": len(np.intersect1d(rows, other)),
        "held_out_only": held_out_only(context, rows),
    }
    certain = len(inconsistent) > 0.5 * len(rows)
    yield Finding(
        "label_errors.wrong",
        Measure(share, float(low), float(high), 0.0, identities, len(rows)),
        values,
        confidence=Confidence.CERTAIN if certain else Confidence.LIKELY,
        explained=max(0.0, context.f1(labels={attribute: mended}) - context.f1()),
        evidence=one_each(rows, context.identities, EVIDENCE),
        controls=unsuspected(labels, context.identities, rows, EVIDENCE, context.seed),
        rows=rows,
    )


def held_out_only(context: Context, rows: Ints) -> bool:
    """Whether wrong labels lie in held-out images: far fewer are in training than chance would put there.

    A probe learns from both sides, so that some of the right labels of training are named too.
    """
    from scipy.stats import binom

    if context.in_train is None or context.in_held_out is None:
        return False
    sides = [side.mean() for side in (context.in_held_out, context.in_train)]
    found = [int(side[rows].sum()) for side in (context.in_held_out, context.in_train)]
    if not sum(found):
        return False
    images_each = context.num_images / context.num_identities
    shares = [count / side for count, side in zip(found, sides, strict=True)]
    chance = binom.sf(found[0] / images_each - 1, round(sum(found) / images_each), sides[0] / sum(sides))
    return bool(chance < SURE and shares[0] > ONE_SIDED * shares[1])


def _copies(context: Context) -> Iterator[Finding]:
    """Byte-identical images that carry different labels: one of them is wrong."""
    for attribute in context.labels:
        if len(context.classes[attribute]) > context.num_images // 2:
            continue
        labels = context.labels[attribute]
        cells = np.unique(np.column_stack([context.copies, labels]), axis=0)
        torn = np.flatnonzero(np.bincount(cells[:, 0]) > 1)
        rows = np.flatnonzero(np.isin(context.copies, torn))
        if len(torn) == 0:
            continue
        rows = rows[np.argsort(context.copies[rows], kind="stable")]
        yield Finding(
            "label_errors.copies",
            Measure(float(len(torn)), null=0.0, images=len(rows)),
            {"attribute": attribute, "groups": len(torn), "images": len(rows)},
            confidence=Confidence.CERTAIN,
            explained=_settled(context, attribute, rows),
            evidence=rows[:EVIDENCE],
            rows=rows,
        )


def _settled(context: Context, attribute: str, rows: Ints) -> float | None:
    """Macro F1 gained if every set of copies carried the label that its out-of-fold probabilities prefer."""
    if attribute not in context.attributes:
        return None
    groups = np.unique(context.copies[rows], return_inverse=True)[1]
    chances = context.out_of_fold[attribute][rows]
    total = np.zeros((int(groups.max()) + 1, chances.shape[1]))
    np.add.at(total, groups, chances)
    labels = context.labels[attribute].copy()
    labels[rows] = total.argmax(axis=1)[groups]
    return max(0.0, context.f1(labels={attribute: labels}) - context.f1())
