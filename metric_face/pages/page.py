"""One offline HTML file: templates, style and script inlined, everything escaped, and nothing else allowed to run."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metric_face.pages.languages import page_words

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "data.js",
    "raster.js",
    "grid.js",
    "thumbnails.js",
    "atlas.js",
    "names.js",
    "overlay.js",
    "map.js",
    "space.js",
    "pointer.js",
    "controls.js",
    "selection.js",
    "evidence.js",
    "page.js",
)
_TYPES = {"uint8": "u8", "uint16": "u16", "uint32": "u32", "float32": "f32"}


def render(
    template: str,
    *,
    title: str,
    block: Mapping[str, Any] | None = None,
    sheets: Sequence[bytes] = (),
    lang: str = "en",
    folders: Sequence[Path] = (),
    **context: Any,
) -> str:
    """Fill a template of a page.

    The content security policy names the hashes of the one style and the one script: a text of the data can neither
    run nor load anything, even if an escape were forgotten.

    Args:
        template: its file name, in ``metric_face/pages`` or one of ``folders``; it extends ``base.html.j2``.
        title: of the page.
        block: the data block that ``pages/data.js`` describes.
        sheets: WebP images of thumbnails.
        lang: ``en`` or ``ko``.
        folders: searched before ours.
        context: more names for the template.

    Returns:
        The HTML.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader([*folders, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = page_words(lang)
    style, script = _style(), _script()
    return environment.get_template(template).render(
        title=title,
        lang=lang,
        words=SimpleNamespace(**words),  # a dict would answer words.copy with its own method
        style=Markup(style),
        script=Markup(script),
        style_hash=Markup(_csp_hash(style)),
        script_hash=Markup(_csp_hash(script)),
        data=Markup(as_json({"version": 1, "words": words, **(block or {})})),
        sheets=[base64.b64encode(sheet).decode() for sheet in sheets],
        **context,
    )


def as_json(value: object) -> str:
    """JSON that can stand inside a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def pack(array: NDArray[Any]) -> dict[str, str]:
    """A typed column of the data block."""
    return {
        "type": _TYPES[array.dtype.name],
        "data": base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode(),
    }


def pack_ids(ids: NDArray[np.integer], most: int) -> dict[str, str]:
    """A column of whole numbers from 0 to ``most``, as narrow as they fit."""
    dtype = next(kind for kind in (np.uint8, np.uint16, np.uint32) if most <= np.iinfo(kind).max)
    return pack(ids.astype(dtype))


@cache
def _style() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


@cache
def _script() -> str:
    parts = "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


def _csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
