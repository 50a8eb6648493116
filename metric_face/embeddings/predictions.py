"""What one run says about each image: probabilities of each attribute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metric_face.arrays import Doubles, Ints
from metric_face.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from metric_face.data import LabelSpace
    from metric_face.embeddings.embeddings import Embeddings


@dataclass(frozen=True)
class Predictions:
    """Probabilities of each attribute for N images; a bare class is a probability of one.

    Attributes:
        name: of the run.
        images: (N,) text, each once.
        probabilities: attribute -> (N, C) rows that sum to 1.
    """

    name: str
    images: NDArray[Any]
    probabilities: Mapping[str, Doubles]

    def __post_init__(self) -> None:
        values, counts = np.unique(self.images, return_counts=True)
        if len(values) < len(self.images):
            raise DataError(
                f"{self.name}: an image must stand once, found {str(values[counts > 1][0])!r} twice; drop one"
            )
        for attribute, table in self.probabilities.items():
            if table.ndim != 2 or len(table) != len(self.images):
                raise ArgumentError(
                    f"probabilities of {attribute!r} must be ({len(self.images)}, C), found {table.shape}"
                )

    @classmethod
    def of_embeddings(cls, name: str, embeddings: "Embeddings", space: "LabelSpace") -> Self:
        """Predictions from the logits of a model's heads; a joint head is summed over the other attributes.

        Raises:
            ArgumentError: the embeddings carry no logits of the attributes, nor of ``joint``.
        """
        tables = space.head_probabilities(embeddings.logits)
        return cls(name, embeddings.table.frame["path"].to_numpy(dtype=str), tables)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, images: ArrayLike) -> Self:
        """The given images, in that order.

        Raises:
            DataError: an image is not among them.
        """
        wanted = np.asarray(images, dtype=str)
        order = np.argsort(self.images)
        place = np.minimum(np.searchsorted(self.images, wanted, sorter=order), len(order) - 1)
        rows = order[place]
        missing = self.images[rows] != wanted
        if missing.any():
            raise DataError(
                f"{self.name}: must predict every image, found none for {str(wanted[missing][0])!r} "
                f"({int(missing.sum())} missing); predict the same images with every run"
            )
        tables = {attribute: table[rows] for attribute, table in self.probabilities.items()}
        return type(self)(self.name, wanted, tables)

    def aligned(self, own: "LabelSpace", space: "LabelSpace") -> Self:
        """The same in the attributes and the class order of another label space; a class that is new there gets 0.

        Args:
            own: the label space of these predictions.
            space: the one wanted.

        Raises:
            DataError: an attribute is not predicted, or a class that is predicted is not in ``space``.
        """
        tables = {}
        for attribute in space.attributes:
            if attribute.name not in own.names:
                raise DataError(
                    f"{self.name}: must predict {attribute.name!r}, found {', '.join(own.names)}; "
                    "fuse runs of the same attributes"
                )
            classes = own[attribute.name].classes
            unknown = [name for name in classes if name not in attribute.classes]
            if unknown:
                raise DataError(
                    f"{self.name}: {attribute.name} must be one of {', '.join(attribute.classes)}, "
                    f"found the class {unknown[0]!r}; fuse runs of the same classes"
                )
            table = np.zeros((len(self), attribute.num_classes))
            table[:, [attribute.classes.index(name) for name in classes]] = self.probabilities[attribute.name]
            tables[attribute.name] = table
        return type(self)(self.name, self.images, tables)

    def codes(self) -> dict[str, Ints]:
        """The most probable class of each attribute, (N,)."""
        return {name: table.argmax(axis=1).astype(np.int64) for name, table in self.probabilities.items()}


def pool_folds(name: str, folds: Sequence[Predictions]) -> Predictions:
    """One prediction from those of K-fold runs: each image by the mean of the folds that saw it predicted.

    Held-out parts do not overlap and are put together; predictions of the same test images are averaged. Folds
    that are not finished are simply absent.

    Args:
        name: of the result.
        folds: predictions of the finished folds, of the same attributes.

    Returns:
        Predictions of every image that some fold predicted.

    Raises:
        ArgumentError: no fold, or folds of different attributes.
    """
    if not folds or any(set(fold.probabilities) != set(folds[0].probabilities) for fold in folds):
        raise ArgumentError(f"folds of {name!r} must be at least one, all of the same attributes")
    images, rows = np.unique(np.concatenate([fold.images for fold in folds]), return_inverse=True)
    counts = np.bincount(rows)[:, None]
    tables = {}
    for attribute in folds[0].probabilities:
        stacked = np.concatenate([fold.probabilities[attribute] for fold in folds])
        total = np.zeros((len(images), stacked.shape[1]))
        np.add.at(total, rows, stacked)
        tables[attribute] = total / counts
    return Predictions(name, images, tables)
