"""The words of a configuration's error: one line, however long the value is."""

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

LONGEST = 60
"""Characters of a value that an error repeats."""
_OF_A_KIND = frozenset(
    f"{kind}_{way}"
    for kind in ("string", "int", "float", "bool", "list", "tuple")
    for way in ("type", "parsing", "from_float")
)
"""Errors of values of another kind: an example says which is meant."""


def short(value: object, *, quoted: bool = True) -> str:
    """A value on one line, cut in the middle where it is long.

    Args:
        value: anything; a text is quoted, with its line breaks and control characters escaped.
        quoted: whether the quotes stay.
    """
    try:
        text = repr(str(value) if isinstance(value, str) else value)
    except Exception:  # a foreign object whose repr fails
        text = type(value).__name__
    if not quoted and isinstance(value, str):
        text = text[1:-1]
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 23]}...{text[-20:]}"


def one_line(error: ValidationError, schema: type[BaseModel]) -> str:
    """The first thing that is wrong, and how many more there are."""
    errors = error.errors(include_url=False)
    # A value or "auto" is checked as both; only what is wrong with the value is news.
    errors = [one for one in errors if one["type"] != "literal_error" or not _is_kind(one["loc"][-1])]
    first = errors[0]
    unknown = first["type"] == "extra_forbidden"
    names = [part for part in first["loc"] if part != "[key]" and (unknown or not _is_kind(part))]
    key = ".".join(short(str(part), quoted=False) for part in names)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if unknown:
        return f"{key}: no such key{_nearest(first['loc'], schema)}{more}"
    message = first["msg"].removeprefix("Value error, ")
    if _is_kind(first["loc"][-1] if first["loc"] else ""):
        message += ", or auto"
    if first["type"] in ("model_type", "dict_type"):
        message = "must be a section with keys of its own, such as {key: value}"
    elif first["type"] in _OF_A_KIND:
        message += _example(names, schema)
    if not key:
        return f"{message}{more}"
    return f"{key}={short(first['input'])}: {message[0].lower()}{message[1:]}{more}"


def _example(names: list[Any], schema: type[BaseModel]) -> str:
    """What a value of this key looks like: the example of the schema, or its default."""
    section: Any = schema
    for name in names:
        field = getattr(section, "model_fields", {}).get(name)
        if field is None:
            return ""
        section = field.annotation
        value = (field.examples or [field.default])[0]
    if value is None or value in ("", "auto") or value is PydanticUndefined:
        return ""
    return f", such as {str(value).lower() if isinstance(value, bool) else short(value, quoted=False)}"


def _is_kind(part: object) -> bool:
    """Whether a part of a place is pydantic's name for one of the kinds that a field may hold."""
    return isinstance(part, str) and (part.startswith(("tuple[", "literal[")) or part == "bool")


def _nearest(location: tuple[Any, ...], schema: type[BaseModel]) -> str:
    section: Any = schema
    for part in location[:-1]:
        # A number is a place in a list of sections.
        section = get_args(section)[0] if isinstance(part, int) else section.model_fields[part].annotation
    here, wanted = list(section.model_fields), str(location[-1])[:LONGEST]
    close = difflib.get_close_matches(wanted, here, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {'.'.join([*map(str, location[:-1]), close[0]])}?"
    everywhere = dict(_keys(schema))
    close = difflib.get_close_matches(wanted, list(everywhere), n=1, cutoff=0.7)
    return f"; did you mean {everywhere[close[0]]}?" if close else f"; the keys here are {', '.join(here)}"


def _keys(schema: type[BaseModel]) -> Iterable[tuple[str, str]]:
    for name, field in schema.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {}):
            yield key, f"{name}.{key}"
