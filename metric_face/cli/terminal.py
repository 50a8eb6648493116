"""What the command shows while it works and when it is done: progress on standard error, answers on standard output."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console

from metric_face.files import plain
from metric_face.visible import visible, visible_json

if TYPE_CHECKING:
    from metric_face.inference import Answer

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
_state = {"quiet": False}


def set_quiet(quiet: bool) -> None:
    """Whether remarks and bars are left out; answers and errors never are."""
    _state["quiet"] = quiet


def is_quiet() -> bool:
    """Whether the user wants no remarks and no bar."""
    return _state["quiet"]


def say(line: str) -> None:
    """Print a remark on standard error, without markup, controls written out."""
    if not is_quiet():
        err.print(visible(line), markup=False)


def insist(line: str) -> None:
    """Print a line on standard error that ``-q`` does not leave out: what the user has to do."""
    err.print(visible(line), markup=False)


def remark(lines: Iterable[str], whole: bool) -> None:
    """Print what is to be known of an answer; where images are missing from it, ``-q`` leaves nothing out."""
    for line in lines:
        (say if whole else insist)(line)


def answer(line: str) -> None:
    """Print a line of the answer on standard output, without markup, controls written out."""
    out.print(visible(line), markup=False)


def answer_text(text: str) -> None:
    """Print a text of several lines as the answer."""
    for line in text.rstrip().split("\n"):
        answer(line)


def answer_json(value: Mapping[str, Any]) -> None:
    """Print the answer for a program: one JSON object, NaN as null."""
    _write_json(value, indent=2)


def answer_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> None:
    """Print the answer as a table, as wide as it is: a name that is cut off names nothing.

    Args:
        columns: their names.
        rows: the cells.
        numbers: the columns after the first hold numbers and stand to the right; otherwise all stand to the left.
    """
    shown = [[visible(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]

    def line(cells: Sequence[str]) -> str:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        padded = [
            gap + cell if numbers and at else cell + gap
            for at, (cell, gap) in enumerate(zip(cells, gaps, strict=True))
        ]
        return "  ".join(padded).rstrip()

    out.out(line(shown[0]), style="bold", highlight=False)
    if rows:  # at once: rich lays out a hundred thousand lines in a minute
        out.out("\n".join(map(line, shown[1:])), highlight=False)


def show_answer(one: "Answer", as_json: bool = False) -> None:
    """Print one answer: a block for the reader, or one line of JSON."""
    if as_json:
        _write_json(one.to_dict())
        return
    for line in one.lines():
        answer(line)
    sys.stdout.flush()


def show_failure(name: str, error: Exception, as_json: bool = False) -> None:
    """Print why an image has no answer: a line on standard error, and one of JSON where a program waits for it."""
    err.print(visible(f"error: {error}"), markup=False)
    if as_json:
        _write_json({"path": name, "error": str(error)})


def standard_input() -> Iterator[str]:
    """Read lines as they come; names that are not UTF-8 go through."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    yield from sys.stdin


def _write_json(value: Any, indent: int | None = None) -> None:
    """Print JSON that can be read in any encoding of the output."""
    in_unicode = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    text = json.dumps(plain(value), ensure_ascii=not in_unicode, indent=indent)
    sys.stdout.write(visible_json(text) + "\n")
    sys.stdout.flush()
