"""Labeled images that no model was trained on, by which members are chosen and evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metric_face.data import Codes, LabelSpace, identities_of
from metric_face.errors import ArgumentError
from metric_face.run import Run


@dataclass(frozen=True)
class HeldOutLabels:
    """Labeled images to choose members and to evaluate on: the validation splits of a run, or of the finished folds."""

    space: LabelSpace
    images: NDArray[np.str_]
    codes: dict[str, Codes]
    identities: NDArray[np.str_]
    own: frozenset[str]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "HeldOutLabels":
        space = runs[0].space
        if space is None:
            raise ArgumentError(
                f"--truth {runs[0].folder}: the run has no attributes; it was trained on identities alone"
            )
        splits = [run.table.in_split("val") for run in runs]
        images = np.concatenate([split.frame["path"].to_numpy(dtype=str) for split in splits])
        identities = np.concatenate(
            [identities_of(p, run.config.data.split.group) for p, run in zip(splits, runs, strict=True)]
        )
        if splits[0].identities is None and runs[0].config.data.split.group is None:
            identities = images  # each image stands for itself, in whichever fold it is
        encoded = [space.encode(split) for split in splits]
        codes = {name: np.concatenate([one[name] for one in encoded]) for name in space.names}
        own = frozenset(name for run in runs for name in run.table.frame["path"])
        return cls(space, images, codes, identities, own)
