"""save_figure: a matplotlib figure as a file, whole or absent, in fonts that have its letters.

Figures are made without pyplot, so nothing global is touched and no window is needed.
"""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from metric_face.files import MARK, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "NanumGothic",
    "Malgun Gothic",
    "AppleGothic",
)


def save_figure(figure: "Figure", path: str | os.PathLike[str], *, dpi: int = 150) -> Path:
    """Write a figure whole, in the format of the path's suffix."""
    from matplotlib import font_manager, rc_context
    from matplotlib.text import Text

    # Names of classes come in any script, and only a list of real fonts is searched glyph by glyph.
    there = set(font_manager.get_font_names())
    fonts = [font for font in _FONTS if font in there] or ["sans-serif"]
    for text in figure.findobj(Text):
        text.set_fontfamily(fonts)

    def write(temporary: Path) -> None:
        with rc_context({"font.family": fonts}), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message=".*missing from font", category=UserWarning
            )  # shown as a box
            mark = {"Software": MARK} if temporary.suffix.lower() == ".png" else None
            figure.savefig(temporary, dpi=dpi, facecolor="white", metadata=mark)

    return write_atomically(path, write)
