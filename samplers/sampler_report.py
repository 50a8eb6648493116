"""What an identity sampler's epoch holds, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError

from .labels import encode
from .sampling_plan import SamplingPlan


@dataclass(frozen=True)
class SamplerReport:
    """One epoch of a sampler, counted.

    Attributes:
        images, labels: in the data.
        eligible_images, eligible_labels: those that can be drawn.
        dropped_images: numbers of the images that are never drawn; dropped_labels: their labels.
        singletons: eligible labels of one image, repeated K times; their image is never a positive.
        padded_labels: eligible labels of fewer than K images, whose images are repeated in a group.
        batches, batch_size: of an epoch over all ranks.
        unseen_images: eligible images not in this epoch (0 with coverage="images").
        most_draws, mean_draws: how often an image is drawn in the epoch.
        label_draws: (least, most) groups of one label in the epoch.
        short_of_identities: labels with fewer than K identities, where images are spread over identities.
        varying: attributes that take several values within a label, and in how many labels they do.
    """

    images: int
    labels: int
    eligible_images: int
    eligible_labels: int
    dropped_images: list[int]
    dropped_labels: list[Any]
    singletons: int
    padded_labels: int
    num_identities: int
    num_instances: int
    batches: int
    batch_size: int
    unseen_images: int
    most_draws: int
    mean_draws: float
    label_draws: tuple[int, int]
    short_of_identities: int | None
    varying: dict[str, int]

    def __repr__(self) -> str:
        shape = f"{self.batches} batches of {self.num_identities} x {self.num_instances}"
        return f"SamplerReport({shape}, from {self.eligible_images} of {self.images} images)"

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in self.sentences())}</ul>"

    def sentences(self) -> list[str]:
        """The report in plain words, what needs attention included."""
        lines = [
            f"{self.batches} batches of {self.num_identities} labels x {self.num_instances} images, from "
            f"{self.eligible_images} images of {self.eligible_labels} labels.",
            f"An image is drawn {self.mean_draws:.2f} times an epoch on average, {self.most_draws} times at most; "
            f"a label {self.label_draws[0]} to {self.label_draws[1]} times.",
        ]
        if self.dropped_images:
            lines.append(
                f"{len(self.dropped_images)} images of {len(self.dropped_labels)} labels are never drawn: each is "
                f"the only image of its label."
            )
        if self.unseen_images:
            lines.append(f"{self.unseen_images} images are not in this epoch; other epochs draw others.")
        if self.singletons:
            lines.append(f"{self.singletons} labels have one image: they serve as negatives only.")
        if self.padded_labels > self.singletons:
            lines.append(
                f"{self.padded_labels - self.singletons} labels have fewer than {self.num_instances} images, which "
                f"are repeated within a batch."
            )
        if self.short_of_identities:
            lines.append(
                f"{self.short_of_identities} labels have fewer than {self.num_instances} identities: some of their "
                f"positives are the same identity."
            )
        lines += [
            f"{name} varies within {count} labels: pulling a label together pulls its values of {name} together, "
            f"and the head for {name} has to separate them again."
            for name, count in self.varying.items()
        ]
        return lines

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def report_on(plan: SamplingPlan, batches: Ints, codes: Ints, attributes: Mapping[str, Any]) -> SamplerReport:
    """Count what an epoch holds.

    Args:
        plan: the labels and the policies.
        batches: (batches, P * K) from `epoch_batches`.
        codes: (N,) label codes of all images.
        attributes: (N,) columns by name.
    """
    images, k = plan.images, plan.policies.num_instances
    draws = np.bincount(batches.ravel(), minlength=images.num_images)[images.members]
    by_label = np.bincount(images.label, draws, minlength=images.sizes.size) / k
    short = None
    if images.part is not None and plan.quotas is None:
        short = int((np.bincount(images.part_label) < k).sum())
    return SamplerReport(
        images=images.num_images,
        labels=len(images.names) + len(images.dropped_labels),
        eligible_images=images.members.size,
        eligible_labels=images.sizes.size,
        dropped_images=images.dropped.tolist(),
        dropped_labels=list(images.dropped_labels),
        singletons=int((images.sizes == 1).sum()),
        padded_labels=int((images.sizes < k).sum()),
        num_identities=plan.policies.num_identities,
        num_instances=k,
        batches=len(batches),
        batch_size=batches.shape[1],
        unseen_images=int((draws == 0).sum()),
        most_draws=int(draws.max()),
        mean_draws=float(draws.mean()),
        label_draws=(int(by_label.min()), int(by_label.max())),
        short_of_identities=short,
        varying=varying_within(codes, attributes),
    )


def varying_within(codes: Ints, attributes: Mapping[str, Any]) -> dict[str, int]:
    """The attributes that take several values within a label, and in how many labels they do."""
    varying = {}
    for name, column in attributes.items():
        values, _ = encode(column, name)
        if values.size != codes.size:
            raise ArgumentError(f"{name} must have one value an image ({codes.size}), found {values.size}")
        first = np.empty(int(codes.max()) + 1, dtype=np.int64)
        first[codes] = values
        count = np.unique(codes[first[codes] != values]).size
        if count:
            varying[name] = int(count)
    return varying
