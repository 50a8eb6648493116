"""Our parts in the loops, loggers and testers of others."""

import json
import sys
import warnings
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import lightning as L
import numpy as np
import pytest
import torch
from pytorch_metric_learning.testers import GlobalEmbeddingSpaceTester
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

from metric_face import Embeddings, ImageTable, TripletLoss, diagnose, evaluate, split_by_identity
from metric_face.data import Augmentation, EvalTransform
from metric_face.errors import ArgumentError, DataError, FileFormatError, MissingExtraError
from metric_face.integrations import (
    ExactNeighbors,
    ImageDataModule,
    RetrievalCallback,
    log_results,
    log_run,
    read_fiftyone,
    write_fiftyone,
)
from metric_face.metrics import retrieval_metrics
from metric_face.models import EmbeddingOnly
from metric_face.run import Run

pytestmark = pytest.mark.slow
TRANSFORM = EvalTransform((16, 16))


class Theirs(L.LightningModule):
    """A module of somebody else: pixels, a linear map, our triplet loss."""

    def __init__(self) -> None:
        super().__init__()
        self.map = torch.nn.Linear(3 * 16 * 16, 8)
        self.loss = TripletLoss()

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.map(batch["image"].flatten(1))

    def training_step(self, batch: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        assert batch["label"].bincount().max() == 2
        return self.loss(self(batch), batch["label"])

    def validation_step(self, batch: dict[str, torch.Tensor], _: int) -> None:
        self.last = batch["label"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


@pytest.fixture(scope="module")
def split(toy: Path) -> ImageTable:
    return split_by_identity(ImageTable.read(toy / "images.csv"), shares={"train": 0.75, "val": 0.25})


def module_of(table: ImageTable, label: str = "identity", **settings: Any) -> ImageDataModule:
    return ImageDataModule(table, label, TRANSFORM, num_identities=4, num_instances=2, **settings)


def test_a_loop_of_others_trains_on_our_batches(split: ImageTable, tmp_path: Path) -> None:
    theirs = Theirs()
    trainer = L.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
        callbacks=[RetrievalCallback(lambda module, batch: (module(batch), batch["label"]))],
    )
    module = module_of(split, augmentation=Augmentation())
    with warnings.catch_warnings(action="ignore"):  # of Lightning, about workers and its own parts
        trainer.fit(theirs, datamodule=module)
    held = module.dataset("val")
    items = [held[row] for row in range(len(held))]
    with torch.no_grad():
        vectors = theirs({"image": torch.stack([one["image"] for one in items])})
    wanted = retrieval_metrics(vectors, [int(one["label"]) for one in items])
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    assert logged["retrieval/recall@1"] == pytest.approx(wanted.recall[1])
    assert logged["retrieval/map_at_r"] == pytest.approx(wanted.map_at_r)
    assert module.sampler.epoch == 1


def test_batches_of_a_class_are_spread_over_identities(split: ImageTable) -> None:
    module = ImageDataModule(split, "color", TRANSFORM, num_identities=2, num_instances=3)
    assert module.classes == ("blue", "red")
    owners = split.in_split("train").identities
    for batch in module.train_dataloader():
        for code in (0, 1):
            assert len(set(owners[batch["index"][batch["label"] == code]])) == 3
    assert sum(len(batch["index"]) for batch in module.val_dataloader()) == split.rows_in("val").sum()


def test_a_table_that_is_not_split_is_refused(split: ImageTable) -> None:
    with pytest.raises(ArgumentError, match="split='train': the table has no split"):
        module_of(split.without("split"))
    with pytest.raises(DataError, match="column 'weight'"):
        module_of(split, "weight")
    with pytest.raises(ArgumentError, match="split must be train or val, found 'test'"):
        module_of(split).pairs("test")


def test_pml_testers_take_model_and_images(indexed: Run) -> None:
    module = ImageDataModule(indexed.table, "identity", indexed.transform, num_identities=4, num_instances=2)
    calculator = AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision_at_r"),
        k="max_bin_count",
        knn_func=ExactNeighbors(),
    )
    tester = GlobalEmbeddingSpaceTester(dataloader_num_workers=0, accuracy_calculator=calculator)
    trunk = EmbeddingOnly(indexed.model)
    found = tester.test({"val": module.pairs("val")}, 0, trunk)["val"]
    held = indexed.embeddings("val")
    wanted = retrieval_metrics(held.vectors, held.table.identities)
    assert found["precision_at_1_level0"] == pytest.approx(wanted.recall[1], abs=0.05)
    assert found["mean_average_precision_at_r_level0"] == pytest.approx(wanted.map_at_r, abs=0.02)


def test_pml_accuracy_from_our_arrays_is_ours() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(12), 5)
    vectors = (rng.normal(size=(60, 6)) + rng.normal(size=(12, 6))[labels]).astype(np.float32)
    vectors[7] = vectors[3]  # a tie
    include = ("precision_at_1", "mean_average_precision_at_r", "r_precision")
    calculator = AccuracyCalculator(include=include, k="max_bin_count", knn_func=ExactNeighbors())
    found = calculator.get_accuracy(vectors, labels)
    wanted = retrieval_metrics(vectors, labels)
    assert found["precision_at_1"] == pytest.approx(wanted.recall[1])
    assert found["mean_average_precision_at_r"] == pytest.approx(wanted.map_at_r)
    assert found["r_precision"] == pytest.approx(wanted.r_precision)


