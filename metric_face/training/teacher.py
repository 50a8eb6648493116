"""The teacher of a training: a finished run, what it makes of the training images, and how it scores itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metric_face.batches import METRIC
from metric_face.classifiers import votes_for_ks
from metric_face.data import ImageTable, LabelSpace, targets_of
from metric_face.embeddings import Embeddings
from metric_face.extraction import extract
from metric_face.features import recall_at_1
from metric_face.metrics import macro_f1
from metric_face.run import Run
from metric_face.search import nearest
from metric_face.training.process_group import first_goes_first, from_first
from metric_face.training.readiness import Readiness
from metric_face.training.reporting import Reporting
from metric_face.training.teacher_run import facts_of, open_teacher
from metric_face.vectors import as_vectors

FOLDER = "teacher"
"""In the run directory."""
_NEIGHBORS = 20
"""That vote on a validation image."""


@dataclass(frozen=True)
class Teacher:
    """What a teacher makes of the training images.

    Attributes:
        embeddings: (N, T), by row of the training images.
        logits: head -> (N, C), of the heads that predict the same classes as those of the run that learns.
        facts: for ``run.json``: ``run``, ``fingerprint`` and ``scores`` on validation.
    """

    embeddings: Tensor
    logits: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def load_teacher(
    ready: Readiness, home: Path, heads: Mapping[str, int], reporting: Reporting
) -> Teacher | None:
    """Embed the images of both splits with the teacher, its own preprocessing included, or read that again.

    Args:
        ready: configuration, data and plan.
        home: the run directory, where the vectors are kept.
        heads: of the network that learns, with their numbers of classes.
        reporting: for progress and lines.
    """
    run = open_teacher(ready.config)
    if run is None:
        return None
    whole = ready.data.table
    split = whole.frame["split"].to_numpy()
    table: ImageTable = whole.take(np.flatnonzero((split == "train") | (split == "val")))
    with first_goes_first():
        made = extract(run, table, folder=home / FOLDER, progress=reporting.progress)
    train, val = made.in_split("train"), made.in_split("val")
    known = _known_heads(run.space, ready.data.space, train)
    shared = [name for name in known if name in heads]
    for line in _remarks(run, ready, shared):
        reporting.say(line)
    scores = from_first(lambda: _scores(train, val, known, ready))
    shown = [f"recall@1 {scores['recall_at_1']:.3f}"] if scores["recall_at_1"] is not None else []
    shown += [f"macro F1 of {name}: kNN {score:.3f}" for name, score in scores["knn"].items()]
    reporting.say(f"teacher {run.folder}: {'; '.join(shown)}")
    return Teacher(
        torch.from_numpy(np.array(train.vectors, np.float32)),
        {name: torch.from_numpy(np.array(train.logits[name], np.float32)) for name in shared},
        facts_of(run) | {"scores": scores},
    )


def _known_heads(theirs: LabelSpace | None, ours: LabelSpace | None, made: Embeddings) -> list[str]:
    """The heads of the teacher that predict classes of ours."""
    if theirs is None or ours is None:
        return []
    if "joint" in made.logits:
        return ["joint"] if theirs.to_dict() == ours.to_dict() else []
    return [name for name in made.logits if name in ours.names and theirs[name].classes == ours[name].classes]


def _remarks(run: Run, ready: Readiness, shared: list[str]) -> list[str]:
    """What should be known before a training with this teacher."""
    lines = []
    if run.trained and "train" in run.table.splits:
        seen = {path.resolve() for path in run.table.in_split("train").paths}
        met = sum(path.resolve() in seen for path in ready.plan.val.paths)
        if met:
            lines.append(
                f"teacher.run: was trained on {met:,} of the {len(ready.plan.val):,} validation images, so its scores "
                "and those of the run are too good on them; train both with one split"
            )
    if not shared and ready.data.space is not None and ready.config.teacher.logits_weight:
        lines.append("teacher.logits_weight: is not used, no head of the teacher predicts the same classes")
    return lines


def _scores(train: Embeddings, val: Embeddings, heads: list[str], ready: Readiness) -> dict[str, Any]:
    """The teacher's own macro F1 by head and by the 20 nearest training images, and recall@1, on validation."""
    space, found = ready.data.space, dict[str, Any](head={}, knn={}, recall_at_1=None)
    labels = ready.plan.val_codes.get(METRIC)
    if labels is not None:
        found["recall_at_1"] = recall_at_1(np.asarray(val.vectors), labels)
    if space is None:
        return found
    known, true = targets_of(train.table, space), targets_of(val.table, space)
    predicted = space.head_classes(val.logits) if set(heads) in ({"joint"}, set(space.names)) else {}
    queries, base = as_vectors(val.vectors, "vectors"), as_vectors(train.vectors, "vectors")
    k = min(_NEIGHBORS, len(base))
    near = nearest(queries, base, k, "cosine")
    for name, (codes, classes) in true.items():
        answers = votes_for_ks(*near, known[name][0], [k])[k].labels
        found["knn"][name] = macro_f1(codes, answers, len(classes))
        if name in predicted:
            found["head"][name] = macro_f1(codes, predicted[name], len(classes))
    return found
