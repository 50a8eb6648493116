"""A contact sheet: drawn identities side by side, youngest to oldest, without mask, with and with an incorrect mask."""

import csv
import os
from pathlib import Path
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from metric_face.errors import ArgumentError
from metric_face.files import MARK, write_atomically

ROWS = ("normal", "mask1", "incorrect_mask")
CAPTION = 18  # pixels below a column


class HasRoot(Protocol):
    """Anything that knows the folder, such as `FacesReport`."""

    @property
    def root(self) -> Path: ...


def contact_sheet(
    source: HasRoot | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    identities: int = 10,
    width: int = 100,
) -> Path:
    """Put some of the identities of a drawn folder on one picture.

    Args:
        source: the folder that `make_faces` wrote, or its report.
        path: the picture to write; a PNG gets a palette of 256 colors to stay small.
        identities: columns; women and men in turn, their ages spread evenly, none with a planted error.
        width: of one photograph, in pixels.

    Returns:
        The path of the picture.

    Raises:
        ArgumentError: the folder is not one that `make_faces` wrote, or a number is too small.
    """
    root = Path(source) if isinstance(source, str | os.PathLike) else source.root
    if identities < 1 or width < 16:
        raise ArgumentError(
            f"identities must be at least 1 and width at least 16 pixels: got {identities} and {width}"
        )
    table = root / "train/train.csv"
    if not table.is_file():
        raise ArgumentError(f"source must be a folder that make_faces wrote: {table} is missing")
    wrong = {row["folder"] for row in _rows(root / "planted_errors.csv")}
    chosen = _spread([row for row in _rows(table) if row["path"] not in wrong], identities)
    photos = [[_open(root / "train/images" / row["path"], stem) for stem in ROWS] for row in chosen]
    height = round(width * photos[0][0].height / photos[0][0].width)
    sheet = Image.new("RGB", (len(chosen) * width, len(ROWS) * height + CAPTION), (250, 250, 250))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for x, (row, column) in enumerate(zip(chosen, photos, strict=True)):
        for y, photo in enumerate(column):
            small = photo.resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(small, (x * width, y * height))
        middle = (x * width + width // 2, len(ROWS) * height + CAPTION // 2)
        draw.text(middle, f"{row['gender']}, {row['age']}", fill=(60, 60, 60), font=font, anchor="mm")
    target = Path(path)
    picture = _few_colors(sheet) if target.suffix.lower() == ".png" else sheet
    saving: dict[str, Any] = {"optimize": True}
    if target.suffix.lower() == ".png":
        saving["pnginfo"] = mark = PngInfo()
        mark.add_text("Software", MARK)
    return write_atomically(target, lambda temporary: picture.save(temporary, **saving))


def _few_colors(sheet: Image.Image) -> Image.Image:
    """The sheet in 256 colors, chosen on a reduced copy for speed."""
    palette = sheet.reduce(3).quantize(256, kmeans=3)
    return sheet.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _spread(rows: list[dict[str, str]], identities: int) -> list[dict[str, str]]:
    """Women and men in turn, from the youngest to the oldest, none twice."""
    left = {g: [r for r in rows if r["gender"] == g] for g in ("female", "male")}
    chosen = []
    for i in range(min(identities, len(rows))):
        wanted = 18 + 42 * i / max(1, identities - 1)
        turn, other = ("female", "male") if i % 2 == 0 else ("male", "female")
        group = left[turn] or left[other]
        chosen.append(min(group, key=lambda r: abs(int(r["age"]) - wanted)))
        group.remove(chosen[-1])
    return chosen


def _open(folder: Path, stem: str) -> Image.Image:
    found = next(p for p in sorted(folder.iterdir()) if p.stem == stem and not p.name.startswith("."))
    with Image.open(found) as image:
        return image.convert("RGB")