class Recorder:
    """A logger that takes what Weights & Biases' takes."""

    def __init__(self) -> None:
        self.got: dict[str, Any] = {}

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.got |= metrics

    def log_image(self, key: str, images: list[str], step: int | None = None) -> None:
        self.got[key] = images

    def log_text(self, key: str, columns: list[str], data: list[list[str]], step: int | None = None) -> None:
        self.got[key] = [line for [line] in data]


def test_loggers_get_scores_map_and_findings(indexed: Run, toy: Path, tmp_path: Path) -> None:
    evaluation, diagnosis = evaluate(indexed), diagnose(indexed, questions=["overlap", "leak"])
    picture = toy / "images" / "p00_0.png"
    recorder = Recorder()
    names = log_results(recorder, evaluation=evaluation, picture=picture, diagnosis=diagnosis, step=3)
    assert set(names) == set(recorder.got)
    assert recorder.got["val/knn/joint/macro_f1"] == evaluation.score("knn", "joint").macro_f1.value
    assert recorder.got["map"] == [str(picture)]
    assert recorder.got["findings"] == diagnosis.lines()[:10]
    pytest.importorskip("tensorboard")
    from lightning.pytorch.loggers import TensorBoardLogger
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoardLogger(tmp_path, name="", version="")
    assert set(log_results([board], evaluation=evaluation, picture=picture, diagnosis=diagnosis)) == set(
        names
    )
    board.finalize("success")
    events = EventAccumulator(str(tmp_path)).Reload()
    assert "map" in events.Tags()["images"]
    assert any(name.startswith("findings") for name in events.Tags()["tensors"])
    assert "val/knn/joint/macro_f1" in events.Tags()["scalars"]


class Wandb(Recorder):
    """Stands for Lightning's logger of Weights & Biases."""

    made: ClassVar[list["Wandb"]] = []

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings
        self.ended: list[str] = []
        self.made.append(self)

    def finalize(self, status: str) -> None:
        self.ended.append(status)


def test_a_run_is_logged_by_the_name_of_the_logger(indexed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(
        MissingExtraError, match=r"logger: wandb is not installed; pip install 'metric_face\[wandb\]'"
    ):
        log_run(indexed, "wandb")
    with pytest.raises(ArgumentError, match="logger: must be one of tensorboard, wandb, found 'mlflow'"):
        log_run(indexed, "mlflow")
    package = ModuleType("wandb")
    package.__spec__ = ModuleSpec("wandb", None)
    monkeypatch.setitem(sys.modules, "wandb", package)
    monkeypatch.setattr("lightning.pytorch.loggers.WandbLogger", Wandb)
    names = log_run(indexed, "wandb")
    [logger] = Wandb.made
    assert logger.settings == {
        "save_dir": indexed.folder,
        "project": "metric_face",
        "name": indexed.folder.name,
    }
    assert logger.ended == ["success"]
    assert set(names) == set(logger.got)
    assert logger.got["val/knn/color/macro_f1"] == evaluate(indexed).score("knn", "color").macro_f1.value
    assert Path(logger.got["map"][0]).name == "map.png"
    assert logger.got["findings"] == diagnose(indexed).lines()[:10]


def test_what_cannot_be_logged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="logger must be one or more loggers of Lightning, found None"):
        log_results(None, picture=tmp_path)
    with pytest.raises(ArgumentError, match="evaluation, picture or diagnosis must be given"):
        log_results(Recorder())
    with pytest.raises(ArgumentError, match="picture must be an image file"):
        log_results(Recorder(), picture=tmp_path / "none.png")


def test_fiftyone_gets_vectors_and_findings_and_gives_tags_back(indexed: Run, tmp_path: Path) -> None:
    stored = indexed.embeddings()
    labels = stored.table.frame["color"].to_numpy(dtype=str)
    diagnosis = diagnose(stored.vectors, labels, stored.table.identities)
    file = write_fiftyone(stored, tmp_path / "é.json", diagnosis=diagnosis)
    data = json.loads(file.read_text("utf-8"))
    assert data["media_type"] == "image"
    first = data["samples"][0]
    assert Path(first["filepath"]) == stored.table.paths[0].absolute()
    assert first["color"]["_cls"] == "Classification"
    data["samples"][1]["tags"].append("wrong")
    file.write_text(json.dumps(data))
    again, tags = read_fiftyone(file)
    np.testing.assert_array_equal(again.vectors, stored.vectors)
    assert again.fingerprint == stored.fingerprint
    assert again.table.frame["color"].tolist() == labels.tolist()
    assert again.table.frame["split"].tolist() == stored.table.frame["split"].tolist()
    assert "wrong" in tags[1]
    found = {tag for one in tags for tag in one if tag.startswith("finding:")}
    assert found <= {f"finding:{one.id}" for one in diagnosis.findings}


def test_a_file_of_others_is_refused(indexed: Run, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"samples": [{"filepath": "a"}]}')
    for name in ("x.json", "none.json"):
        with pytest.raises(FileFormatError, match="must be a dataset in FiftyOne's JSON") as refused:
            read_fiftyone(tmp_path / name)
        assert "\n" not in str(refused.value)
    few = Embeddings(np.eye(2, dtype=np.float32), indexed.table.take([0, 1]))
    nothing = replace(diagnose(indexed), findings=())
    with pytest.raises(ArgumentError, match="diagnosis must be of the 2 embeddings, found one of"):
        write_fiftyone(few, tmp_path / "y.json", diagnosis=nothing)
