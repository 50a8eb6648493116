"""What the command shows while it works and when it is done: progress on standard error, answers on standard output."""

import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from metric_face.files import plain
from metric_face.visible import visible, visible_json

if TYPE_CHECKING:
    from metric_face.inference import Answer, Predictor, TargetAnswer

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
_ENDLESS = 1_000_000


def counted(number: int, many: str) -> str:
    """A number with its noun, ``many`` in the plural: ``1 image``, ``2 images``."""
    one = {"identities": "identity"}.get(many, many.removesuffix("s"))
    return f"{number:,} {one if number == 1 else many}"


def say(line: str) -> None:
    """A line for the reader, beside the answer: on standard error, without markup, controls written out."""
    err.print(visible(line), markup=False)


def answer(line: str) -> None:
    """A line of the answer: on standard output, without markup, controls written out."""
    out.print(visible(line), markup=False)


def answer_json(value: Any) -> None:
    """The answer for a program: one JSON document, NaN as null."""
    _write_json(value, indent=2)


def answer_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The answer as a table; the first column is left, the others are right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(Text(visible(column)), justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    whole = out.measure(table, options=out.options.update(max_width=_ENDLESS)).maximum
    Console(highlight=False, emoji=False, width=whole).print(table)  # a name that is cut off names nothing


def show_answer(one: "Answer", as_json: bool = False, shown: int | None = None) -> None:
    """What the neighbors say of one image: a block for the reader, or one line of JSON.

    Args:
        one: the answer.
        as_json: as one line of JSON.
        shown: neighbors to show; all that the answer holds when None.
    """
    one = one if shown is None else one.nearest(shown)
    if as_json:
        _write_json(one.to_dict())
        return
    classes = ", ".join(f"{name} {_verdict(one.targets[name])}" for name in one.shown_targets)
    without = f" (without {one.left_out} images of {one.identity})" if one.left_out else ""
    answer(f"{one.path}{without}: {classes}")
    for near in one.neighbors:
        labels = ", ".join(near.labels[name] for name in one.shown_targets if name in near.labels)
        same = "  (the very file asked about)" if near.same_file else ""
        answer(f"    {near.similarity:+.3f}  {near.path}  {labels or near.identity or ''}{same}")
    sys.stdout.flush()


def show_failure(name: str, error: Exception, as_json: bool = False) -> None:
    """Why there is no answer: a line on standard error, and one of JSON for a program that waits for one."""
    say(f"error: {error}")
    if as_json:
        _write_json({"path": name, "error": str(error)})


def who_counts(predictor: "Predictor", identity: str | None) -> str:
    """Whether images of the identity asked about count among the neighbors, in words."""
    if identity is None:
        remedy = "; --identity NAME leaves an identity's own out" if predictor.knows_identities else ""
        return f"every image of the index counts{remedy}"
    left_out = predictor.images_of(identity)
    if not left_out:
        return f"no identity in the index is called {identity}: every image counts"
    return f"{left_out} images of {identity} in the index do not count"


def standard_input() -> Iterator[str]:
    """Lines as they come; names that are not UTF-8 go through."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    yield from sys.stdin


def _verdict(verdict: "TargetAnswer") -> str:
    """``red (93%)``, or ``unknown (red 41%)``."""
    if verdict.answer == verdict.likeliest:
        return f"{verdict.answer} ({verdict.probability:.0%})"
    return f"{verdict.answer} ({verdict.likeliest} {verdict.probability:.0%})"


def _write_json(value: Any, indent: int | None = None) -> None:
    """In any encoding of the output, one that a JSON reader understands."""
    in_unicode = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    text = json.dumps(plain(value), ensure_ascii=not in_unicode, indent=indent)
    sys.stdout.write(visible_json(text) + "\n")
    sys.stdout.flush()


@contextmanager
def bar(label: str, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left; gives the function to call with (done, in all), at which it appears."""
    if not shown or not err.is_terminal:
        yield lambda done, total: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=err, transient=True)
    task = progress.add_task(label, total=None)

    def show(done: int, total: int) -> None:
        progress.start()
        progress.update(task, completed=done, total=total)
        if done >= total:
            progress.stop()  # another one may follow

    try:
        yield show
    finally:
        progress.stop()


@contextmanager
def steps(shown: bool = True) -> Iterator[Callable[[str], None]]:
    """A spinner that names the step under way; gives the function to call with each step."""
    if not shown or not err.is_terminal:
        yield lambda step: None
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), console=err, transient=True
    ) as progress:
        task = progress.add_task("")
        yield lambda step: progress.update(task, description=visible(step))


def with_interval(interval: Any) -> str:
    """``0.742 [0.701, 0.780]``; of one identity the value alone."""
    if interval.low != interval.low:  # NaN: no identities to resample
        return f"{interval.value:.3f} [one identity]"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
