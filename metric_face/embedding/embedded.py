"""Embedded: what embed() computed and wrote."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metric_face.embeddings import Embeddings


@dataclass(frozen=True)
class Embedded:
    """What :func:`embed` computed and wrote.

    Attributes:
        folder: that holds the vectors, or the shard.
        images: N that have a vector.
        dimensions: D.
        seconds: that the computation took.
        notes: images that could not be used, a line.
        complete: whether every image has a vector.
        shard: ``i/n``, where only a shard was computed.
    """

    folder: Path
    images: int
    dimensions: int
    seconds: float
    notes: tuple[str, ...] = ()
    complete: bool = True
    shard: str | None = None

    @cached_property
    def embeddings(self) -> "Embeddings":
        """The vectors, memory-mapped, and their table, which is read whole into memory.

        Raises:
            FileFormatError: only a shard was computed.
        """
        from metric_face.embeddings import Embeddings

        return Embeddings.load(self.folder, mmap=True)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data, for JSON."""
        figures = {
            "folder": str(self.folder),
            "images": self.images,
            "dimensions": self.dimensions,
            "images_per_second": round(self.images / max(self.seconds, 1e-9), 1),
            "complete": self.complete,
        }
        return figures if self.shard is None else {**figures, "shard": self.shard}
