"""What training and evaluation see of an image, compared on one image.

The two transforms are run on stripes: a stripe of the source that changes the output is seen. That needs to know
nothing of how a transform is written, and color jitter cannot hide it, because each stripe is compared with the
same random draw on the plain image.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.arrays import Doubles
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Abstention, Confidence, Finding, Measure, Outcome, Table, Tier
from metric_face.errors import ImageError

STRIPES = 16
DRAWS = 8
LEAST_UNSEEN = 0.15
"""Share of what evaluation sees that training never did."""
LEAST_CUT = 0.35
"""Share of what training always sees that evaluation leaves out; a center crop of 0.875 leaves out 0.23."""
LEAST_SHIFT = 0.25
"""Difference of level between the two on the same gray image, as a share of their contrast."""
LEAST_EXACT_SHIFT = 0.08
"""The same where neither of the two draws at random, so that the difference is no accident."""
DEFAULT_SIZE = (512, 384)
_FIXED = re.compile(r"(?i)^(center_?crop|crop|pad|normali[sz]e|to_?grayscale|grayscale)\b")
_RANDOM = re.compile(
    r"(?i)^(random|color_?jitter|auto_?augment|aug_?mix|rand_?augment|trivial|mix_?up|cut_?mix)"
)

Transform = Callable[[Any], Any]


@dataclass(frozen=True)
class View:
    """What a transform lets through.

    Attributes:
        rows: (stripes,) share of draws in which each horizontal stripe is seen.
        columns: (stripes,) the same for vertical stripes.
        dark: (draws,) median output on a black image.
        bright: (draws,) median output on a white one.
        changes: whether two draws on one image differ.
        size: (height, width) of the output.
    """

    rows: Doubles
    columns: Doubles
    dark: Doubles
    bright: Doubles
    changes: bool
    size: tuple[int, int]


def ask(context: Context) -> Outcome:
    """Compare the two transforms, run or read."""
    given = context.transforms
    if given is None or "train" not in given or "evaluation" not in given:
        return Outcome(abstentions=(Abstention("views", "no_transforms"),))
    train, evaluation = given["train"], given["evaluation"]
    if not (callable(train) and callable(evaluation)):
        return Outcome(tuple(_compare_text(_as_lines(train), _as_lines(evaluation))))
    size = _image_size(context)
    training, scoring = look(train, size, context.seed), look(evaluation, size, context.seed)
    rows = [
        (name, float((v.rows > 0).mean() * (v.columns > 0).mean()), *v.size, v.changes)
        for name, v in (("train", training), ("evaluation", scoring))
    ]
    table = Table("views.seen", ("transform", "share_seen", "height", "width", "random"), tuple(rows))
    return Outcome(tuple(_compare(training, scoring)), (table,))


def look(transform: Transform, size: tuple[int, int], seed: int) -> View:
    """Run a transform on stripes of an image of ``size`` (height, width).

    Raises:
        Exception: whatever the transform raises on an RGB image.
    """
    height, width = size
    ramp = np.add.outer(np.linspace(0, 120, height), np.linspace(0, 120, width)).astype(np.uint8)
    outputs = [
        _run(transform, np.repeat(ramp[:, :, None], 3, axis=2), seed * DRAWS + n) for n in range(DRAWS)
    ]
    changes = any(
        o.shape != outputs[0].shape or not np.allclose(o, outputs[0], atol=1e-4) for o in outputs[1:]
    )
    draws = DRAWS if changes else 1
    gray = np.full((height, width, 3), 128, dtype=np.uint8)
    rows, columns = np.zeros((draws, STRIPES)), np.zeros((draws, STRIPES))
    dark, bright = np.zeros(draws), np.zeros(draws)
    for draw in range(draws):
        number = seed * DRAWS + draw
        plain = _run(transform, gray, number)
        for stripe in range(STRIPES):
            across, down = gray.copy(), gray.copy()
            across[stripe * height // STRIPES : (stripe + 1) * height // STRIPES] = 255
            down[:, stripe * width // STRIPES : (stripe + 1) * width // STRIPES] = 255
            rows[draw, stripe] = _differs(_run(transform, across, number), plain)
            columns[draw, stripe] = _differs(_run(transform, down, number), plain)
        dark[draw] = float(np.median(_run(transform, np.zeros_like(gray), number)))
        bright[draw] = float(np.median(_run(transform, np.full_like(gray, 255), number)))
    shape = outputs[0].shape
    return View(rows.mean(axis=0), columns.mean(axis=0), dark, bright, changes, (shape[-2], shape[-1]))


def _compare(train: View, evaluation: View) -> Iterator[Finding]:
    if evaluation.changes:
        yield Finding("views.random_evaluation", Measure(1.0, null=0.0), {}, Tier.SPOILER, Confidence.CERTAIN)
    new, cut = _never_seen(evaluation, train, 0.5), _never_seen(train, evaluation, 0.95)
    if new >= LEAST_UNSEEN or cut >= LEAST_CUT:
        what = "views.crop" if new >= cut else "views.crop_evaluation"
        picture = {
            "kind": "frames",
            "train": _frame(train),
            "evaluation": _frame(evaluation),
        }
        values = {"train": _share(train), "evaluation": _share(evaluation)}
        measure = Measure(max(new, cut), null=0.0)
        yield Finding(what, measure, values, Tier.SPOILER, Confidence.CERTAIN, picture=picture)
    contrast = abs(float(np.median(evaluation.bright) - np.median(evaluation.dark)))
    shifts = [
        abs(float(np.median(getattr(train, end)) - np.median(getattr(evaluation, end))))
        for end in ("dark", "bright")
    ]
    least = LEAST_SHIFT if train.changes or evaluation.changes else LEAST_EXACT_SHIFT
    if contrast > 0 and max(shifts) > least * contrast:
        measure = Measure(max(shifts) / contrast, null=0.0)
        yield Finding("views.normalize", measure, {}, Tier.SPOILER, Confidence.CERTAIN)


def _compare_text(train: list[str], evaluation: list[str]) -> Iterator[Finding]:
    """The same comparison of descriptions such as ``CenterCrop(320)``: only deterministic steps must agree."""
    at_random = [line for line in evaluation if _RANDOM.match(line)]
    if at_random:
        values = {"steps": ", ".join(at_random[:3])}
        yield Finding(
            "views.random_evaluation",
            Measure(float(len(at_random)), null=0.0),
            values,
            Tier.SPOILER,
            Confidence.CERTAIN,
        )
    fixed = [{line for line in lines if _FIXED.match(line)} for lines in (train, evaluation)]
    for what, only in (("missing", fixed[0] - fixed[1]), ("extra", fixed[1] - fixed[0])):
        if only:
            values = {"steps": ", ".join(sorted(only)[:3])}
            yield Finding(
                f"views.{what}", Measure(float(len(only)), null=0.0), values, Tier.SPOILER, Confidence.CERTAIN
            )


def _never_seen(view: View, other: View, often: float) -> float:
    """Share of what ``view`` sees in at least ``often`` of its draws that ``other`` never does."""
    rows, columns = view.rows >= often, view.columns >= often
    both = (rows & (other.rows > 0)).sum() * (columns & (other.columns > 0)).sum()
    return float(1 - both / max(rows.sum() * columns.sum(), 1))


def _share(view: View) -> float:
    return float((view.rows > 0).mean() * (view.columns > 0).mean())


def _frame(view: View) -> list[float]:
    """The part of the image ever seen: left, top, right, bottom as shares."""
    across, down = np.flatnonzero(view.columns > 0), np.flatnonzero(view.rows > 0)
    if not len(across) or not len(down):
        return [0.0, 0.0, 0.0, 0.0]
    ends = (across[0], down[0], across[-1] + 1, down[-1] + 1)
    return [float(end) / STRIPES for end in ends]


def _image_size(context: Context) -> tuple[int, int]:
    images = context.images
    if isinstance(images, np.ndarray):
        return int(images.shape[1]), int(images.shape[2])
    if images is not None and len(images):
        from metric_face.data import open_image

        for image in images:
            with suppress(ImageError):  # it is gone, and the next one will do
                width, height = open_image(image).size
                return max(height, STRIPES), max(width, STRIPES)
    return DEFAULT_SIZE


def _run(transform: Transform, pixels: NDArray[np.uint8], seed: int) -> Doubles:
    """The output, channels first, under fixed random draws; the global generators are put back."""
    import torch
    from PIL import Image

    with torch.random.fork_rng(devices=[]), _other_generators():
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 -- the user's transform may draw from it
        output: Any = transform(Image.fromarray(pixels))
    if isinstance(output, Mapping):
        output = output["image"]
    if hasattr(output, "numpy"):
        output = output.numpy()
    array = np.asarray(output, dtype=np.float64)
    if array.ndim == 2:
        return array[None]
    return array.transpose(2, 0, 1) if array.shape[-1] in (1, 3) and array.shape[0] not in (1, 3) else array


@contextmanager
def _other_generators() -> Iterator[None]:
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002


def _differs(output: Doubles, plain: Doubles) -> bool:
    if output.shape != plain.shape:
        return True
    return bool(np.abs(output - plain).max() > 0.02 * max(1.0, float(np.abs(plain).max())))


def _as_lines(transform: object) -> list[str]:
    if isinstance(transform, str):
        return [transform]
    if isinstance(transform, Sequence):
        return [str(step).strip() for step in transform]
    return [line.strip() for line in str(transform).splitlines()]
