"""A table holds only what its command prints; a measured figure in prose stands in a table that it names."""

import ast
import re
from pathlib import Path

import pytest

from docs_build.command_pages import commands

ROOT = Path(__file__).parents[1]
TABLES = sorted((ROOT / "benchmarks/results").glob("*.md"))
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
NOTED = "Noted when it was run: "  # of the option --note
FIGURE = re.compile(r"(?<![\w.])[+-]?0?(\.\d{2,})(?![\w]|\.\d)")


def triples(text: str) -> set[tuple[str, ...]]:
    """Each three words that follow one another; numbers part them no more than a comma does."""
    words = re.findall(r"[^\W\d_]+", text)
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}


def printed() -> set[tuple[str, ...]]:
    """Each three words that some text of a benchmark holds."""
    known: set[tuple[str, ...]] = set()
    for file in (ROOT / "benchmarks").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else " " for part in node.values]
                known |= triples(" ".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                known |= triples(node.value)
    return known


def prose(text: str) -> list[str]:
    """Paragraphs that are no title, table, list or code."""
    blocks = re.sub(r"```.*?```", "", text, flags=re.DOTALL).split("\n\n")
    return [block for block in blocks if not block.startswith(("#", "|", "- ", "Made by", NOTED))]


def unprinted(text: str, known: set[tuple[str, ...]]) -> list[str]:
    """Paragraphs that no benchmark can have printed."""
    return [block for block in prose(text) if (own := triples(block)) and len(own & known) < 0.6 * len(own)]


def unfounded(paragraph: str, tables: dict[str, str]) -> list[str]:
    """Figures of a paragraph that stand, rounded as they are, in no table it names."""
    if "measured once by hand" in paragraph.lower():
        return []
    named = re.findall(r"benchmarks/results/([\w-]+)\.md", paragraph)
    text = " ".join(tables[name] for name in named)
    measured = [float(number) for number in re.findall(r"\d*\.\d+", text)]
    plain = re.sub(r"`[^`]*`|\]\([^)]*\)", "", paragraph)
    plain = re.sub(r"\w+ \d+\.\d+", "", plain)  # a package with its version
    return [
        figure
        for figure in FIGURE.findall(plain)
        if not any(abs(number - float(figure)) <= 0.5001 * 10.0 ** (1 - len(figure)) for number in measured)
    ]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_a_table_holds_only_what_its_command_prints(table: Path) -> None:
    assert unprinted(table.read_text("utf-8"), printed()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_measured_figure_stands_in_a_table_that_its_paragraph_names(page: Path) -> None:
    tables = {table.stem: table.read_text("utf-8") for table in TABLES}
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    found = {block[:60]: unfounded(block, tables) for block in re.split(r"\n\n|\n(?=[-|] )", text)}
    assert {block: figures for block, figures in found.items() if figures} == {}


def test_what_no_command_printed_is_found() -> None:
    assert unprinted("# T\n\nThis is a remark that somebody wrote into the file later on.", printed()) != []


@pytest.mark.parametrize(
    ("paragraph", "figures"),
    [
        ("It gains .12, see `benchmarks/results/one.md`.", []),
        ("It gains 0.124 [.11, .13], see `benchmarks/results/one.md`.", [".11", ".13"]),
        ("It gains -.82, see `benchmarks/results/one.md`.", [".82"]),
        ("It gains .12.", [".12"]),
        ("Measured once by hand: it gains .77.", []),
        ("Needs typer 0.19.", []),
    ],
)
def test_a_figure_without_a_table_is_found(paragraph: str, figures: list[str]) -> None:
    assert unfounded(paragraph, {"one": "| gain | 0.1240 |"}) == figures


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in commands() if f"metric-face {name}" not in readme] == []


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/ko/index.md"])
def test_a_page_says_of_the_demo_what_it_does(name: str) -> None:
    demo, text = (ROOT / "metric_face/demo.py").read_text("utf-8"), (ROOT / name).read_text("utf-8")
    drawn, *steps = [step for step in re.findall(r'watch\.start\("(\w+)"', demo) if step in commands()]
    assert drawn == "faces"
    sentence = next(
        block for block in text.split("\n\n") if "`train`" in block and "`why`" in block and "4" in block
    )
    said = [word for word in re.findall(r"`(\w+)`", sentence) if word in commands()]
    assert said[: len(steps)] == steps
