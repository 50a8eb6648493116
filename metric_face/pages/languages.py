"""The texts of every page, by language: ``texts/LANGUAGE/NAME.json``, with the same keys and blanks in each."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from metric_face.errors import ArgumentError

_FOLDER = Path(__file__).parent / "texts"
LANGUAGES = tuple(sorted(folder.name for folder in _FOLDER.iterdir() if folder.is_dir()))


def check_language(lang: str) -> str:
    """Return ``lang``, or refuse it.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    if lang not in LANGUAGES:
        raise ArgumentError(
            f"lang must be one of {', '.join(LANGUAGES)}, found {lang!r}; choose one of these"
        )
    return lang


@cache
def page_texts(name: str, lang: str = "en") -> Mapping[str, Any]:
    """The texts of one page.

    Args:
        name: of the page, such as ``map``.
        lang: ``en`` or ``ko``.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    path = _FOLDER / check_language(lang) / f"{name}.json"
    texts: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return texts


@cache
def page_words(lang: str = "en") -> Mapping[str, Any]:
    """What every page, its scripts, charts and map say of their own accord."""
    return {**page_texts("shared", lang), **page_texts("map", lang)}
