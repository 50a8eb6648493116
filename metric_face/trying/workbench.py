"""Workbench: a run's images and features, on which changes are trained one after the other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.arrays import Doubles, Floats, Ints
from metric_face.batches import METRIC, metric_labels
from metric_face.classifiers import KNNClassifier
from metric_face.config import Config
from metric_face.data import (
    ImageTable,
    LabelSpace,
    PreparedData,
    TableRows,
    digest_rows,
    identities_of,
)
from metric_face.errors import ArgumentError, MetricFaceError
from metric_face.features import AffineMap, Features, cached_features
from metric_face.progress import Progress
from metric_face.run import Run
from metric_face.search import NeighborGraph
from metric_face.trying.changes import WhatIf, changed
from metric_face.trying.labeling import labeled_as, trainings
from metric_face.trying.outcome import ChangeOutcome, Validation
from metric_face.trying.suspects import suspects
from metric_face.vectors import normalize

if TYPE_CHECKING:
    from metric_face.training import CachedSplits, Readiness

STEPS = 330
"""Batches that each change is trained on, about."""
_VERSION = 2


@dataclass
class Workbench:
    """What changes are tried on.

    Attributes:
        run: whose changes they are.
        config: of the run, with the backbone frozen.
        space: its attributes, or None.
        features: of the training and the validation images, in this order in ``table``.
        table: these images.
        steps: batches that a change is trained on, about.
    """

    run: Run
    config: Config
    space: LabelSpace | None
    features: Features
    table: ImageTable
    steps: int = STEPS
    _starts: dict[Any, AffineMap | None] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, folder: Path, steps: int, progress: Progress) -> "Workbench":
        """Read a run and compute the features of its own backbone, or read them where they are kept.

        Args:
            run: trained or not.
            folder: where features are kept, unless the run has them from a training on them.
            steps: batches that a change is trained on, about.
            progress: called with (images done, images in all).

        Raises:
            ArgumentError: the run has no validation images.
            ImageError: an image cannot be used.
        """
        split = run.table.frame["split"].to_numpy()
        rows = np.concatenate([np.flatnonzero(split == name) for name in ("train", "val")])
        for name in ("train", "val"):
            if name not in split:
                raise ArgumentError(
                    f"{run.folder}: has no images in the split {name!r}, so nothing can be tried on it"
                )
        config = run.config
        frozen = config.trainer.model_copy(update={"frozen": True})
        config = config.model_copy(update={"trainer": frozen}).settled(run.space is not None)
        kept = run.folder / "features" if run.config.trainer.frozen else folder
        table = run.table.take(np.sort(rows))
        features = cached_features(
            run.model, table, run.transform, kept, precision=config.trainer.precision, progress=progress
        )
        return cls(run, config, run.space, features, table, steps)

    @property
    def train(self) -> Ints:
        """(N,) rows of the training images."""
        return np.flatnonzero(self.table.frame["split"].to_numpy() == "train")

    @property
    def val(self) -> Ints:
        """(Q,) rows of the validation images."""
        return np.flatnonzero(self.table.frame["split"].to_numpy() == "val")

    def identities(self, rows: Ints) -> Any:
        """Who is on the images of these rows."""
        return identities_of(self.table.take(rows), self.config.data.split.group)

    @property
    def recall_label(self) -> str:
        """The label of recall@1, for every change that of the run."""
        return self.run.recall_label

    def _recall_codes(self) -> Ints:
        codes: Ints = metric_labels(self.table.take(self.val), self.space, self.recall_label)
        return codes

    def validation(self) -> Validation:
        """The validation images."""
        groups = np.unique(self.identities(self.val), return_inverse=True)[1]
        labels, true, classes = self._recall_codes(), None, 0
        if self.space is not None:
            true, classes = (
                self.space.joint(self.space.encode(self.table.take(self.val))),
                self.space.num_classes,
            )
        return Validation(groups, true, classes, np.bincount(labels)[labels] > 1)

    def rows(self, one: WhatIf) -> Ints:
        """(N,) the training rows of a change."""
        rows = self.train
        if one.share < 1:
            names = self.identities(rows)
            every = np.random.default_rng(0).permutation(np.unique(names))
            rows = rows[np.isin(names, every[: max(2, round(one.share * len(every)))])]
        if one.drops and self.space is not None:
            rows = np.setdiff1d(rows, self.suspects)
        return rows

    @cached_property
    def suspects(self) -> Ints:
        """The training rows whose label their neighbors contradict."""
        assert self.space is not None
        rows = self.train
        classes = self.space.joint(self.space.encode(self.table.take(rows)))
        return rows[suspects(np.asarray(self.features.plain[rows]), classes, self.identities(rows))]

    def state(self, one: WhatIf) -> str:
        """What stands for everything that the outcome of a change depends on."""
        parts = [
            _VERSION,
            self.steps,
            self.run.fingerprint,
            self.config.model_dump_json(),
            one,
            self.recall_label,
            self._digest,
        ]
        return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]

    @cached_property
    def _digest(self) -> str:
        """Of the images: paths, splits, labels and identities, and the features, which hold what is seen of pixels."""
        digest = sha256(digest_rows(TableRows(self.table).pieces()).encode())
        for name, view in self.features.views.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(view).data)
        return digest.hexdigest()

    def train_on(self, one: WhatIf, clock: Callable[[], float] = time.monotonic) -> ChangeOutcome:
        """Train a change; what refuses to be trained says why."""
        import torch

        from metric_face.training import (
            CachedSplits,
            Readiness,
            evaluated_output,
            fit_on_features,
            plan_training,
            resumed_start,
        )

        started = clock()
        rows, parts, steps = self.rows(one), [], 0
        try:
            config = changed(self.config, one.overrides) if one.overrides else self.config
            config = config.settled(self.space is not None)
            for space, settings in trainings(self.space, config, one):
                data = PreparedData(self.table.take(np.union1d(rows, self.val)), space, (), ())
                ready = Readiness(settings, data, plan_training(data, settings))
                cached = CachedSplits(
                    self.features, rows, self.val, settings.model.tta, settings.data.augmentation.flip > 0
                )
                epochs = max(1, round(self.steps / len(ready.plan.sampler)))
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(settings.seed)
                    start = self._start(cached, ready, one)
                    origin = resumed_start(self.run.facts, settings)
                    output = evaluated_output(
                        fit_on_features(ready, cached, origin, start, epochs).model, cached
                    )
                logits = {name: values.numpy()[self.val] for name, values in output.logits.items()}
                classes = {} if space is None or not logits else space.head_classes(logits)
                parts.append((output.embedding.numpy(), classes))
                steps += epochs * len(ready.plan.sampler)
        except MetricFaceError as error:
            return ChangeOutcome({}, clock() - started, refused=str(error))
        vectors = parts[0][0] if len(parts) == 1 else np.hstack([normalize(found) for found, _ in parts])
        codes = {name: found for _, classes in parts for name, found in classes.items()}
        answers = self._answers(vectors, codes, rows, labeled_as(self.space, one))
        return ChangeOutcome(answers, clock() - started, steps // len(parts))

    def numbers(self) -> dict[str, Doubles]:
        """Binned attribute -> (N,) the numbers of the training images behind its classes."""
        table = self.table.take(self.train)
        binned = [one for one in (self.space.attributes if self.space is not None else ()) if one.cuts]
        return {one.name: one.numbers(table.column(one.name)) for one in binned}

    def _start(self, cached: "CachedSplits", ready: "Readiness", one: WhatIf) -> AffineMap | None:
        """Where the projection starts, computed once for all changes that share it."""
        from metric_face.training import projection_start

        model, loss = ready.config.model, ready.config.loss
        labeled = METRIC in ready.plan.codes
        names = None if ready.data.space is None else ready.data.space.names
        seen = (loss.label, labeled, names, one.share, one.drops, one.cuts)
        key = (model.projection, model.embedding_size, model.tta, seen)
        if key not in self._starts:
            self._starts[key] = projection_start(cached, ready)
        return self._starts[key]

    def _answers(
        self, vectors: Floats, classes: dict[str, Ints], rows: Ints, labeled: LabelSpace | None
    ) -> dict[str, Ints]:
        """Per validation image: what head and neighbors say, and whether the nearest image shares its label."""
        found: dict[str, Ints] = {}
        queries = vectors[self.val]
        if labeled is not None:
            if classes:
                found["head"] = labeled.joint(classes)
            known = labeled.joint(labeled.encode(self.table.take(rows)))
            found["knn"] = np.asarray(KNNClassifier(20).fit(vectors[rows], known).predict(queries), np.int64)
        labels = self._recall_codes()
        if (np.bincount(labels) > 1).any():
            nearest = NeighborGraph.build(queries, 1).ids[:, 0]
            found["recall"] = (labels[nearest] == labels).astype(np.int64)
        return found
