"""What an identity sampler's epoch holds, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metric_face.arrays import Ints
from metric_face.errors import ArgumentError

from .labels import encode
from .roster import Roster


@dataclass(frozen=True)
class SamplerReport:
    """One epoch of a sampler, counted on its plan.

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

    def sentences(self) -> list[str]:
        """The report in plain words, what needs attention included."""
        said = [
            f"{self.batches} batches of {self.num_identities} labels x {self.num_instances} images, from "
            f"{self.eligible_images} images of {self.eligible_labels} labels.",
            f"An image is drawn {self.mean_draws:.2f} times an epoch on average, {self.most_draws} times at most; "
            f"a label {self.label_draws[0]} to {self.label_draws[1]} times.",
        ]
        if self.dropped_images:
            said.append(
                f"{len(self.dropped_images)} images of {len(self.dropped_labels)} labels are never drawn: each is "
                f"the only image of its label."
            )
        if self.unseen_images:
            said.append(f"{self.unseen_images} images are not in this epoch; other epochs draw others.")
        if self.singletons:
            said.append(f"{self.singletons} labels have one image: they serve as negatives only.")
        if self.padded_labels > self.singletons:
            said.append(
                f"{self.padded_labels - self.singletons} labels have fewer than {self.num_instances} images, which "
                f"are repeated within a batch."
            )
        if self.short_of_identities:
            said.append(
                f"{self.short_of_identities} labels have fewer than {self.num_instances} identities: some of their "
                f"positives are the same identity."
            )
        said += [
            f"{name} varies within {count} labels: pulling a label together pulls its values of {name} together, "
            f"and the head for {name} has to separate them again."
            for name, count in self.varying.items()
        ]
        return said

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def report_on(roster: Roster, plan: Ints, codes: Ints, attributes: Mapping[str, Any]) -> SamplerReport:
    """Count what a plan holds.

    Args:
        roster: the labels and the policies.
        plan: (batches, P * K) from `make_plan`.
        codes: (N,) label codes of all images.
        attributes: (N,) columns by name.
    """
    k = roster.num_instances
    draws = np.bincount(plan.ravel(), minlength=roster.num_images)[roster.members]
    by_label = np.bincount(roster.label, draws, minlength=roster.sizes.size) / k
    short = None
    if roster.part is not None and roster.quotas is None:
        short = int((np.bincount(roster.part_label) < k).sum())
    return SamplerReport(
        images=roster.num_images,
        labels=len(roster.names) + len(roster.dropped_labels),
        eligible_images=roster.members.size,
        eligible_labels=roster.sizes.size,
        dropped_images=roster.dropped.tolist(),
        dropped_labels=list(roster.dropped_labels),
        singletons=int((roster.sizes == 1).sum()),
        padded_labels=int((roster.sizes < k).sum()),
        num_identities=roster.num_identities,
        num_instances=k,
        batches=len(plan),
        batch_size=plan.shape[1],
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
