"""The words of the field: none that the glossary replaced stands in a name or a text of the package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("metric_face", "samplers", "losses")

REPLACED = {
    "asker": "predictor",
    "askers": "predictors",
    "barred": "excluded",
    "behaviour": "behavior",
    "colour": "color",
    "colours": "colors",
    "contender": "candidate",
    "contenders": "candidates",
    "donor": "ensemble member",
    "donors": "ensemble members",
    "enrol": "plan",
    "judge": "evaluate",
    "judged": "evaluated",
    "judgement": "evaluation",
    "judges": "evaluates",
    "judging": "evaluating",
    "learnt": "learned",
    "lonely": "of one image",
    "neighbour": "neighbor",
    "neighbours": "neighbors",
    "nobody": "no identity",
    "normalise": "normalize",
    "normalised": "normalized",
    "people": "identities",
    "person": "identity",
    "persons": "identities",
    "roster": "sampling plan",
    "said": "predicted, stated or reported",
    "strangers": "other identities",
    "vouch": "hold the checksum of",
    "vouched": "recorded",
    "vouches": "holds the checksum of",
    "whoever": "the one that",
}
"""A word that is not used -> what to write."""


def words_of(text: str) -> set[str]:
    """The words of a name or a text in lower case; ``askedBefore``, ``asked_before`` and "asked before" are alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return {word.lower() for word in re.findall(r"[A-Za-z]+", spaced)}


def texts_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every identifier and string constant of a module, docstrings included, with its line."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield line, node.value
        for field in ("id", "attr", "name", "arg", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield line, name


def breaches(source: str, where: str) -> list[str]:
    return [
        f"{where}:{line}: {word!r}; write {REPLACED[word]!r}"
        for line, text in texts_of(ast.parse(source))
        for word in sorted(words_of(text) & REPLACED.keys())
    ]


def test_no_replaced_word_stands_in_the_package() -> None:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 200
    found = [
        line for file in files for line in breaches(file.read_text("utf-8"), str(file.relative_to(ROOT)))
    ]
    assert found == []


def test_no_replaced_word_stands_in_the_texts_of_the_pages() -> None:
    files = sorted((ROOT / "metric_face/pages/texts/en").glob("*.json"))
    assert files
    found = {file.name: words_of(file.read_text("utf-8")) & REPLACED.keys() for file in files}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_word_of_the_glossary_is_one_that_was_replaced() -> None:
    glossary = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Glossary")[1]
    rows = [row.split("|")[1].strip() for row in glossary.splitlines() if row.startswith("| ")][2:]
    assert 25 <= len(rows) <= 40
    assert rows == sorted(rows, key=lambda row: row.strip("`").lower())
    assert not words_of(glossary) & REPLACED.keys()


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("def barred_rows(): ...", "barred"),
        ("class OldAsker: ...", "asker"),
        ("def f(roster): ...", "roster"),
        ("x = said", "said"),
        ('"""Colours of a page."""', "colours"),
        ('raise ValueError(f"{n} contenders")', "contenders"),
    ],
)
def test_a_replaced_word_is_named_with_its_replacement(source: str, word: str) -> None:
    assert breaches(source, "a.py") == [f"a.py:1: {word!r}; write {REPLACED[word]!r}"]


def test_a_word_inside_another_is_none() -> None:
    assert breaches("impersonal = 'prejudged aforesaid'", "a.py") == []
