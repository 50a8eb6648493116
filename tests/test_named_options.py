"""What a message, a docstring or a page tells identities to type exists: every option, of the command it names."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main

import metric_face
from metric_face.cli.app import app
from metric_face.config import Config

PACKAGE = Path(metric_face.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
CALL = re.compile(r"metric-face ([a-z]+)((?:(?!metric-face|&&|[;\n`]).)*)")
PROSE = {"drew", "wrote"}  # what metric-face did
CSS = re.compile(r"var\(--[a-z-]+|--[a-z-]+\s*:")


@cache
def options() -> dict[str, set[str]]:
    """The options of every command."""
    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    own = {word for parameter in group.params for word in parameter.opts}
    return {"": own} | {
        name: {"--help"} | {word for parameter in command.params for word in parameter.opts}
        for name, command in commands.items()
    }


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of every string in a module; what an f-string inserts is a gap."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def wrong_options(text: str) -> list[str]:
    """What a text names that does not exist."""
    known = options()
    text = CSS.sub("", text)
    wrong = [word for word in OPTION.findall(text) if word not in set().union(*known.values())]
    for command, rest in CALL.findall(text):
        if command in PROSE:
            continue
        if command not in known:
            wrong.append(f"metric-face {command}")
        else:
            wrong += [f"{command} {word}" for word in OPTION.findall(rest) if word not in known[command]]
    return wrong


def modules() -> list[Path]:
    folders = (PACKAGE, PACKAGE / "samplers", PACKAGE / "losses")  # two may be links
    found = {
        file for folder in folders for file in folder.rglob("*") if file.suffix in (".py", ".j2", ".json")
    }
    return sorted(file for file in found if "__pycache__" not in file.parts)


@pytest.mark.parametrize("file", modules(), ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_every_option_that_a_text_names_exists(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    found = texts(source) if file.suffix == ".py" else [(1, source)]
    wrong = [f"{file.name}:{line}: {word}" for line, text in found for word in wrong_options(text)]
    assert wrong == []


def test_the_search_finds_what_is_wrong() -> None:
    assert wrong_options("give --dataset or data.path") == ["--dataset"]
    assert wrong_options("metric-face embed RUN --folds 3") == ["embed --folds"]
    assert wrong_options("metric-face train --resume --out X && metric-face knn") == []
    assert wrong_options("metric-face trian X") == ["metric-face trian"]
    assert wrong_options(":root { --ink: red } a { color: var(--ink) }") == []
    assert len(modules()) > 100


KEY = re.compile(r"(?<![\w.`/])(data|model|sampler|loss|optimizer|trainer)((?:\.[a-z_]+)+)(?!\w|\.json|\()")
FILE = re.compile(r"\.(js|json|csv|safetensors|onnx|py|ckpt|parquet|yaml)$")


def wrong_keys(text: str) -> list[str]:
    """Keys of the configuration that a text names and that do not exist."""
    wrong = []
    for section, rest in KEY.findall(text):
        if FILE.search(rest):
            continue
        value: Any = Config()
        for name in (section, *rest.strip(".").split(".")):
            fields = getattr(type(value), "model_fields", None)
            if fields is None and isinstance(value, dict):
                break  # the user's own names, such as columns
            if fields is None or name not in fields:
                wrong.append(section + rest)
                break
            value = getattr(value, name)
    return wrong


@pytest.mark.parametrize("file", modules(), ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_every_key_that_a_text_names_exists(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    found = texts(source) if file.suffix == ".py" else [(1, source)]
    assert [f"{file.name}:{line}: {word}" for line, text in found for word in wrong_keys(text)] == []


def test_the_search_finds_wrong_keys() -> None:
    assert wrong_keys("set data.splits.val=0.1") == ["data.splits.val"]
    assert wrong_keys("data.bins.age, data.split.val, metric_face.data.images, model.json") == []


INSERTED = re.compile(r"(?:metric-face [a-z]+|python -m metric_face\.?\w*) (?:--[a-z-]+ )*$")


def unquoted_paths(source: str) -> list[str]:
    """What f-strings insert into a command to be pasted without quoting it for the shell."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for before, part in pairwise(node.values):
                if isinstance(before, ast.Constant) and INSERTED.search(str(before.value)):
                    text = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
                    found += [] if text.startswith("shell_word(") else [text]
    return found


def test_every_path_in_a_command_to_paste_is_quoted() -> None:
    wrong = {file.name: unquoted_paths(file.read_text("utf-8")) for file in modules() if file.suffix == ".py"}
    assert {name: texts for name, texts in wrong.items() if texts} == {}
    assert unquoted_paths('f"run metric-face embed {run} first"') == ["run"]
    assert unquoted_paths('f"go on: metric-face train --resume --out {run.folder}"') == ["run.folder"]
    assert unquoted_paths('f"run metric-face embed {shell_word(run)} first"') == []
