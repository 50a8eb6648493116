"""write_hits: one page that shows each query and the images that were found for it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metric_face.data import file_of
from metric_face.inference.image_hits import ImageHit, ImageHits
from metric_face.inference.page_pictures import PagePictures
from metric_face.inference.predictor import Predictor
from metric_face.inference.search_settings import SearchSettings
from metric_face.inference.shown_numbers import printable
from metric_face.pages import page_texts

MOST = 50
"""Queries that a page shows; of more, the first."""
MOST_HITS = 60
"""Images that a page shows of each query."""
Texts = Mapping[str, Any]


def write_hits(
    found: Sequence[ImageHits],
    predictor: Predictor,
    path: str | os.PathLike[str],
    *,
    settings: SearchSettings | None = None,
    thumbnails: bool = True,
    lang: str = "en",
) -> Path:
    """Write the page of what some searches found as one HTML file, atomically.

    Args:
        found: of the queries; the first 50 are shown.
        predictor: what searched.
        path: where the page shall be.
        settings: how it was searched, which the page states.
        thumbnails: False leaves every image out.
        lang: ``en`` or ``ko``.

    Returns:
        The path written.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    texts = page_texts("search", lang)
    pictures = PagePictures(predictor, thumbnails, texts["not_found"])
    cards = [_card(one, pictures, texts) for one in found[:MOST]]
    index = predictor.index
    return pictures.write(
        path,
        "search.html.j2",
        texts,
        lang,
        found=cards,
        lead=" ".join(_lead(len(found), settings, texts)),
        index=texts["index"].format(count=f"{len(index):,}", fingerprint=index.fingerprint),
    )


def _lead(count: int, settings: SearchSettings | None, texts: Texts) -> list[str]:
    key = "searched_more" if count > MOST else "searched_one" if count == 1 else "searched"
    lines = [texts[key].format(count=count, shown=MOST)]
    if settings is None:
        return lines
    if settings.where:
        lines.append(texts["filtered"].format(filters=", ".join(_filters(settings.where))))
    if settings.within is not None:
        lines.append(texts["within"].format(within=f"{settings.within:g}"))
    if settings.expand:
        lines.append(texts["expanded"].format(count=settings.expand))
    if settings.rerank is not None:
        lines.append(texts["reranked"])
    if settings.unique is not None:
        lines.append(texts["unique"].format(column=settings.unique))
    return lines


def _filters(where: Mapping[str, Any] | Sequence[str]) -> list[str]:
    if not isinstance(where, Mapping):
        return [where] if isinstance(where, str) else list(where)
    return [
        f"{name}={'|'.join(map(str, values)) if isinstance(values, list | tuple) else values}"
        for name, values in where.items()
    ]


def _card(one: ImageHits, pictures: PagePictures, texts: Texts) -> dict[str, Any]:
    """One query as the template shows it."""
    of_row = one.indexed is not None
    is_image = of_row or file_of(one.query).is_file()
    tile = pictures.indexed(str(one.indexed)) if of_row else pictures.asked(one.query)
    return {
        "query": printable(one.query),
        "tile": tile if is_image else None,
        "hits": [_tile(rank, hit, pictures, texts) for rank, hit in enumerate(one.hits[:MOST_HITS], start=1)],
    }


def _tile(rank: int, hit: ImageHit, pictures: PagePictures, texts: Texts) -> dict[str, Any]:
    path = printable(hit.path)
    return {
        "path": path,
        "name": path.replace("\\", "/").rsplit("/", 1)[-1],
        "label": texts["hit"].format(rank=rank, path=path),
        "tile": pictures.indexed(hit.path),
        "similarity": f"{hit.similarity:.3f}",
        "columns": [(name, printable(value)) for name, value in hit.known],
        "same_file": hit.same_file,
    }
