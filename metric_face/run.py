"""Run: the directory that a training leaves and every other command opens."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from metric_face.errors import FileFormatError

if TYPE_CHECKING:
    import pandas as pd

    from metric_face.config import Config
    from metric_face.data.labels import LabelSpace
    from metric_face.data.table import ImageTable
    from metric_face.data.transforms import EvalTransform
    from metric_face.embeddings import Embeddings
    from metric_face.model import EmbeddingModel


@dataclass(frozen=True)
class Run:
    """A training's result on disk; every part is read when it is asked for.

    Attributes:
        folder: the run directory, as described in ARCHITECTURE.md.
    """

    folder: Path

    @classmethod
    def open(cls, path: "str | Path | Run") -> Self:
        """Open a run directory.

        Raises:
            FileFormatError: it does not exist or holds no run.
        """
        folder = path.folder if isinstance(path, Run) else Path(path)
        if not folder.is_dir():
            raise FileFormatError(
                f"{folder}: no such folder; give the directory that 'metric-face train' wrote"
            )
        if (folder / "fold-0" / "config.yaml").is_file() and not (folder / "config.yaml").exists():
            raise FileFormatError(
                f"{folder}: holds folds; give one of them, such as {folder / 'fold-0'}, or fuse them with "
                f"'metric-face fuse {folder}'"
            )
        if not (folder / "config.yaml").is_file():
            raise FileFormatError(
                f"{folder}: holds no config.yaml; give the directory that 'metric-face train' wrote"
            )
        return cls(folder)

    @cached_property
    def config(self) -> "Config":
        """The resolved configuration."""
        from metric_face.config import load_config

        return load_config(self.folder / "config.yaml")

    @cached_property
    def table(self) -> "ImageTable":
        """The images with their split; broken ones that were dropped are not in it."""
        import pandas as pd

        from metric_face.data.table import ImageTable

        file = self.folder / "images.parquet"
        if not file.is_file():
            raise FileFormatError(f"{file}: missing; train again")
        return ImageTable(pd.read_parquet(file), Path(self.facts["data_root"]))

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What else is known of the run (``run.json``): data root, dropped images, best epoch, duration, versions."""
        file = self.folder / "run.json"
        if not file.is_file():
            raise FileFormatError(f"{file}: missing; train again")
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return content

    @cached_property
    def card(self) -> dict[str, Any]:
        """``model.json``: architecture, transform, label space, fingerprint."""
        from metric_face.model_card import read_card

        return read_card(self.folder)

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint."""
        return str(self.card["fingerprint"])

    @property
    def transform(self) -> "EvalTransform":
        """The evaluation transform, part of the model."""
        from metric_face.data.transforms import EvalTransform

        return EvalTransform.from_dict(self.card["transform"])

    @property
    def space(self) -> "LabelSpace | None":
        """The attributes that were trained, or None where there were none."""
        from metric_face.data.labels import LabelSpace

        data = self.card["label_space"]
        return None if data is None else LabelSpace.from_dict(data)

    @cached_property
    def model(self) -> "EmbeddingModel":
        """The best weights, in evaluation mode."""
        from metric_face.weights import load_model

        return load_model(self.folder)

    @cached_property
    def log(self) -> "pd.DataFrame":
        """``metrics.csv``: losses by part, the learning rate really applied, validation, gradient angles."""
        import pandas as pd

        file = self.folder / "metrics.csv"
        if not file.is_file():
            raise FileFormatError(f"{file}: missing; train again")
        return pd.read_csv(file)

    def embeddings(self, split: str | None = None) -> "Embeddings":
        """The stored embeddings of one part, or of all the images.

        Raises:
            FileFormatError: ``metric-face embed`` has not been run.
            ModelMismatchError: they come from other weights than the run's.
        """
        from metric_face.embeddings import Embeddings
        from metric_face.errors import ModelMismatchError

        stored = Embeddings.load(self.folder / "embeddings")
        if stored.fingerprint != self.fingerprint:
            raise ModelMismatchError(
                f"{self.folder / 'embeddings'}: made by model {stored.fingerprint}, the run holds {self.fingerprint}; "
                "run 'metric-face embed' again"
            )
        return stored if split is None else stored.part(split)
