"""A CSV file as text: every cell keeps its text, only an empty one is missing, and no type is guessed."""

import codecs
import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.data.csv_plain import read_plain
from metric_face.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_BOMS = (  # the longer first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a zip archive, an old compound file
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv_text(file: Path, needed: Collection[str]) -> "tuple[pd.DataFrame, list[str]]":
    """Read a CSV file with every column as text.

    The separator is a comma, or another one where only that gives the header a column that is needed. UTF-8, and
    UTF-16 or UTF-32 with a byte order mark, are read; any other encoding is refused, since it cannot be told from
    its kin. Column names are stripped of blanks, values are not; lines without any value are left out.

    Args:
        file: the file.
        needed: names of columns, of which the header must have at least one for a separator to be sure.

    Returns:
        The frame, whose values are text or missing, and what was done that is not plain, one line each.

    Raises:
        DataError: the encoding, a quote, a name or the number of values in a line is not certain; the line is named.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error}); check the file") from None
    frame, blank, separator, encoding = _all_at_once(file, content, needed) or _line_by_line(
        file, content, needed
    )
    notes = [] if encoding in ("utf-8", "utf-8-sig") else [f"{file}: read as {encoding.upper()}"]
    if separator != ",":
        notes.append(f"{file}: its values are separated by {_SEPARATORS[separator]}")
    if blank:
        notes.append(f"{file}: {blank} lines without a value are left out")
    if "" in frame.columns:
        column = frame.pop("")
        if column.notna().any():
            notes.append(f"{file}: a column without a name is left out")
    return frame, notes


def _all_at_once(
    file: Path, content: bytes, needed: Collection[str]
) -> "tuple[pd.DataFrame, int, str, str] | None":
    """The table of a plain file, which is not made a string first; None where each line must be looked at."""
    if b'"' in content or b"\x00" in content or content.startswith((*_WORKBOOKS, b"\n", b"\r")):
        return None
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        if not body.isascii():
            body.decode()
        first = body[: body.find(b"\n") if b"\n" in body else len(body)].decode().strip("\r")
    except UnicodeDecodeError:
        return None
    if first.lower().startswith("sep=") or "\r" in first:
        return None
    separator = _separator(first, needed)
    header = next(csv.reader([first], delimiter=separator), [])
    names = _names(file, header)
    plain = read_plain(body, names, separator) if len(names) == len(header) > 0 else None
    return None if plain is None else (*plain, separator, "utf-8")


def _line_by_line(
    file: Path, content: bytes, needed: Collection[str]
) -> "tuple[pd.DataFrame, int, str, str]":
    """The table of a file, each cell looked at, how many lines had no value, the separator and the encoding."""
    text, encoding = _decode(file, content)
    first = text[: text.find("\n") if "\n" in text else len(text)].strip("\r")
    declared = first[4:] if first.lower().startswith("sep=") and first[4:] in _SEPARATORS else ""
    text = text[len(first) :].lstrip("\r\n") if declared else text
    separator = declared or _separator(text, needed)
    lines = _lines(file, text, separator)
    number, header = next(lines, (0, []))
    if not number:
        raise DataError(
            f"{file}: cannot be read as a table (it is empty); write a line of column names first"
        )
    names = _names(file, header)
    rows, blank = [], 0
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            blank += 1
            continue
        rows.append(_row(file, number, cells, names, separator))
    import pandas as pd  # here: the kNN command imports this module and needs no table

    return pd.DataFrame(rows, columns=names, dtype="str"), blank, separator, encoding


def _decode(file: Path, content: bytes) -> tuple[str, str]:
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    if content.startswith(_WORKBOOKS):
        raise DataError(f"{file}: is a workbook and no CSV; save it as 'CSV UTF-8' in the spreadsheet")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}: line {line} is not {encoding.removesuffix('-sig').upper()} (byte 0x{content[error.start]:02x}); "
            "save it as UTF-8, as with iconv -f CP1252 -t UTF-8"
        ) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise DataError(
            f"{file}: line {line} holds a null character, as UTF-16 without its mark does; save it as UTF-8"
        )
    return text, encoding


def _separator(text: str, needed: Collection[str]) -> str:
    """The comma, unless another separator alone gives the header a column that is needed."""
    start = len(text) - len(text.lstrip("\r\n"))
    end = text.find("\n", start)
    header = text[start : end if end >= 0 else len(text)].splitlines()[:1]
    for separator in _SEPARATORS:
        try:
            names = next(csv.reader(header, delimiter=separator), [])
        except csv.Error:
            continue
        if {name.strip() for name in names} & set(needed):
            return separator
    return ","


def _lines(file: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that has any; a quoted cell may span several."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    last = 1
    try:
        for cells in reader:
            for cell in cells:
                if cell.startswith((' "', '\t"')) and cell.endswith('"'):
                    raise DataError(f"{file}: line {last} has a blank before a quote ({cell}); remove it")
            if cells:
                yield last, cells
            last = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file}: line {last} cannot be read ({error}); double the quotes inside a quoted value"
        ) from None


def _names(file: Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        word = f"the name {twice!r}" if twice else "no name"
        raise DataError(f"{file}: two columns have {word}; rename one")
    return names


def _row(file: Path, number: int, cells: list[str], names: list[str], separator: str) -> list[str | None]:
    while len(cells) > len(names) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(names):
        remedy = (
            f"quote a value that holds {_SEPARATORS[separator]}"
            if len(cells) > len(names)
            else "keep the separators of empty values"
        )
        raise DataError(
            f"{file}: line {number} has {len(cells)} values and the header {len(names)} names; {remedy}"
        )
    return [cell if cell.strip() else None for cell in cells]
