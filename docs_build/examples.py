"""The examples in the pages of the reference."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = tuple(sorted((ROOT / "docs/reference").glob("*.md")))


def documented(page: Path) -> dict[str, str]:
    """The public names on a page, each with the text below its entry."""
    parts = re.split(r"^::: metric_face\.(\w+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def session(text: str) -> str:
    """The lines of the ``pycon`` blocks in a text, in order."""
    return "\n".join(re.findall(r"^```pycon\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
