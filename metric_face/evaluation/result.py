"""Evaluation: the scores of a run on one split, by predictor and target, and its retrieval."""

from dataclasses import asdict, dataclass
from typing import Any

from metric_face.errors import ArgumentError
from metric_face.evaluation.logit_adjustment import Remedy
from metric_face.evaluation.open_set_scores import OpenSet
from metric_face.metrics import Interval
from metric_face.notebook import lines_html, table_html
from metric_face.plurals import counted


@dataclass(frozen=True)
class Score:
    """The macro F1 of one predictor on one target.

    Attributes:
        predictor: ``head``, ``knn``, ``probe`` or ``majority``.
        target: an attribute, ``joint`` or ``identity``.
        macro_f1: with its interval over identities.
        f1: per class, NaN where the split has none of it.
        note: how the predictor was set, such as the k of kNN.
        start: the macro F1 that the backbone's features gave before the training; None where that is not known.
    """

    predictor: str
    target: str
    macro_f1: Interval
    f1: dict[str, float]
    note: str = ""
    start: float | None = None


@dataclass(frozen=True)
class Retrieval:
    """How near the images of one label are to each other, within the split evaluated.

    Attributes:
        label: ``identity``, ``joint`` or an attribute.
        recall_at_1: with its interval over identities.
        recall_at_5, r_precision, map_at_r: means over queries.
        same_identity_excluded: whether a query's own identity was left out of its neighbors.
        queries: how many counted.
        without_relevant: queries with nothing to find, which do not count.
        drawing_error: how far the means over drawn queries may lie from those over all images: the half width of a
            95 % interval, the largest of the four; 0 where all images ask.
        start_recall_at_1: what the backbone's features gave before the training; None where that is not known.
    """

    label: str
    recall_at_1: Interval
    recall_at_5: float
    r_precision: float
    map_at_r: float
    same_identity_excluded: bool
    queries: int
    without_relevant: int
    drawing_error: float = 0.0
    start_recall_at_1: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run on one split of its images.

    Attributes:
        split: the split.
        images: in it.
        identities: in it.
        scores: per predictor and target.
        retrieval: per label.
        after_training: what thresholds and a prior add to the heads.
        met_own: images whose own identity is in the training split too, where kNN and probe meet it: it is not left
            out; 0 after a split by identity, None where identities are not known.
        notes: what could not be measured, and why, a line each.
        asking: of the images, how many ask for neighbors, by kNN and for retrieval; drawn where they are fewer.
        teacher: the run that this one learned from: ``run``, ``fingerprint``, and its own macro F1 under ``head`` and
            ``knn`` by target, and ``recall_at_1``; None without one.
        open_set: how enrolled identities are found while others are refused; None where identities are not known.
    """

    split: str
    images: int
    identities: int
    scores: tuple[Score, ...]
    retrieval: tuple[Retrieval, ...]
    after_training: tuple[Remedy, ...] = ()
    met_own: int | None = None
    notes: tuple[str, ...] = ()
    asking: int = 0
    open_set: OpenSet | None = None
    teacher: dict[str, Any] | None = None

    @property
    def drawing_error(self) -> float:
        """How far retrieval of the images that ask may lie from that of all: the largest over labels and metrics."""
        return max((retrieval.drawing_error for retrieval in self.retrieval), default=0.0)

    def __repr__(self) -> str:
        images, identities = counted(self.images, "images"), counted(self.identities, "identities")
        return f"Evaluation({self.split}: {images} of {identities}, {counted(len(self.scores), 'scores')})"

    def _repr_html_(self) -> str:
        scores = [(s.predictor, s.target, s.macro_f1, s.note) for s in self.scores]
        nearest = [(r.label, r.recall_at_1, r.recall_at_5, r.r_precision, r.map_at_r) for r in self.retrieval]
        head = ("retrieval by", "recall@1", "recall@5", "R-precision", "MAP@R")
        tables = table_html(("predictor", "target", "macro F1", ""), scores, repr(self)) if scores else ""
        return tables + table_html(head, nearest, "" if scores else repr(self)) + lines_html(self.notes)

    def score(self, predictor: str, target: str) -> Score:
        """One score.

        Raises:
            ArgumentError: there is none of this predictor and target.
        """
        for score in self.scores:
            if (score.predictor, score.target) == (predictor, target):
                return score
        known = ", ".join(sorted({f"{score.predictor}/{score.target}" for score in self.scores}))
        raise ArgumentError(f"score {predictor}/{target}: there is {known}")

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as plain data, for JSON."""
        return asdict(self)
