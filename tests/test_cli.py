"""The command as a whole: a short file a command, one object of JSON from each, and a function of Python for each."""

import ast
import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.main
from typer.testing import CliRunner

import metric_face
from metric_face.cli.app import app
from metric_face.config import dump_config
from metric_face.run import Run
from tests.training_cases import tiny_config

ROOT = Path(metric_face.__file__).parents[1]
FOLDER = ROOT / "metric_face" / "cli"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SUPPORT = {"output_options", "progress", "ranks", "stopping", "terminal"}
ROW = re.compile(r"^\| `([a-z]+)` \| ([^|]+) \| `([^`]+)` \|$", re.MULTILINE)


def test_every_command_has_a_short_file_of_its_name() -> None:
    files = {file.stem.rstrip("_"): len(file.read_text("utf-8").splitlines()) for file in FOLDER.glob("*.py")}
    assert COMMANDS.keys() <= files.keys()
    assert {name: lines for name, lines in files.items() if name not in SUPPORT and lines > 60} == {}
    assert max(files[name] for name in SUPPORT) <= 125


def calls(source: str) -> set[str]:
    """The names of everything that is called in a module."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {ast.unparse(node.func) for node in nodes}


def test_only_terminal_prints() -> None:
    printing = {"print", "typer.echo", "typer.secho", "sys.stdout.write", "out.print", "Console"}
    found = {file.stem: calls(file.read_text("utf-8")) & printing for file in FOLDER.glob("*.py")}
    assert [name for name, names in found.items() if names] == ["terminal"]
    assert calls("print(1); typer.echo(2)") & printing == {"print", "typer.echo"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_explains_every_option(name: str) -> None:
    options = {word: parameter for parameter in COMMANDS[name].params for word in parameter.opts}
    assert "--json" in options
    assert [word for word, parameter in options.items() if not parameter.help] == []
    assert COMMANDS[name].help


@pytest.fixture(scope="module")
def predictions(indexed: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the run predicts, as a file that fuse reads."""
    file = tmp_path_factory.mktemp("predictions") / "one.csv"
    folder = file.parent / "vectors"
    metric_face.embed(indexed, indexed.table.root / "images.csv", folder=folder, csv=file)
    return file


KEYS = {
    "train": {"run", "ended", "best"},
    "embed": {"folder", "images", "dimensions", "complete"},
    "index": {"folder", "vectors", "kind", "shards", "targets", "notes"},
    "knn": {"model", "answers", "failed", "csv", "page", "complete"},
    "search": {"found", "failed", "page"},
    "gallery": {"images", "rows"},
    "probe": {"split", "scores"},
    "evaluate": {"split", "scores", "retrieval"},
    "visualize": {"picture", "page"},
    "audit": {"images", "findings", "refusal", "page"},
    "why": {"format", "findings", "hypotheses", "tables"},
    "attribute": {"question", "score", "images", "picture", "page"},
    "fuse": {"plan", "estimates", "notes", "written", "complete", "out"},
    "export": {"model", "light", "record", "notes"},
    "recipes": {"recipes"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_json_is_one_object_and_nothing_else(
    name: str, indexed: Run, predictions: Path, toy: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny.yaml").write_text(dump_config(tiny_config(toy, trainer__epochs=1)))
    run, image = indexed.folder, toy / "images" / "p00_0.png"
    words: dict[str, list[str | Path]] = {
        "train": ["--config", tmp_path / "tiny.yaml", "--out", tmp_path / "run"],
        "embed": [run, toy / "images.csv", "--out", tmp_path / "vectors"],
        "index": [run, "--out", tmp_path / "index"],
        "knn": [run, image],
        "search": [run, image],
        "gallery": ["list", run],
        "visualize": [run, "--out", tmp_path, "--no-thumbnails"],
        "audit": [tmp_path / "tiny.yaml"],
        "why": [run, "--out", tmp_path, "--no-thumbnails"],
        "attribute": [run, image, "--out", tmp_path, "--orders", "2", "--side", "3"],
        "fuse": [run, predictions],
        "export": [run, "--out", tmp_path / "exported"],
        "recipes": [],
    }
    done = CliRunner().invoke(app, [name, *map(str, words.get(name, [run])), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)  # nothing stands before it or after it
    assert isinstance(found, dict)
    assert found.keys() >= KEYS[name]


def test_the_other_forms_of_json_are_objects_too(
    indexed: Run, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = CliRunner().invoke(app, ["recipes", "small", "--json"])
    assert json.loads(shown.stdout)["model"]["backbone"] == "resnet10t"
    schema = CliRunner().invoke(app, ["recipes", "--schema", "--json"])
    assert json.loads(schema.stdout)["properties"].keys() >= {"data", "model"}
    line = f"{toy / 'images' / 'p00_0.png'}\n"
    stream = CliRunner().invoke(app, ["knn", str(indexed.folder), "-", "--json"], input=line * 2)
    assert [set(json.loads(text)) >= {"path", "predicted"} for text in stream.stdout.splitlines()] == [
        True
    ] * 2

    def demo(folder: Path, *, show, **others: object) -> SimpleNamespace:
        show(metric_face.Predictor(indexed.folder).predict([toy / "images" / "p00_0.png"])[0])
        return SimpleNamespace(to_dict=lambda: {"folder": str(folder)})

    monkeypatch.setattr("metric_face.demo.run_demo", demo)
    assert json.loads(CliRunner().invoke(app, ["demo", "--json"]).stdout) == {"folder": "demo"}


def table() -> dict[str, tuple[list[str], str]]:
    """The table of docs/python.md: command -> its functions and an example."""
    rows = ROW.findall((ROOT / "docs/python.md").read_text("utf-8"))
    return {name: (re.findall(r"`(\w+)`", twins), example) for name, twins, example in rows}


def test_every_command_has_its_function() -> None:
    assert list(table()) == list(COMMANDS)
    for name, (twins, example) in table().items():
        assert twins, name
        assert set(twins) <= set(metric_face.__all__), name
        assert example.startswith(twins[0])
        if name in metric_face.__all__:
            assert twins[0] == name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_function_fits_its_signature(name: str) -> None:
    call = next(node for node in ast.walk(ast.parse(table()[name][1])) if isinstance(node, ast.Call))
    while isinstance(
        call.func, ast.Attribute
    ):  # Predictor(...).predict(...): the first call is the function's own
        call = next(node for node in ast.walk(call.func) if isinstance(node, ast.Call))
    function = getattr(metric_face, ast.unparse(call.func))
    given = {word.arg: word.value for word in call.keywords if word.arg}
    inspect.signature(function).bind(*call.args, **given)
    assert function.__doc__
