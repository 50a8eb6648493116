"""The reference of the configuration, made from its schema."""

import json
import re
from typing import Any

from metric_face.config import Config, json_schema, recipes


def configuration_page() -> str:
    """Every key with its values, its default and what it means, section by section, in Markdown."""
    schema = json_schema()
    lines = [
        "# Configuration",
        "",
        "Made from the schema. A configuration is a recipe or a YAML file (`--config`), with single values changed by",
        "`--set section.key=value`; an unknown key is refused with the nearest known one. A run's `config.yaml` holds",
        "every value in effect and marks what differs from its default. `metric-face recipes --schema` prints the JSON",
        "schema for an editor, `metric-face recipes NAME` a recipe with every value.",
        "",
        "| recipe | for |",
        "| --- | --- |",
        *(f"| `{name}` | {_cell(meaning)} |" for name, meaning in recipes().items()),
    ]
    lines += _sections(Config().model_dump(mode="json"), schema, schema["$defs"], "")
    return "\n".join(lines) + "\n"


def _sections(defaults: Any, node: dict[str, Any], known: dict[str, Any], path: str) -> list[str]:
    """The keys of one section as a table, then the sections inside it."""
    rows, inner = [], []
    for key, field in node["properties"].items():
        full = f"{path}{key}"
        reference = field.get("$ref") or next((one["$ref"] for one in field.get("allOf", [])), None)
        if reference:
            section = known[reference.rsplit("/", 1)[1]]
            inner += _sections(defaults[key], section, known, f"{full}.")
        else:
            default = f"`{_yaml(defaults[key])}`"
            rows.append(f"| `{full}` | {_kind(field)} | {default} | {_cell(field.get('description', ''))} |")
    if not rows:
        return inner
    title = f"`{path.rstrip('.')}`" if path else "At the top"
    head = ["", f"## {title}", "", "| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    return [*head, *rows, *inner]


def _kind(field: dict[str, Any]) -> str:
    """What a key may hold, in words."""
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(one) for one in field["anyOf"]))
    if "const" in field:
        return f"`{_yaml(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{_yaml(value)}`" for value in field["enum"])
    kind = field.get("type", "anything")
    if kind == "array":
        if "prefixItems" in field:
            return f"{len(field['prefixItems'])} of: {_kind(field['prefixItems'][0])}"
        return f"list of: {_kind(field['items'])}"
    if kind == "object" or "$ref" in field:
        return "mapping"
    words = {"integer": "integer", "number": "number", "string": "text", "boolean": "`true`, `false`"}
    return f"{words.get(kind, kind)}{_bounds(field)}".replace("null", "`null`")


def _bounds(field: dict[str, Any]) -> str:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    words = []
    if low is not None:
        words.append(f"{'above' if 'exclusiveMinimum' in field else 'from'} {_number(low)}")
    if high is not None:
        words.append(f"{'below' if 'exclusiveMaximum' in field else 'to'} {_number(high)}")
    return f" {' '.join(words)}" if words else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _cell(text: str) -> str:
    """A docstring of the schema as one cell: its code marks become Markdown's, and no bar ends the cell."""
    line = " ".join(text.split()).replace("|", "\\|")
    return re.sub(r"``(.+?)``", r"`\1`", line)
