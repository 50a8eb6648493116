"""Audit the batches that a loader really yields, for any loader."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from metric_face.errors import ArgumentError

from .audit_report import AuditReport
from .batch_statistics import drift, group
from .checks import choice, whole
from .defects import (
    broken_promises,
    locked_pairs,
    missing_coverage,
    span,
    wrong_contents,
    wrong_shapes,
)
from .drawn import Drawn, draw, random_states_kept
from .labels import encode
from .policies import Coverage
from .repeat_defects import overlapping_ranks, repeated_epochs, unmixed_seeds


@random_states_kept()
def audit_batches(
    batches: Iterable[Any],
    labels: Any,
    *,
    num_identities: int | None = None,
    num_instances: int | None = None,
    identities: Any = None,
    classes: Any = None,
    coverage: Coverage | None = "images",
    epochs: int = 1,
    other_ranks: Sequence[Iterable[Any]] = (),
    build: Callable[[int], Iterable[Any]] | None = None,
    index_of: Callable[[Any], Any] | None = None,
    patience: float = 60.0,
) -> AuditReport:
    """Run through a loader without loading an image, count what it yields and name what is wrong.

    Global random generators are put back afterwards, and a sampler that can save its state is audited on a
    copy; any other is used up by as many epochs as are looked at.

    Args:
        batches: a DataLoader, a batch sampler, or any iterable of batches of indices.
        labels: (N,) the label of each image, by index in the loader's dataset, or in the one beneath its Subsets.
        num_identities: P, labels a batch should have; without it, whether all batches have equally many.
        num_instances: K, images each of them should have; without it, what most groups have.
        identities: (N,) the identity on each image, where the label is a class.
        classes: (N,) what an F1 loss counts; by default the labels.
        coverage: what an epoch should show: all "images"; all "identities", none more than one draw oftener than
            another; or None.
        epochs: how many to look at; more than one finds images that are never drawn and epochs that repeat.
        other_ranks: the loaders of the other processes, to be compared with this one.
        build: makes the loader for a given seed; finds seeds and epochs that are added instead of mixed.
        index_of: takes the indices out of a batch, for loaders whose dataset has none.
        patience: seconds without a batch after which the loader is called stuck and walked away from; it goes on
            in a thread of its own until it yields once more or the process ends.

    Returns:
        The counts, and each defect in words.

    Raises:
        ArgumentError: batches that hold no indices, or an index outside the labels.
    """
    codes, _ = encode(labels)
    identities = None if identities is None else encode(identities, "identities")[0]
    kinds = codes if classes is None else encode(classes, "classes")[0]
    for name, column in (("identities", identities), ("classes", kinds)):
        if column is not None and column.size != codes.size:
            raise ArgumentError(f"{name} must have one value an image ({codes.size}), found {column.size}")
    epochs = whole("epochs", epochs, 1)
    if not 0 < patience < threading.TIMEOUT_MAX:
        raise ArgumentError(f"patience must be seconds above 0, found {patience!r}; 60 is usual")
    if coverage is not None:
        choice("coverage", coverage, ("images", "identities"))
    if epochs > 1 and isinstance(batches, Iterator):
        raise ArgumentError(
            f"batches must be iterable more than once for epochs={epochs}, found an iterator; pass the loader"
        )
    most = 4 * codes.size + 16

    def run(source: Iterable[Any], epoch: int) -> Drawn:
        drawn = draw(source, epoch, index_of, codes.size, most, patience)
        if drawn.image.size and not 0 <= drawn.image.min() <= drawn.image.max() < codes.size:
            worst = drawn.image.max() if drawn.image.max() >= codes.size else drawn.image.min()
            raise ArgumentError(
                f"labels must have one label for every index, found index {int(worst)} and {codes.size} labels; "
                f"pass the labels of the whole dataset"
            )
        return drawn

    passes: list[Drawn] = []
    for epoch in range(epochs):
        passes.append(run(batches, epoch))
        if passes[-1].stopped:  # the next would not end either
            break
    first = passes[0]
    groups = group(first, codes, identities)
    draws = np.bincount(first.image, minlength=codes.size)
    ever = np.bincount(np.concatenate([drawn.image for drawn in passes]), minlength=codes.size)
    distance, p_value = drift(first, codes, groups) if first.batches else (0.0, 1.0)
    in_batch = np.unique(first.batch * (int(kinds.max()) + 1) + kinds[first.image]).size / max(
        first.batches, 1
    )
    sizes = np.bincount(codes)
    report = AuditReport(
        batches=first.batches,
        promised=first.promised,
        batch_sizes=span(np.bincount(first.batch, minlength=first.batches)),
        identities_per_batch=span(np.bincount(groups.batch, minlength=first.batches)),
        instances_per_label=span(groups.size),
        images=codes.size,
        images_seen=int((draws > 0).sum()),
        labels=sizes.size,
        labels_seen=int(np.unique(groups.label).size),
        mean_draws=float(draws[draws > 0].mean()) if draws.any() else 0.0,
        most_draws=int(draws.max()),
        groups=groups.size.size,
        repeated_groups=int((groups.distinct < np.minimum(groups.size, sizes[groups.label])).sum()),
        groups_of_one_image=int(((groups.distinct == 1) & (sizes[groups.label] > 1)).sum()),
        singleton_groups=int((sizes[groups.label] == 1).sum()),
        same_identity_pairs=None if identities is None else groups.same_identity / max(groups.pairs, 1),
        drift_distance=distance,
        drift_p_value=p_value,
        classes=int(kinds.max()) + 1,
        classes_per_batch=in_batch,
        soft_f1_floor=1 - in_batch / (int(kinds.max()) + 1),
        epochs=len(passes),
        unreachable_images=int((ever == 0).sum()),
    )
    report.defects.extend(broken_promises(passes))
    if first.batches:
        report.defects.extend(wrong_shapes(report, groups, num_identities, num_instances))
        report.defects.extend(wrong_contents(report, groups, codes, identities))
        report.defects.extend(missing_coverage(report, draws, groups, coverage))
        report.defects.extend(locked_pairs(groups, sizes.size, first.batches))
        report.defects.extend(repeated_epochs(passes))
        report.defects.extend(overlapping_ranks([first, *(run(other, 0) for other in other_ranks)], codes))
    if build is not None:
        report.defects.extend(unmixed_seeds(build, run))
    return report
