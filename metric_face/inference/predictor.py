"""Predictor: classify new images by their neighbors. Needs no torch where the run has ``model.onnx``."""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from metric_face.arrays import Floats
from metric_face.averaging import averaged, tta_of
from metric_face.classifiers import Votes
from metric_face.data import EvalTransform, ImageInput, base_of, file_of, given_root, input_names, root_beside
from metric_face.errors import ArgumentError, FileFormatError, ImageError
from metric_face.files import build, remedy_of
from metric_face.inference.answers import Answer, Neighbor
from metric_face.inference.embedder import Precision, choose_model, embed_images
from metric_face.inference.opened_index import open_index, stamp_of
from metric_face.inference.target_votes import TargetVote
from metric_face.models import read_card
from metric_face.progress import Progress, silent
from metric_face.search import CODE, EmbeddingIndex, SearchResult


class Predictor:
    """A model and an index, loaded once, that classify any number of images.

    Args:
        run: the run directory.
        index: the index's folder; default ``index`` in the run directory.
        use_torch: use PyTorch even where ``model.onnx`` is there.
        model: ``fp32``; ``int8``, the light model; or ``auto``: the light one where it is as good, and nothing rejects.
        few: only a few images will be classified, so a fast start is worth more than a fast run.
        data: where the indexed images are now; default where they were indexed or, where that is gone, beside the run.

    Attributes:
        card: the content of ``model.json``.
        transform: how the model wants its images.
        index: what is searched.
        targets: target -> how its neighbors vote.
        model, model_reason: ``fp32`` or ``int8``, and why it is this one; "" where the run has no light model.

    Raises:
        FileFormatError: the run or the index is missing or damaged.
        ModelMismatchError: the index was made with another model.

    Example:
        >>> predictor = metric_face.Predictor("runs/first")
        >>> predictor.predict(["new.jpg"])[0].predicted
        {'gender': 'female', 'age': '30-60', 'joint': 'female / 30-60'}
    """

    def __init__(
        self,
        run: str | Path,
        index: str | Path | None = None,
        *,
        use_torch: bool = False,
        model: Precision = "auto",
        few: bool = True,
        data: str | Path | None = None,
    ) -> None:
        self._data = None if data is None else given_root(data)
        self._run = folder = Path(run)
        if not folder.is_dir():
            given = f"{folder}: no such folder; give the directory that 'metric-face train' wrote"
            raise FileFormatError(given)
        self.card = read_card(folder)
        self.transform = build(
            lambda: EvalTransform.from_dict(self.card["transform"]),
            folder / "model.json",
            remedy=remedy_of(folder),
        )
        self._home = Path(index) if index is not None else folder / "index"
        self._opened = open_index(folder, self._home, self.card["fingerprint"])
        self._choose = partial(choose_model, folder, self.card, model, use_torch, few)
        self._take_model()

    @property
    def index(self) -> EmbeddingIndex:
        """What is searched."""
        return self._opened.index

    @property
    def targets(self) -> dict[str, TargetVote]:
        """Target -> how its neighbors vote."""
        return self._opened.targets

    def refresh(self) -> bool:
        """Read the index again if another has taken its place, such as one with new images; whether it has.

        :meth:`predict` and :func:`metric_face.search_images` do so before they search.
        """
        stamp = stamp_of(self._home)
        if stamp in (self._opened.stamp, (0, 0, 0)):
            return False
        rejected = self._rejects
        self._opened = open_index(self._run, self._home, self.card["fingerprint"])
        if self.model_reason and self._rejects != rejected:  # thresholds hold for vectors of the full model
            self._take_model()
        return True

    @property
    def _rejects(self) -> bool:
        return any(vote.rejects for vote in self.targets.values())

    def _take_model(self) -> None:
        chosen = self._choose(self._rejects)
        self._embed, self.model, self.model_reason = chosen.embed, chosen.name, chosen.reason

    @cached_property
    def root(self) -> Path:
        """The folder that the paths of the index start from."""
        stored = Path(self.index.metadata.get("root", "."))
        if self._data is not None:
            return self._data
        return stored if stored.is_dir() else root_beside(self._run, stored)

    def where(self, path: str) -> Path:
        """The file of an indexed image, by the path that the index knows."""
        if self._data is None or not Path(path).is_absolute() or file_of(path).is_file():
            return self.root / path
        return self._data / Path(path).relative_to(self._base)

    @cached_property
    def _base(self) -> Path:
        return base_of(self.index.columns["path"].tolist(), Path(self.index.metadata.get("root", ".")))

    @property
    def knows_identities(self) -> bool:
        """Whether the index names the identities on its images."""
        return "identity" in self.index.columns

    def predict(
        self,
        images: Sequence[ImageInput],
        *,
        k: int | None = None,
        shown: int = 5,
        votes: Votes | None = None,
        exclude: Sequence[str] | None = None,
        broken: dict[str, ImageError] | None = None,
        progress: Progress = silent,
    ) -> list[Answer]:
        """Classify images by their nearest indexed images.

        Args:
            images: Q paths, images of Pillow, arrays (H, W, 3) uint8, or binary files; what has no path is called by
                its place, such as ``image 0``.
            k: neighbors that vote; default, for each target, the k that did best on validation.
            shown: neighbors to return.
            votes: ``uniform``, ``distance``, ``softmax`` or ``prior-corrected``; default as ``k``. Another k or
                vote than validation chose is not calibrated and rejects nothing.
            exclude: the identity of each image; indexed images of the same identity do not count.
            broken: where images that cannot be used are noted, by path, so that they do not stop the others; None
                raises at the first.
            progress: called with (images read, images in all).

        Returns:
            One answer per image, in order; none for a broken one.

        Raises:
            ArgumentError: k below 1, or ``exclude`` where the index knows no identities.
            ImageError: an image cannot be used, and ``broken`` is None.
        """
        if k is not None and k < 1:
            raise ArgumentError(f"k={k}: must be at least 1")
        if exclude is not None and not self.knows_identities:
            raise ArgumentError(
                "exclude (--identity): needs an index with a column of identities, found none; leave it out"
            )
        names = input_names(images)
        if not names:
            return []
        self.refresh()
        vectors = self.embed(images, progress, broken)
        if broken:
            usable = [row for row, name in enumerate(names) if name not in broken]
            names = [names[row] for row in usable]
            exclude = None if exclude is None else [exclude[row] for row in usable]
            if not names:
                return []
        settings = {name: vote.changed(k, votes) for name, vote in self.targets.items()}
        depth = min(len(self.index), max([shown, *(vote.depth for vote in settings.values())]))
        found = self.index.search(vectors, depth, exclude=exclude, fingerprint=self.index.fingerprint)
        targets = {
            name: vote.answers(found.rows, found.similarities, self.index.columns[CODE + name])
            for name, vote in settings.items()
        }
        excluded = [None] * len(names) if exclude is None else list(exclude)
        left_out = {name: 0 if name is None else self.images_of(name) for name in set(excluded)}
        return [
            Answer(
                name,
                self._neighbors(found, row, shown, Path(name)),
                {name: answers[row] for name, answers in targets.items()},
                identity=excluded[row],
                left_out=left_out[excluded[row]],
            )
            for row, name in enumerate(names)
        ]

    def embed(
        self,
        images: Sequence[ImageInput],
        progress: Progress = silent,
        broken: dict[str, ImageError] | None = None,
    ) -> Floats:
        """The vectors (Q, D) of images; ``progress`` and ``broken`` as :meth:`predict`."""
        tta = tta_of(self.index.fingerprint)
        vectors = embed_images(
            images, self.transform, lambda pixels: averaged(self._embed, pixels, tta), progress, broken
        )
        return np.concatenate(vectors) if vectors else np.empty((0, self.index.dimensions), np.float32)

    def commonest(self, target: str) -> int:
        """The class that most of the indexed images have; the smaller code where two are even."""
        return int(np.bincount(self.index.columns[CODE + target]).argmax())

    def images_of(self, identity: str) -> int:
        """How many images of an identity the index holds."""
        return int((self.index.columns["identity"] == identity).sum()) if self.knows_identities else 0

    def exclusion(self, identity: str | None) -> str:
        """Whether indexed images of an identity count among the neighbors, in words."""
        if identity is None:
            remedy = "; --identity NAME leaves an identity's own out" if self.knows_identities else ""
            return f"every image of the index counts{remedy}"
        excluded = self.images_of(identity)
        if not excluded:
            return f"no image in the index is of {identity}: every image counts"
        return f"{excluded} images of {identity} in the index do not count"

    def _neighbors(self, found: SearchResult, row: int, shown: int, query: Path) -> tuple[Neighbor, ...]:
        near = [position for position in found.rows[row, :shown].tolist() if position >= 0]
        return tuple(
            self._neighbor(position, float(found.similarities[row, rank]), query)
            for rank, position in enumerate(near)
        )

    def _neighbor(self, position: int, similarity: float, query: Path) -> Neighbor:
        columns = self.index.columns
        labels = {
            name: vote.classes[int(columns.value(CODE + name, position))]
            for name, vote in self.targets.items()
        }
        identity = str(columns.value("identity", position)) if self.knows_identities else None
        path = str(columns.value("path", position))
        same = query.name == Path(path).name and self.where(path).resolve() == query.resolve()
        return Neighbor(path, similarity, identity, labels, same)
