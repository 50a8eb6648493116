"""write_attribution: the maps over the images, as a picture and as a page."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from metric_face.arrays import Floats
from metric_face.attribution.result import Attribution, ImageMap
from metric_face.errors import ArgumentError
from metric_face.files import MARK, write_atomically, write_text
from metric_face.pages import page_texts, render
from metric_face.visible import visible

PICTURE, PAGE = "attribution.png", "attribution.html"
_ACROSS = 224
_HEAT = np.array((230.0, 90.0, 0.0))
_GAP = 8


def write_attribution(
    found: Attribution, folder: str | Path, *, thumbnails: bool = True, lang: str = "en"
) -> tuple[Path, Path]:
    """Write ``attribution.png`` and ``attribution.html`` into a folder, each atomically.

    Args:
        found: what :func:`metric_face.attribute` gave.
        folder: to write into.
        thumbnails: False shows the maps without the images.
        lang: ``en`` or ``ko``.

    Returns:
        Picture and page.

    Raises:
        ArgumentError: there are no texts in this language, or nothing to show.
        OutputError: a file may not be replaced.
    """
    texts, home = page_texts("attribution", lang), Path(folder)
    if not found.images:
        raise ArgumentError("found: holds no image; give what attribute() returned")
    rows = [_pictures(one, thumbnails) for one in found.images]
    whole = _sheet(rows)
    mark = PngInfo()
    mark.add_text("Software", MARK)
    write_atomically(home / PICTURE, lambda file: whole.save(file, "PNG", pnginfo=mark))
    what = "similarity" if found.question == "similarity" else "class"
    page = render(
        "attribution.html.j2",
        title=texts["title"],
        lang=lang,
        texts=SimpleNamespace(**texts),
        block={"n": 0},
        lead=texts[what].format(score=f"{found.score:.3f}", target=found.target),
        images=[_card(one, row, texts) for one, row in zip(found.images, rows, strict=True)],
    )
    return home / PICTURE, write_text(home / PAGE, page)


def _card(one: ImageMap, pictures: list[Image.Image], texts: Mapping[str, Any]) -> dict[str, Any]:
    checks = []
    for kind, check in one.deletion.items():
        random = f"{np.mean(check.random):.3f} [{min(check.random):.3f}, {max(check.random):.3f}]"
        verdict = texts["faithful"] if check.faithful else texts["unfaithful"]
        checks.append((texts[kind], f"{check.area:.3f}", random, verdict))
    return {
        "name": visible(one.name),
        "shown": [
            (texts[kind], _uri(picture))
            for kind, picture in zip(("seen", "gradient", "occlusion"), pictures, strict=True)
        ],
        "checks": checks,
        "agreement": texts["agreement"].format(value=f"{one.agreement:.2f}"),
        "border": texts["border"].format(value="–" if np.isnan(one.border) else f"{one.border:.0%}"),
    }


def _pictures(one: ImageMap, thumbnails: bool) -> list[Image.Image]:
    """The image as the model sees it, and both maps over it."""
    height, width = one.pixels.shape[:2]
    size = (round(_ACROSS * width / max(height, width)), round(_ACROSS * height / max(height, width)))
    image = Image.fromarray(one.pixels if thumbnails else np.full_like(one.pixels, 235))
    shown = image.resize(size, Image.Resampling.BICUBIC)
    return [shown, _overlay(shown, one.gradient), _overlay(shown, one.occlusion)]


def _overlay(image: Image.Image, values: Floats) -> Image.Image:
    """A map over a gray image: the more orange, the higher."""
    positive = values.clip(min=0)
    heat = Image.fromarray((positive / max(float(positive.max()), 1e-12)).astype(np.float32), mode="F")
    share = np.asarray(heat.resize(image.size, Image.Resampling.BILINEAR))[..., None] * 0.8
    gray = np.asarray(image.convert("L"), np.float32)[..., None]
    return Image.fromarray((gray * (1 - share) + _HEAT * share).clip(0, 255).astype(np.uint8))


def _sheet(rows: list[list[Image.Image]]) -> Image.Image:
    width = max(sum(one.width + _GAP for one in row) for row in rows) + _GAP
    sheet = Image.new("RGB", (width, sum(row[0].height + _GAP for row in rows) + _GAP), "white")
    top = _GAP
    for row in rows:
        left = _GAP
        for one in row:
            sheet.paste(one, (left, top))
            left += one.width + _GAP
        top += row[0].height + _GAP
    return sheet


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
