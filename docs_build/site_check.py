"""What a built site may not hold: anything that is loaded from elsewhere."""

import re
from pathlib import Path

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?![^>]*\brel\s*=\s*["']?canonical)[^>]*\bhref\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""",
    re.IGNORECASE,
)
_IN_STYLES = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Each address that a page or style sheet of a site would load from another host, with the file that does.

    Args:
        site: the folder of the built site.
    """
    found = []
    for file in sorted([*site.rglob("*.html"), *site.rglob("*.css")]):
        text = file.read_text("utf-8")
        hits = _LOADED.findall(text) if file.suffix == ".html" else []
        addresses = ["".join(hit) for hit in hits] + _IN_STYLES.findall(text)
        found += [f"{file.relative_to(site)}: {address}" for address in addresses]
    return found
