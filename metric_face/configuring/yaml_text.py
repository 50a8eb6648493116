"""Read YAML such that plain scalars keep their text until the schema gives their type.

YAML 1.1 takes ``yes`` for a truth value, ``2024-01-01`` for a date, ``1:30`` for 90 and ``3e-4`` for text. Here a
plain scalar stays what was typed (:class:`Plain`); :func:`as_kind` makes a number of it where a number is wanted,
and only there. What a configuration never needs is refused: aliases, tags, repeated keys, deep nesting.
"""

from math import isfinite
from typing import Any

import yaml

from metric_face.configuring.words import short
from metric_face.errors import ConfigError

MOST_CHARACTERS = 200_000
MOST_NODES = 20_000
DEEPEST = 20
_NOTHING = ("", "~", "null")
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Plain(str):
    """A scalar written without quotes; what it means is for the schema to say."""

    __slots__ = ()

    @property
    def is_nothing(self) -> bool:
        """Whether it is YAML's null."""
        return self.lower() in _NOTHING


def parse_yaml(text: str, where: str) -> Any:
    """Read one YAML document.

    Args:
        text: the document.
        where: what to call it in an error, such as the file's name.

    Returns:
        Dicts with text keys, lists, :class:`Plain` for plain scalars and ``str`` for quoted ones; None for an
        empty document.

    Raises:
        ConfigError: one line: no YAML, or something a configuration never needs.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(
            f"{where}: must have at most {MOST_CHARACTERS:,} characters, found {len(text):,}; is it a configuration?"
        )
    try:
        _refuse_what_is_never_needed(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        line = _at(where, getattr(error, "problem_mark", None))
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
        raise ConfigError(f"{line}: not YAML ({short(reason, quoted=False)})") from None
    return None if node is None else _value(node, where)


def plain_value(text: Plain) -> Any:
    """What a plain scalar means where the schema gives no type: null, truth, number or text."""
    if text.is_nothing:
        return None
    if text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    number = as_number(text)
    return str(text) if number is None else number


def as_number(text: str) -> int | float | None:
    """The number that a text writes, such as ``3``, ``0.5`` or ``3e-4``; None where it writes none."""
    if not text[:1] or text[0] not in "+-.0123456789" or "_" in text:
        return None
    for kind in (int, float):
        try:
            number = kind(text)
            return number if isfinite(number) else None
        except (ValueError, OverflowError):
            continue
    return None


def _refuse_what_is_never_needed(text: str, where: str) -> None:
    """Look through the events, which cost no memory and no recursion, before anything is built of them."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _at(where, event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(
                f"{line}: aliases (*{short(event.anchor, quoted=False)}) are not read; repeat it"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ConfigError(
                f"{line}: tags ({short(tag, quoted=False)}) are not read; write the value alone"
            )
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ConfigError(f"{line}: must be nested at most {DEEPEST} deep, found more; unfold it")
        if nodes > MOST_NODES:
            raise ConfigError(
                f"{line}: must hold at most {MOST_NODES:,} values, found more; is it a configuration?"
            )


def _value(node: yaml.Node, where: str) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value) if node.style is not None else Plain(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, where) for item in node.value]
    values: dict[str, Any] = {}
    for key, item in node.value:
        line = _at(where, key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{line}: a key must be a word, found a list or a mapping")
        if key.value in values:
            raise ConfigError(f"{line}: {short(key.value)} is given twice; keep one")
        values[str(key.value)] = _value(item, where)
    return values


def _at(where: str, mark: Any) -> str:
    return where if mark is None else f"{where}, line {mark.line + 1}"
