"""SearchRequest: the queries that a command line names, and what was found for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from metric_face.arrays import Floats
from metric_face.errors import ArgumentError, DataError, ImageError
from metric_face.inference.image_hits import ImageHits
from metric_face.inference.image_search import read_vectors, search_images
from metric_face.inference.predictor import Predictor
from metric_face.inference.search_settings import SearchSettings
from metric_face.inference.submission import collect_images
from metric_face.progress import Progress, silent


@dataclass(frozen=True)
class SearchFound:
    """What was found for some queries.

    Attributes:
        predictor: what searched.
        settings: how.
        hits: of each query.
        failed: a query that could not be used -> why.
    """

    predictor: Predictor
    settings: SearchSettings
    hits: list[ImageHits]
    failed: dict[str, DataError]

    def lines(self) -> list[str]:
        """What was found, for a terminal."""
        return [line for one in self.hits for line in one.lines()]

    def write_page(self, path: Path, *, thumbnails: bool, lang: str) -> Path:
        """Write the page of it."""
        from metric_face.inference.search_page import write_hits

        return write_hits(
            self.hits, self.predictor, path, settings=self.settings, thumbnails=thumbnails, lang=lang
        )

    def to_dict(self) -> dict[str, Any]:
        """What was found as plain data, for JSON."""
        return {
            "found": [one.to_dict() for one in self.hits],
            "failed": [{"path": name, "error": str(error)} for name, error in self.failed.items()],
        }


@dataclass(frozen=True)
class SearchRequest:
    """Queries of a command line.

    Attributes:
        files: images.
        vectors: (Q, D) of ``.npy`` files, one array each.
        rows: indexed images.
        failed: a name that leads to no image -> why.
    """

    files: list[str]
    vectors: list[Floats]
    rows: list[str]
    failed: dict[str, DataError] = field(default_factory=dict)

    @classmethod
    def read(cls, queries: Sequence[str], rows: Sequence[str], lang: str) -> Self:
        """Sort queries into images and vectors.

        Raises:
            ArgumentError: no query, another D among vectors, or a language without texts.
            DataError: no image.
            FileFormatError: a ``.npy`` file that holds no vectors.
        """
        from metric_face.pages import check_language

        check_language(lang)
        arrays = [name for name in queries if name.lower().endswith(".npy")]
        images = [name for name in queries if name not in arrays]
        if not queries and not rows:
            raise ArgumentError("search: give an image, a folder, a .npy file of vectors, or --row ROW")
        vectors = [read_vectors(name) for name in arrays]
        request = collect_images(images) if images else None
        if request is None:
            return cls([], vectors, list(rows))
        return cls(request.files, vectors, list(rows), dict(request.failed))

    def search(
        self,
        run: str | Path,
        index: str | Path | None,
        data: str | Path | None,
        settings: Mapping[str, Any],
        progress: Progress = silent,
    ) -> SearchFound:
        """Search a run for the queries; an image that cannot be used does not stop the others.

        Raises:
            ArgumentError: a setting, vector or row that does not fit the index.
            DataError: no query could be used.
        """
        predictor = Predictor(run, index, model="fp32", few=len(self.files) < 5, data=data)
        checked = SearchSettings(**settings).checked(predictor.index)
        widths = {array.shape[1] for array in self.vectors} - {predictor.index.dimensions}
        if widths:
            raise ArgumentError(
                f"vectors must have D = {predictor.index.dimensions} as the index, found {widths.pop()}; embed them "
                "with the run's model"
            )
        broken: dict[str, ImageError] = {}
        hits = search_images(
            predictor,
            self.files,
            vectors=np.concatenate(self.vectors) if self.vectors else None,
            rows=self.rows,
            broken=broken,
            progress=progress,
            **{**settings, "k": checked.k, "where": checked.where},
        )
        failed = {**broken, **self.failed}
        if not hits and failed:
            raise next(iter(failed.values()))
        return SearchFound(predictor, checked, hits, failed)
