"""A model of wrong labels: out-of-fold scores, with a share of labels that were written without looking.

Where classes overlap, labels and scores disagree near the boundary; where labels are wrong, they disagree
everywhere, also where the score is clear. Only the second needs lapses (:class:`.probing.Softmax`), so their share
estimates wrong labels without counting hard images. An attribute that belongs to the identity is modeled once for
each identity, on the mean of its scores: seven photographs are not seven witnesses.
"""

from dataclasses import dataclass

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.measures import probing
from metric_face.diagnosis.measures.resampling import majority


@dataclass(frozen=True)
class LabelNoise:
    """What the scores say about the labels of one attribute.

    Attributes:
        probability: (N,) that the label is wrong.
        better: (N,) the class that the image more probably has.
        evidence: twice the gain in log-likelihood by allowing lapses, over independent observations.
        share: share of wrong labels that the model estimates.
        clean: (N, C) probabilities of the class itself, as the model with lapses sees them.
        inconsistent: rows whose label differs from that of most images of their identity; empty where the
            attribute varies.
    """

    probability: Doubles
    better: Ints
    evidence: float
    share: float
    clean: Doubles
    inconsistent: Ints


def of_images(scores: Doubles, labels: Ints, identities: Ints, probe: probing.Softmax) -> LabelNoise:
    """Fit the noise of an attribute that varies within identities, image by image.

    Args:
        scores: (N, C) out-of-fold scores.
        labels: (N,) classes as written.
        identities: (N,) identities.
        probe: the softmax fitted to the same scores without lapses.

    Returns:
        The model's judgment.
    """
    classes = len(probe.bias)
    model = probing.fit_softmax(scores, labels, classes, lapses=True, start=probe)
    wrong, better = _wrong(model, scores, labels)
    images_each = len(labels) / len(np.unique(identities))
    evidence = 2 * len(labels) * (probe.loss - model.loss) / images_each
    share = model.lapse * (1 - 1 / classes)
    return LabelNoise(wrong, better, evidence, share, model.clean(scores), np.empty(0, dtype=np.int64))


def of_identities(scores: Doubles, labels: Ints, identities: Ints) -> LabelNoise:
    """Fit the noise of an attribute that belongs to the identity, identity by identity.

    An image whose label differs from the others of its identity is wrong beyond doubt (or they are); then the
    label that most images carry is held against the mean score.
    """
    classes = scores.shape[1]
    count = int(identities.max()) + 1
    sizes = np.bincount(identities, minlength=count)
    present = np.flatnonzero(sizes)
    sums = np.stack(
        [np.bincount(identities, weights=scores[:, c], minlength=count) for c in range(classes)], axis=1
    )
    means = sums[present] / sizes[present, None]
    whole = majority(labels, identities)
    plain = probing.fit_softmax(means, whole[present], classes)
    model = probing.fit_softmax(means, whole[present], classes, lapses=True, start=plain)
    wrong, better = np.zeros(count), whole.copy()
    wrong[present], better[present] = _wrong(model, means, whole[present])
    evidence = 2 * len(present) * (plain.loss - model.loss)
    probability, truth = wrong[identities], better[identities]
    odd = labels != whole[identities]
    # An odd label is right only where the majority is wrong and the odd one is what the scores say.
    probability[odd] = np.where(
        labels[odd] == truth[odd], 1 - probability[odd], 1 - probability[odd] / classes
    )
    better_rows = np.where(odd & (labels == truth), whole[identities], truth)
    inconsistent = np.flatnonzero(odd)
    share = model.lapse * (1 - 1 / classes) + float(odd.mean())
    return LabelNoise(
        probability, better_rows.astype(np.int64), evidence, share, model.clean(scores), inconsistent
    )


def _wrong(model: probing.Softmax, inputs: Doubles, labels: Ints) -> tuple[Doubles, Ints]:
    """Probability that each label is a lapse onto another class, and the most probable class."""
    clean = model.clean(inputs)
    own = clean[np.arange(len(labels)), labels]
    blind = model.lapse / len(model.bias)
    wrong = blind * (1 - own) / np.maximum((1 - model.lapse) * own + blind, 1e-300)
    other = clean.copy()
    other[np.arange(len(labels)), labels] = -1
    return wrong, other.argmax(axis=1).astype(np.int64)
