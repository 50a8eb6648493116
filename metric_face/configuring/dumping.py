"""A configuration as YAML that reads back to the same values, whatever the names and paths in it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_NOT_IN_YAML = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""Control characters, line breaks of other scripts, and what stands for a byte that is no UTF-8."""


def dump(config: BaseModel, defaults: BaseModel) -> str:
    """All values in effect; one that differs from its default is marked."""
    before = defaults.model_dump()  # not mode="json", which loses keys that are no UTF-8
    lines: list[str] = []
    for section, content in config.model_dump().items():
        if not isinstance(content, dict):
            lines.append(f"{section}: {_scalar(content)}{_mark(content, before[section])}")
            continue
        lines.append(f"{section}:")
        lines += _section(content, before[section], "  ")
    return "\n".join(lines) + "\n"


def _section(content: Mapping[str, Any], default: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in content.items():
        before = default.get(key)
        if isinstance(value, dict) and value and isinstance(before, dict) and before:
            lines.append(f"{indent}{key}:")
            lines += _section(value, before, indent + "  ")
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}{_mark(value, before)}")
    return lines


def _scalar(value: Any) -> str:
    # JSON is YAML on one line; it also quotes a text that YAML would take for something else.
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _mark(value: Any, default: Any) -> str:
    return "" if value == default else f"  # default: {_scalar(default)}"
