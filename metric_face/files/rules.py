"""Rules for the values of a JSON file: in words for the message, and as a test."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What a value of a file must be: in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


TEXT = Rule("text", lambda value: isinstance(value, str) and "\0" not in value)
WHOLE = Rule(
    "a whole number of at least 0", lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0
)
NUMBER = Rule("a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool))
FINITE = Rule("a finite number", lambda v: NUMBER.holds(v) and math.isfinite(v))
MAPPING = Rule("a mapping", lambda value: isinstance(value, dict))
DIGEST = Rule(
    "a SHA-256 and a size",
    lambda v: isinstance(v, str) and re.fullmatch(r"[0-9a-f]{64}:\d{1,18}", v) is not None,
)


def maybe(rule: Rule) -> Rule:
    """The rule, or null."""
    return Rule(f"{rule.words} or null", lambda value: value is None or rule.holds(value))


def list_of(rule: Rule) -> Rule:
    """A list of what the rule allows."""
    return Rule(
        f"a list, each {rule.words}", lambda value: isinstance(value, list) and all(map(rule.holds, value))
    )


def mapping_of(rule: Rule) -> Rule:
    """Names, each with what the rule allows."""
    return Rule(
        f"a mapping, each value {rule.words}",
        lambda value: isinstance(value, dict) and all(map(rule.holds, value.values())),
    )
