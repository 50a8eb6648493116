"""Asker: what the neighbours of a new photograph say. Needs no torch where the run has ``model.onnx``."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.data.images import images_below
from metric_face.data.transforms import EvalTransform
from metric_face.errors import ArgumentError, DataError, FileFormatError, ModelMismatchError
from metric_face.index import EmbeddingIndex
from metric_face.model_card import read_card
from metric_face.search.result import SearchResult
from metric_face.target_votes import TargetVote
from metric_face.votes import Votes

CODE = "code/"
"""Prefix of the index's columns that hold a target's codes."""

Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Neighbour:
    """An indexed image near to the one asked about."""

    path: str
    similarity: float
    identity: str | None
    labels: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What is said of one image.

    Attributes:
        path: the image asked about.
        predicted: target -> class name, or ``unknown`` where the probability is below the index's threshold.
        probability: target -> calibrated probability of the likeliest class; the share of the votes where the
            index was built without validation.
        neighbours: the k nearest indexed images, nearest first.
    """

    path: str
    predicted: dict[str, str]
    probability: dict[str, float]
    neighbours: tuple[Neighbour, ...]

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, for JSON."""
        return asdict(self)


class Asker:
    """A model and an index, loaded once, to be asked about any number of images.

    Args:
        run: the run directory.
        index: the index's folder; default ``index`` in the run directory.
        use_torch: use PyTorch even where ``model.onnx`` is there.

    Raises:
        FileFormatError: the run or the index is missing or damaged.
        ModelMismatchError: the index was made with another model.
    """

    def __init__(self, run: str | Path, index: str | Path | None = None, *, use_torch: bool = False) -> None:
        folder = Path(run)
        if not folder.is_dir():
            raise FileFormatError(
                f"{folder}: no such folder; give the directory that 'metric-face train' wrote"
            )
        self.card = read_card(folder)
        self.transform = EvalTransform.from_dict(self.card["transform"])
        home = Path(index) if index is not None else folder / "index"
        if not home.is_dir():
            raise FileFormatError(f"{home}: no index there; run 'metric-face index {folder}' first")
        self.index = EmbeddingIndex.load(home)
        if self.index.fingerprint != self.card["fingerprint"]:
            raise ModelMismatchError(
                f"{home}: made by model {self.index.fingerprint or 'unknown'}, {folder} holds "
                f"{self.card['fingerprint']}; run 'metric-face index' on this run"
            )
        stored = self.index.metadata["targets"]
        self.targets = {name: TargetVote.from_dict(data) for name, data in stored.items()}
        self._embed = _embedder(folder, self.card["fingerprint"], use_torch)

    def ask(
        self,
        images: Sequence[str | Path],
        *,
        k: int | None = None,
        shown: int = 5,
        votes: Votes | None = None,
        exclude: Sequence[str] | None = None,
    ) -> list[Answer]:
        """Classify images by their nearest indexed images.

        Args:
            images: Q files.
            k: neighbours that vote; default, for each target, the k that did best on validation.
            shown: neighbours to return.
            votes: ``uniform``, ``distance``, ``softmax`` or ``prior-corrected``; default as ``k``.
            exclude: the identity of each image; indexed images of the same identity do not count.

        Returns:
            One answer per image, in order.

        Raises:
            ImageError: an image cannot be used.
        """
        if k is not None and k < 1:
            raise ArgumentError(f"k={k}: must be at least 1")
        if not images:
            return []
        vectors = self.embed(images)
        votes_of = {name: vote.changed(k, votes) for name, vote in self.targets.items()}
        depth = min(len(self.index), max([shown, *(vote.k for vote in votes_of.values())]))
        found = self.index.search(vectors, depth, exclude=exclude, fingerprint=self.card["fingerprint"])
        said = {
            name: vote.answers(
                vote.probabilities(found.rows, found.similarities, self.index.columns[CODE + name])
            )
            for name, vote in votes_of.items()
        }
        return [
            Answer(
                str(path),
                {name: answers[row][0] for name, answers in said.items()},
                {name: answers[row][1] for name, answers in said.items()},
                self._neighbours(found, row, shown),
            )
            for row, path in enumerate(images)
        ]

    def embed(self, images: Sequence[str | Path]) -> NDArray[np.float32]:
        """The vectors (Q, D) of image files."""
        return np.concatenate(
            [
                self._embed(np.stack([self.transform(path) for path in images[start : start + 32]]))
                for start in range(0, len(images), 32)
            ]
        )

    def _neighbours(self, found: SearchResult, row: int, shown: int) -> tuple[Neighbour, ...]:
        near = [position for position in found.rows[row, :shown].tolist() if position >= 0]
        return tuple(
            self._neighbour(position, float(found.similarities[row, rank]))
            for rank, position in enumerate(near)
        )

    def _neighbour(self, position: int, similarity: float) -> Neighbour:
        columns = self.index.columns
        labels = {
            name: vote.classes[int(columns[CODE + name][position])]
            for name, vote in self.targets.items()
            if name != "identity"
        }
        identity = str(columns["identity"][position]) if "identity" in columns else None
        return Neighbour(str(columns["path"][position]), similarity, identity, labels)


def image_files(names: Sequence[str]) -> list[str]:
    """The image files behind names: a file as it is, a folder searched.

    Raises:
        DataError: a name is neither a file nor a folder with images.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = images_below(path)
            if not inside:
                raise DataError(f"{path}: holds no image; check the path")
            found += map(str, inside)
        elif path.is_file():
            found.append(name)
        else:
            raise DataError(f"{path}: no such file or folder; check the path")
    return found


def submission(answers: Sequence[Answer], classes: Sequence[str], target: str = "joint") -> str:
    """The competition's submission as CSV text: ``ImageID,ans`` with the number of the joint class."""
    number = {name: code for code, name in enumerate(classes)}
    lines = ["ImageID,ans", *(f"{Path(one.path).name},{number[one.predicted[target]]}" for one in answers)]
    return "\n".join(lines) + "\n"


def _embedder(folder: Path, fingerprint: str, use_torch: bool) -> Embed:
    if use_torch or not (folder / "model.onnx").is_file() or find_spec("onnxruntime") is None:
        return _torch_embedder(folder)
    from metric_face.onnx_model import OnnxEmbedder

    return OnnxEmbedder(folder / "model.onnx", fingerprint=fingerprint, quick_start=True)


def _torch_embedder(folder: Path) -> Embed:
    import torch

    from metric_face.weights import load_model

    model = load_model(folder)

    def embed(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(model.embed(torch.from_numpy(images)).float().numpy())

    return embed
