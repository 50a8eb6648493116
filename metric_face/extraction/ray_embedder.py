"""RayEmbedder: the rows of a table embedded by actors of Ray Data, on this machine or a cluster, in their order.

An actor is given the numbers of consecutive rows, whole batches of them, reads their paths and decodes the images by
itself, so the images and the table's files lie where every machine finds them. There are no tasks that read, which
actors could leave without a processor; results come in any order and are handed on in that of the rows.
"""

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import numpy as np
import torch

from metric_face.averaging import checked_tta
from metric_face.data import EvalTransform, ImageRows, ImageTable, TableRows
from metric_face.errors import ImageError, ProcessError
from metric_face.extraction.embedder import Embedder, Result, batches_of
from metric_face.extras import named_extras
from metric_face.models import ImageEmbedder, computing_dtype

_BLOCK = 2048
"""Rows that an actor is given at once, at most, if a batch is not larger."""


class RayEmbedder:
    """A model in actors of Ray Data, each with a share of the processors, and of the GPUs where there are any.

    Args:
        model: of the images.
        transform: of the images.
        precision: ``auto`` (bf16 where the first GPU or this processor computes in it), ``fp32`` or ``bf16``.
        actors: how many; default one a processor, or one a GPU.
        tta: what vectors and logits are averaged over.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(
        self,
        model: ImageEmbedder,
        transform: EvalTransform,
        *,
        precision: str = "auto",
        actors: int | None = None,
        tta: str = "none",
    ) -> None:
        with named_extras():
            import_module("ray.data")
        self.transform, self.actors, self.tta = transform, actors, checked_tta(tta)
        self.dtype = computing_dtype(torch.device("cuda" if torch.cuda.is_available() else "cpu"), precision)
        self.model = model.cpu().eval()

    @property
    def widths(self) -> tuple[int, dict[str, int]]:
        """D, and head name -> C."""
        return self.model.widths

    def results(
        self,
        rows: ImageRows,
        span: range,
        *,
        batch_size: int = 64,
        workers: int | None = None,
        skip_broken: bool = False,
    ) -> Iterator[Result]:
        """Embed the images of consecutive rows, in the same batches as :meth:`Embedder.results`.

        Args:
            rows: the images.
            span: numbers of the rows to embed.
            batch_size: images a forward pass.
            workers: threads that decode in an actor; default its share of the processors.
            skip_broken: leave images out that cannot be used, and say why in the results.

        Raises:
            ImageError: an image cannot be used, unless ``skip_broken``.
            ProcessError: no cluster can be reached, or an actor failed.
        """
        import ray

        if isinstance(rows, TableRows):  # actors need the paths alone
            rows = TableRows(ImageTable(rows.table.frame[["path"]], rows.root))
        with _connected():
            cpus, gpus = (float(ray.cluster_resources().get(kind, 0)) for kind in ("CPU", "GPU"))
            actors = self.actors or int(gpus) or max(1, int(cpus))
            how = {"num_cpus": min(1.0, cpus / actors), "num_gpus": min(1.0, gpus / actors)}
            threads = workers or max(1, int(cpus / actors))
            precision = {torch.float32: "fp32", torch.bfloat16: "bf16"}[self.dtype]
            given = (self.model, self.transform, precision, rows, batch_size, threads, self.tta)
            spans = list(_blocks(span, batch_size, actors))
            try:
                data = ray.data.from_blocks([_block(*bounds) for bounds in spans])
                pool = ray.data.ActorPoolStrategy(size=min(actors, len(spans)))
                made = data.map_batches(
                    _Actor, fn_constructor_args=given, batch_size=None, compute=pool, **how
                )
                yield from _in_order(iter(made.iter_rows()), spans, self.widths, skip_broken)
            except ray.exceptions.RayError as error:
                reason = " ".join(str(error).split())[-160:]
                raise ProcessError(
                    f"--on ray: an actor failed (... {reason}); call again to go on where it stopped"
                ) from error


class _Actor:
    """An embedder in a process of Ray: bounds of rows in, their vectors out."""

    def __init__(
        self,
        model: ImageEmbedder,
        transform: EvalTransform,
        precision: str,
        rows: ImageRows,
        batch_size: int,
        threads: int,
        tta: str,
    ) -> None:
        self.embedder = Embedder(model, transform, precision=precision, tta=tta)
        self.rows, self.batch_size, self.threads = rows, batch_size, threads

    def __call__(self, block: dict[str, Any]) -> dict[str, list[Any]]:
        start, stop = int(block["start"][0]), int(block["stop"][0])
        results = list(
            self.embedder.results(
                self.rows,
                range(start, stop),
                batch_size=self.batch_size,
                workers=self.threads,
                skip_broken=True,
            )
        )
        logits = {
            name: np.concatenate([result.logits[name] for result in results]).tobytes()
            for name in self.embedder.widths[1]
        }
        failed = {row: why for result in results for row, why in result.failed.items()}
        return {
            "start": [start],
            "vectors": [np.concatenate([result.vectors for result in results]).tobytes()],
            "logits": [b"".join(logits.values())],
            "failed": [json.dumps(list(failed.items()))],
        }


def _in_order(
    made: Iterator[dict[str, Any]],
    spans: list[tuple[int, int]],
    widths: tuple[int, dict[str, int]],
    skip_broken: bool,
) -> Iterator[Result]:
    """The results in the order of their rows, each handed on when all before it have been."""
    early: dict[int, dict[str, Any]] = {}
    for start, stop in spans:
        while start not in early:
            row = next(made)
            early[int(row["start"])] = row
        row = early.pop(start)
        failed = {int(number): str(why) for number, why in json.loads(row["failed"])}
        if failed and not skip_broken:
            raise ImageError(failed[min(failed)])
        count = stop - start - len(failed)
        vectors = np.frombuffer(row["vectors"], np.float32).reshape(count, widths[0])
        values, first, logits = np.frombuffer(row["logits"], np.float32), 0, {}
        for name, classes in widths[1].items():
            logits[name] = values[first : first + count * classes].reshape(count, classes)
            first += count * classes
        yield Result(stop, vectors, logits, failed)


def _blocks(span: range, batch_size: int, actors: int) -> Iterator[tuple[int, int]]:
    """Bounds of whole batches: several for each actor, so that a slow one holds up little."""
    together = max(1, min(_BLOCK // batch_size, -(-len(span) // (8 * actors * batch_size))))
    return batches_of(span, batch_size, together)


def _block(start: int, stop: int) -> Any:
    import pyarrow as pa

    return pa.table({"start": [start], "stop": [stop]})


@contextmanager
def _connected() -> Iterator[None]:
    """A cluster: the one that this process is connected to, that ``RAY_ADDRESS`` names, or one here for the while."""
    import ray

    context = ray.data.DataContext.get_current()
    bars, context.enable_progress_bars = context.enable_progress_bars, False
    loggers = [logging.getLogger(name) for name in ("ray", "ray.data")]
    levels = [logger.level for logger in loggers]
    own = not ray.is_initialized()
    try:
        if own:
            _start()
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        context.enable_progress_bars = bars
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if own:
            ray.shutdown()


def _start() -> None:
    import ray

    main = threading.current_thread() is threading.main_thread()
    on_term = signal.getsignal(signal.SIGTERM)
    address = os.environ.get("RAY_ADDRESS")
    # Without an address Ray would look for a cluster that somebody started here, and wait for one that has ended.
    local: dict[str, Any] = {} if address else {"address": "local", "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **local)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        with suppress(Exception):
            ray.shutdown()
        reason = " ".join(str(error).split())[:160]
        where = f"RAY_ADDRESS={address}: cannot be reached" if address else "--on ray: Ray does not start"
        remedy = "start the cluster, or leave --on out"
        if (
            address and "RAY_AUTH_MODE" not in os.environ
        ):  # Ray hides that the cluster wanted a token, and sends none
            remedy = "start the cluster, set RAY_AUTH_MODE=token if it asks for a token, or leave --on out"
        raise ProcessError(f"{where} ({reason}); {remedy}") from None
    finally:
        if main:  # Ray sets its own, which would end the command without a word
            signal.signal(signal.SIGTERM, on_term)
