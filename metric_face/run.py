"""Run: the directory that a training leaves and every other command opens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from metric_face.averaging import model_of
from metric_face.data import data_root, given_root, moved
from metric_face.errors import FileFormatError, MetricFaceError
from metric_face.files import build, check_run_file, read_facts, read_metrics, read_rows, remedy_of
from metric_face.notebook import lines_html, table_html
from metric_face.visible import shell_word

if TYPE_CHECKING:
    import pandas as pd

    from metric_face.config import Config
    from metric_face.data import EvalTransform, ImageTable, LabelSpace
    from metric_face.embeddings import Embeddings
    from metric_face.models import EmbeddingModel

UNTRAINED = "untrained"
"""How a run ended that was never trained: its model is a pretrained backbone as it is."""
LEAST = 0.005
"""Score that a training must lose against its start to have ended below it."""


@dataclass(frozen=True)
class Run:
    """A training's result on disk; every split is read when it is asked for.

    Attributes:
        folder: the run directory, as described in ARCHITECTURE.md.
        data: where the images are now, the folder that their paths start from; None where training found them or,
            where that is gone, at the same place as seen from the run.
    """

    folder: Path
    data: Path | None = None

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        try:
            space, table = self.space, self.table
            targets = "identities" if space is None else ", ".join(space.target_names)
            counts = [(name, int(table.rows_in(name).sum())) for name in table.splits]
            rows = [("training", self.summary if self.trained else UNTRAINED), ("predicts", targets), *counts]
        except (MetricFaceError, KeyError, TypeError) as error:  # a damaged run, or one that goes on
            return lines_html([str(error)], repr(self))
        return table_html(("", ""), rows, repr(self))

    def __post_init__(self) -> None:
        for name in ("folder", "data"):  # where a text was given for a path
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else Path(given))

    @classmethod
    def open(cls, path: "str | Path | Run", *, data: str | Path | None = None) -> Self:
        """Open a run directory.

        Args:
            path: the directory, or a run.
            data: where the images are now, if they were moved.

        Raises:
            DataError: ``data`` is no folder.
            FileFormatError: the directory does not exist or holds no run.
        """
        folder = path.folder if isinstance(path, Run) else Path(path)
        if not folder.is_dir():
            raise FileFormatError(
                f"{folder}: no such folder; give the directory that 'metric-face train' wrote"
            )
        if (folder / "fold-0" / "config.yaml").is_file() and not (folder / "config.yaml").exists():
            raise FileFormatError(
                f"{folder}: holds folds; give one of them, such as {folder / 'fold-0'}, or fuse them with "
                f"`metric-face fuse {shell_word(folder)}`"
            )
        if not (folder / "config.yaml").is_file():
            raise FileFormatError(
                f"{folder}: holds no config.yaml; give the directory that 'metric-face train' wrote"
            )
        root = path.data if data is None and isinstance(path, Run) else data
        return cls(folder, None if root is None else given_root(root))

    @cached_property
    def config(self) -> "Config":
        """The resolved configuration."""
        from metric_face.config import load_config

        return load_config(check_run_file(self.folder, "config.yaml"))

    @cached_property
    def table(self) -> "ImageTable":
        """The images with their split; broken ones that were dropped are not in it."""
        from metric_face.data import ImageTable

        file, remedy = check_run_file(self.folder, "images.parquet"), remedy_of(self.folder)
        frame = read_rows(file, remedy=remedy)
        stored = build(lambda: ImageTable(frame, Path(self.facts["data_root"])), file, remedy=remedy)
        return moved(stored, self.data_root)

    @property
    def data_root(self) -> Path:
        """Where the images are now."""
        return data_root(self.folder, self.facts["data_root"], self.facts.get("data_beside"), self.data)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What else is known of the run (``run.json``): data root, dropped images, best epoch, duration, versions."""
        return read_facts(self.folder)

    @property
    def trained(self) -> bool:
        """Whether there was a training; without one the vectors are a pretrained backbone's features as they are."""
        return bool(self.facts.get("ended") != UNTRAINED)

    @property
    def summary(self) -> str:
        """How the training ended, in one line."""
        facts = self.facts
        begun = start_score(facts.get("before") or {}, facts["monitor"])
        kept = begun is None or facts["best"] >= begun - LEAST
        below = "" if kept else f", below the {begun:.3f} of the start"
        return (
            f"{facts['ended']}: best {facts['monitor']} {facts['best']:.3f} in epoch {facts['best_epoch'] + 1} of "
            f"{facts['epochs']}, {facts['seconds']:.0f} s{below}; best weights in {self.folder}"
        )

    @cached_property
    def card(self) -> dict[str, Any]:
        """``model.json``: architecture, transform, label space, fingerprint."""
        from metric_face.models import read_card

        card = read_card(self.folder)
        check_run_file(self.folder, "model.json")
        return card

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint."""
        return str(self.card["fingerprint"])

    @property
    def transform(self) -> "EvalTransform":
        """The evaluation transform, part of the model."""
        from metric_face.data import EvalTransform

        return build(
            lambda: EvalTransform.from_dict(self.card["transform"]),
            self.folder / "model.json",
            remedy=remedy_of(self.folder),
        )

    @property
    def space(self) -> "LabelSpace | None":
        """The attributes that were trained, or None where there were none."""
        from metric_face.data import LabelSpace

        data = self.card["label_space"]
        remedy = remedy_of(self.folder)
        return (
            None
            if data is None
            else build(lambda: LabelSpace.from_dict(data), self.folder / "model.json", remedy=remedy)
        )

    @property
    def recall_label(self) -> str:
        """The label of recall@1: that of the metric loss, or the identity where there are no attributes."""
        return "identity" if self.space is None else self.config.loss.label

    @cached_property
    def model(self) -> "EmbeddingModel":
        """The best weights, in evaluation mode."""
        from metric_face.models import load_model

        return load_model(self.folder)

    @cached_property
    def log(self) -> "pd.DataFrame":
        """``metrics.csv``: losses by split, the learning rate really applied, validation, gradient angles."""
        return read_metrics(check_run_file(self.folder, "metrics.csv"), remedy=remedy_of(self.folder))

    def embeddings(self, split: str | None = None, *, mmap: bool = False) -> "Embeddings":
        """The stored embeddings of one split, or of all the images.

        Args:
            split: of the images; None for all of them.
            mmap: leave the vectors on disk and read what is touched.

        Raises:
            FileFormatError: ``metric-face embed`` has not been run.
            ModelMismatchError: they come from other weights than the run's.
        """
        from metric_face.embeddings import Embeddings
        from metric_face.errors import ModelMismatchError

        stored = Embeddings.load(self.folder / "embeddings", mmap=mmap, data=self.data)
        if self.data is None and str(stored.table.root) == self.facts["data_root"]:
            stored = replace(stored, table=moved(stored.table, self.data_root))
        if model_of(stored.fingerprint) != self.fingerprint:
            raise ModelMismatchError(
                f"{self.folder / 'embeddings'}: made by model {stored.fingerprint}, the run holds {self.fingerprint}; "
                "run 'metric-face embed' again"
            )
        return stored if split is None else stored.in_split(split)


def start_score(before: Mapping[str, Any], monitor: str) -> float | None:
    """What the features gave by the score that the best weights are chosen by; None where nothing compares to it."""
    if monitor == "val/recall@1":
        found = [before.get(name) for name in ("recall_at_1", "recall_at_1_projected")]
        return max((float(score) for score in found if score is not None), default=None)
    probe = before.get("probe") or {}
    return float(probe["joint"]) if monitor == "val/macro_f1" and "joint" in probe else None
