"""What a notebook shows of a result: small tables, lines and pictures, everything escaped."""

import io
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_ROWS = 20
_PICTURES = 8
_SIDE = 64


def table_html(head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table of at most :data:`MOST_ROWS` rows, under a line that says what it is of."""
    rows = list(rows)
    body = "".join(_row("td", row) for row in rows[:MOST_ROWS])
    more = f"<p>... and {len(rows) - MOST_ROWS:,} more rows</p>" if len(rows) > MOST_ROWS else ""
    title = f"<p><b>{escape(caption)}</b></p>" if caption else ""
    return f"<div>{title}<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>{more}</div>"


def lines_html(lines: Iterable[str], caption: str = "") -> str:
    """Lines of text as a list."""
    title = f"<p><b>{escape(caption)}</b></p>" if caption else ""
    return f"<div>{title}<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul></div>"


def pictures_html(files: Sequence[Path], opened: Callable[[Path, tuple[int, int]], "Image"]) -> str:
    """Thumbnails of the first images, those that cannot be opened left out; nothing where there are none.

    Args:
        files: the images.
        opened: from a file and the (width, height) that suffice to the image in RGB; raises ImageError.
    """
    drawn = (_thumbnail(file, opened) for file in files[:_PICTURES])
    pictures = "".join(picture for picture in drawn if picture)
    return f"<div>{pictures}</div>" if pictures else ""


def _row(cell: str, values: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(_text(value))}</{cell}>' for value in values)}</tr>"


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _thumbnail(file: Path, opened: Callable[[Path, tuple[int, int]], "Image"]) -> str:
    try:
        small = opened(file, (_SIDE, _SIDE))
    except ImageError:
        return ""
    small.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    data = b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(file.name)}" title="{escape(str(file))}" src="data:image/png;base64,{data}">'
