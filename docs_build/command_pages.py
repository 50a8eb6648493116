"""A page for each command of ``metric-face``, made from its ``--help`` and from the table in ``docs/python.md``."""

import re
from pathlib import Path
from typing import Any

import typer.main
from typer.testing import CliRunner

from metric_face.cli.app import app

ROOT = Path(__file__).parents[1]
WIDTH = "100"
"""Columns of the terminal that the help is printed for."""


def commands() -> dict[str, Any]:
    """The commands in the order of ``metric-face --help``."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def help_of(*words: str) -> str:
    """What ``metric-face WORDS --help`` prints in a terminal without colors."""
    environment = {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1", "TERM": "dumb"}
    found = CliRunner().invoke(app, [*words, "--help"], env=environment, prog_name="metric-face")
    return "\n".join(line.rstrip() for line in found.output.strip("\n").splitlines())


def command_page(name: str, command: Any) -> str:
    """The page of one command in Markdown: what it does, its help, and its function."""
    functions, example = twins()[name]
    named = ", ".join(f"`{function}`" for function in functions)
    return "\n".join(
        [
            "---\nhide: [toc]\n---",  # the help is wide
            "",
            f"# metric-face {name}",
            "",
            _one_line(command.help),
            "",
            "```text",
            help_of(name),
            "```",
            "",
            f"From Python: {named} ([reference](../reference/index.md)).",
            "",
            "```python",
            example,
            "```",
            "",
        ]
    )


def overview(known: dict[str, Any]) -> str:
    """The page that lists all commands."""
    rows = [
        f"| [`{name}`](metric-face-{name}.md) | {_one_line(command.help)} |"
        for name, command in known.items()
    ]
    return "\n".join(
        [
            "# Commands",
            "",
            "Made from `--help`. Each command takes `--json`, which prints one object and nothing else on standard",
            "output, and has a [function of the same meaning](../python.md).",
            "",
            "| command | what it does |",
            "| --- | --- |",
            *rows,
            "",
            "Exit codes: 0 done; 1 the input is wrong or the answer would be, in one line; 2 wrong usage; 130",
            "interrupted; 143 ended by SIGTERM. `METRIC_FACE_DEBUG=1` adds the traceback.",
            "",
        ]
    )


def twins() -> dict[str, tuple[list[str], str]]:
    """The table of ``docs/python.md``: command -> its functions and an example."""
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| `(.+)` \|$", (ROOT / "docs/python.md").read_text("utf-8"), re.M
    )
    return {name: (re.findall(r"`(\w+)`", functions), example) for name, functions, example in rows}


def _one_line(text: str | None) -> str:
    """The help of a command as one line of Markdown, in which nothing is read as markup or as a column."""
    line = " ".join((text or "").split()).replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", line)
