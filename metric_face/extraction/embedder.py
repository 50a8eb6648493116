"""Embedder: a model on a device, from the files of a batch to float32 arrays."""

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from metric_face.arrays import Floats
from metric_face.averaging import checked_tta, copies_of
from metric_face.data import EvalTransform, ImageRows, names_of
from metric_face.errors import ImageError
from metric_face.models import ImageEmbedder, computing_dtype, device_of_choice


@dataclass(frozen=True)
class Result:
    """What a model made of one batch.

    Attributes:
        stop: number of the row after the batch.
        vectors: (B, D) float32 of the images that can be used.
        logits: head -> (B, C) float32.
        failed: row number -> why the image cannot be used.
    """

    stop: int
    vectors: Floats
    logits: dict[str, Floats]
    failed: dict[int, str] = field(default_factory=dict)


class Embedder:
    """A model on a device, from uint8 pixels to float32 arrays.

    Args:
        model: in any mode; it is put into evaluation mode.
        transform: of the images.
        precision: ``auto`` (bf16 where the device computes in it), ``fp32`` or ``bf16``.
        device: default the GPU if there is one.
        tta: what vectors and logits are averaged over, see :mod:`metric_face.averaging`.
    """

    def __init__(
        self,
        model: ImageEmbedder,
        transform: EvalTransform,
        *,
        precision: str = "auto",
        device: torch.device | None = None,
        tta: str = "none",
    ) -> None:
        self.transform, self.tta = transform, checked_tta(tta)
        self.device = device or device_of_choice()
        self.dtype = computing_dtype(self.device, precision)
        self.model = model.to(self.device).to(memory_format=torch.channels_last).eval()
        std = torch.tensor(transform.std, device=self.device)
        self.scale = (1 / (255 * std)).view(3, 1, 1)
        self.shift = (torch.tensor(transform.mean, device=self.device) / std).view(3, 1, 1)

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""
        return self.model.widths

    def __call__(self, pixels: NDArray[np.uint8]) -> tuple[Floats, dict[str, Floats]]:
        """(B, H, W, 3) -> vectors (B, D) and, of each head, logits (B, C)."""
        if self.tta == "none":
            return self._once(pixels)
        made = [self._once(np.ascontiguousarray(copy)) for copy in copies_of(pixels, self.tta, sides=(1, 2))]
        logits = {name: np.mean([one[1][name] for one in made], axis=0) for name in made[0][1]}
        return np.mean([one[0] for one in made], axis=0), logits

    @torch.inference_mode()
    def _once(self, pixels: NDArray[np.uint8]) -> tuple[Floats, dict[str, Floats]]:
        raw = torch.from_numpy(pixels).to(self.device, non_blocking=True)
        images = raw.permute(0, 3, 1, 2).float() * self.scale - self.shift  # channels last in memory already
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.model(images)
        logits = {name: value.float().cpu().numpy() for name, value in output.logits.items()}
        return output.embedding.float().cpu().numpy(), logits

    def results(
        self,
        rows: ImageRows,
        span: range,
        *,
        batch_size: int = 64,
        workers: int | None = None,
        skip_broken: bool = False,
    ) -> Iterator[Result]:
        """Embed the images of consecutive rows, decoded by threads a few batches ahead.

        A batch holds the rows whose numbers have one quotient by ``batch_size``, so that it is the same whichever
        rows a call begins and ends with, and whichever images are broken.

        Args:
            rows: the images.
            span: numbers of the rows to embed.
            batch_size: images a forward pass.
            workers: decoding threads; default one a core.
            skip_broken: leave images out that cannot be used, and say why in the results.

        Raises:
            ImageError: an image cannot be used, unless ``skip_broken``.
        """
        names = names_of(rows, span.start, span.stop)
        ahead: deque[Future[NDArray[np.uint8]]] = deque()
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            try:
                for start, stop in batches_of(span, batch_size):
                    for name in islice(names, 3 * batch_size - len(ahead)):
                        ahead.append(pool.submit(self.transform.load, rows.root / name))
                    pixels, failed = [], {}
                    for row in range(start, stop):
                        try:
                            pixels.append(ahead.popleft().result())
                        except ImageError as error:
                            if not skip_broken:
                                raise
                            failed[row] = str(error)
                    yield self._result(stop, pixels, failed)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _result(self, stop: int, pixels: list[NDArray[np.uint8]], failed: dict[int, str]) -> Result:
        if pixels:
            return Result(stop, *self(np.stack(pixels)), failed)
        dimensions, heads = self.widths
        none = {name: np.empty((0, count), np.float32) for name, count in heads.items()}
        return Result(stop, np.empty((0, dimensions), np.float32), none, failed)


def batches_of(span: range, batch_size: int, together: int = 1) -> Iterator[tuple[int, int]]:
    """The first row, and the row after the last, of each batch in a span of rows, or of so many ``together``."""
    start = span.start
    while start < span.stop:
        stop = min((start // batch_size + together) * batch_size, span.stop)
        yield start, stop
        start = stop


def digest_of_model(model: ImageEmbedder) -> str:
    """The SHA-256 of a model's weights, for one without a fingerprint."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + value.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
