"""open-metric-learning's metrics take our images: with the package itself, and without it by its interface."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize
from torch.utils.data import DataLoader, Dataset

from metric_face import Embeddings
from metric_face.errors import ArgumentError, DataError, MissingExtraError
from metric_face.integrations import oml_dataset
from metric_face.metrics import retrieval_metrics
from metric_face.models import EmbeddingOnly
from metric_face.run import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """What open-metric-learning 4.0 asks of a dataset: its abstract methods, without the package."""

    class IQueryGalleryLabeledDataset(Dataset[Any], ABC):
        @abstractmethod
        def get_labels(self) -> np.ndarray: ...
        @abstractmethod
        def get_query_ids(self) -> torch.Tensor: ...
        @abstractmethod
        def get_gallery_ids(self) -> torch.Tensor: ...

    class IVisualizableDataset(Dataset[Any], ABC):
        @abstractmethod
        def visualize(self, item: int, color: tuple[int, int, int]) -> np.ndarray: ...

    module = ModuleType("oml.interfaces.datasets")
    module.IQueryGalleryLabeledDataset = IQueryGalleryLabeledDataset  # type: ignore[attr-defined]
    module.IVisualizableDataset = IVisualizableDataset  # type: ignore[attr-defined]
    for name in ("oml", "oml.interfaces"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "metric_face.integrations.oml_images", raising=False)
    yield IQueryGalleryLabeledDataset
    sys.modules.pop("metric_face.integrations.oml_images", None)


def cmc_at_1(vectors: torch.Tensor, dataset: Any) -> float:
    """The definition of open-metric-learning: the nearest that is neither the query nor of its sequence is right."""
    labels, hits = torch.as_tensor(dataset.get_labels()), []
    sequence = torch.as_tensor(dataset.extra_data.get("sequence", np.arange(len(labels))))
    gallery = dataset.get_gallery_ids()
    for row in dataset.get_query_ids():
        others = gallery[(gallery != row) & (sequence[gallery] != sequence[row])]
        nearest = others[torch.cdist(vectors[row][None], vectors[others])[0].argmin()]
        hits.append(bool(labels[nearest] == labels[row]))
    return float(np.mean(hits))


def recall_of(held: Embeddings, label: str) -> dict[int, float]:
    """Our recall@k; for an attribute without images of the query's own identity."""
    labels, identities = held.table.frame[label].to_numpy(dtype=str), held.table.identities
    found = retrieval_metrics(
        held.vectors, labels, identities=identities, exclude_same_identity=label != "identity"
    )
    return dict(found.recall)


@pytest.mark.parametrize("label", ["identity", "color"])
def test_what_its_metrics_compute_of_our_dataset_is_our_recall(
    interface: type, indexed: Run, label: str
) -> None:
    held = indexed.embeddings("val")
    dataset = oml_dataset(held.table, label, indexed.transform)
    assert isinstance(dataset, interface)
    vectors = normalize(torch.from_numpy(np.ascontiguousarray(held.vectors)))
    wanted = recall_of(held, label)
    assert cmc_at_1(vectors, dataset) == pytest.approx(wanted[1])


def test_its_loader_gets_tensors_labels_and_rows(interface: type, indexed: Run) -> None:
    table = indexed.table.in_split("val")
    dataset = oml_dataset(table, "color", indexed.transform, query=np.arange(len(table)) < 3)
    batch = next(iter(DataLoader(dataset, batch_size=5)))
    assert sorted(batch) == ["idx", "input_tensors", "labels"]
    assert batch["idx"].tolist() == [0, 1, 2, 3, 4]
    assert batch["labels"].tolist() == dataset.get_labels()[:5].tolist()
    assert batch["input_tensors"].shape[1:] == (3, *indexed.transform.size)
    assert dataset.get_query_ids().tolist() == [0, 1, 2]
    assert dataset.get_gallery_ids().tolist() == list(range(len(table)))
    assert dataset.extra_data["sequence"].shape == (len(table),)
    assert "sequence" not in oml_dataset(table, "color", indexed.transform, same_identity=True).extra_data
    shown = dataset.visualize(0, (255, 0, 0))
    assert shown[0, 0].tolist() == [255, 0, 0]
    assert shown.shape == (32 + 24, 32 + 24, 3)


def test_wrong_masks_and_labels_are_refused(interface: type, indexed: Run) -> None:
    table = indexed.table.in_split("val")
    for mask in (np.zeros(len(table), dtype=bool), np.ones(3, dtype=bool), [0, 1]):
        with pytest.raises(
            ArgumentError, match=r"query: must be a mask of the \d+ images, with one at least"
        ):
            oml_dataset(table, "color", indexed.transform, query=mask)
    with pytest.raises(DataError, match="column 'weight'"):
        oml_dataset(table, "weight", indexed.transform)


def test_without_the_package_the_extra_is_named(indexed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "oml", None)
    monkeypatch.delitem(sys.modules, "metric_face.integrations.oml_images", raising=False)
    with pytest.raises(MissingExtraError, match=r"oml is not installed; pip install 'metric_face\[oml\]'"):
        oml_dataset(indexed.table, "color", indexed.transform)


@pytest.mark.filterwarnings("ignore")  # its own
@pytest.mark.parametrize("label", ["identity", "color"])
def test_with_the_package_itself_its_scores_are_ours(indexed: Run, label: str) -> None:
    pytest.importorskip("oml.metrics.embeddings")
    from oml.inference import inference
    from oml.metrics.embeddings import EmbeddingMetrics

    held = indexed.embeddings("val")
    dataset = oml_dataset(held.table, label, indexed.transform)
    vectors = normalize(inference(EmbeddingOnly(indexed.model), dataset, batch_size=16))
    torch.testing.assert_close(
        vectors, normalize(torch.from_numpy(held.vectors.copy())), atol=1e-4, rtol=1e-4
    )
    metric = EmbeddingMetrics(dataset, cmc_top_k=(1, 5), verbose=False)
    metric.setup(len(dataset))
    metric.update(vectors, list(range(len(dataset))))
    found = metric.compute_metrics()["OVERALL"]["cmc"]
    wanted = recall_of(held, label)
    assert float(found[1]) == pytest.approx(wanted[1])
    assert float(found[5]) == pytest.approx(wanted[5])
    assert metric.ready_to_visualize()
    assert len(metric.visualize()[0]) > 0
