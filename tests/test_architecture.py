"""The picture in ARCHITECTURE.md is the rule: arrows point down, there are no circles, and folders have doors."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "metric_face"


def picture(text: str) -> list[list[str]]:
    """The floors of the house, from the roof down: the names before the two spaces on each line of its block."""
    block = text.split("```layers\n")[1].split("```")[0]
    return [line.split("  ")[0].split(", ") for line in block.splitlines() if line.strip()]


def module_of(package: Path, file: Path) -> str:
    return ".".join((PACKAGE, *file.relative_to(package).with_suffix("").parts)).removesuffix(".__init__")


def place_of(module: str) -> str:
    """The folder or the loose module, directly inside the package, that a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def files_of(package: Path) -> list[Path]:
    """Every module, those of the linked folders too."""
    linked = [folder for folder in package.iterdir() if folder.is_symlink()]
    return sorted([*package.rglob("*.py"), *(file for folder in linked for file in folder.glob("*.py"))])


def doors(package: Path) -> dict[tuple[str, str], str]:
    """(folder, name) -> the module that the folder's door takes the name from."""
    found = {}
    for folder in (folder for folder in package.iterdir() if (folder / "__init__.py").is_file()):
        door = next(file for file in (folder / "__init__.pyi", folder / "__init__.py") if file.is_file())
        for node in ast.parse(door.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                source = (node.module or "").removeprefix(f"{PACKAGE}.{folder.name}").strip(".")
                for name in node.names:
                    found[folder.name, name.name] = f"{PACKAGE}.{folder.name}.{source or name.name}"
    return found


def arrows(package: Path) -> Iterator[tuple[str, str, str]]:
    """Every import inside the package: who imports, from where, which name. Imports for types alone are no arrows."""
    for file in files_of(package):
        tree = ast.parse(file.read_text("utf-8"))
        typing = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and id(node) not in typing:
                source = node.module or ""
                if source.split(".")[0] == PACKAGE:
                    yield from ((module_of(package, file), source, name.name) for name in node.names)


def breaches(package: Path, floors: list[list[str]]) -> list[str]:
    """What is not as the picture and the rule say, one line each."""
    height = {name: -number for number, floor in enumerate(floors) for name in floor}
    modules = {module_of(package, file) for file in files_of(package)}
    places = {place_of(module) for module in modules} - {"", "__main__"}
    found = [f"{name}: not in the picture" for name in sorted(places - height.keys())]
    found += [f"{name}: only in the picture" for name in sorted(height.keys() - places)]
    known, graph = doors(package), {}
    for module, source, name in arrows(package):
        here, there = place_of(module), place_of(source) or name
        target = f"{source}.{name}" if f"{source}.{name}" in modules else source
        target = known.get((there, name), target) if source.count(".") == 1 else target
        if module.count(".") != 1 or not (package / here).is_dir():  # a door only hands on
            graph.setdefault(module, set()).add(target)
        if here in ("", "__main__", there) or there not in height or here not in height:
            continue
        if height[there] >= height[here]:
            found.append(f"{module} imports {name} from {source}: the arrow does not point down")
        if source.count(".") > 1 or ((package / there).is_dir() and (there, name) not in known):
            found.append(f"{module} imports {name} from {source}: not through the door of {there}")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append("a circle: " + " -> ".join(error.args[1]))
    return found


def test_the_house_is_as_its_picture() -> None:
    floors = picture((ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    assert breaches(ROOT / PACKAGE, floors) == []


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("low/a.py", "from metric_face.high import x", "the arrow does not point down"),
        ("high/b.py", "from metric_face.low.a import y", "not through the door of low"),
        ("high/b.py", "from metric_face.low import z", "not through the door of low"),
        ("attic.py", "", "attic: not in the picture"),
        ("low/a.py", "from metric_face.low.c import w", "a circle"),
    ],
)
def test_a_breach_is_named(tmp_path: Path, file: str, line: str, said: str) -> None:
    for folder, stub in (("high", "from .b import x as x\n"), ("low", "from .a import y as y\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "__init__.pyi").write_text(stub)
    (tmp_path / "high" / "b.py").write_text("from metric_face.low import y\nx = y\n")
    (tmp_path / "low" / "a.py").write_text("y = 1\n")
    (tmp_path / "low" / "c.py").write_text("from metric_face.low.a import y\nw = y\n")
    assert breaches(tmp_path, [["high"], ["low"]]) == []
    with open(tmp_path / file, "a", encoding="utf-8") as opened:
        opened.write(f"{line}\n")
    assert any(said in one for one in breaches(tmp_path, [["high"], ["low"]]))


def test_no_class_name_stands_twice() -> None:
    homes: dict[str, list[str]] = {}
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


ONE_HOME = {
    r"_?softmax": "metric_face/probabilities.py",
    r"_?fit_ridge|_?ridge_path|_?ridge_regression": "metric_face/classifiers/probe_solver",
    r"(\w+_)?folds_of|_?identity_folds|_?group_folds|_?assign_identities|_?deal": "metric_face/fold_assignment.py",
    r"Floats|Doubles|Ints|Bools": "metric_face/arrays.py",
    r"Progress|Say": "metric_face/progress.py",
    r"_?head_classes|_?head_predictions": "metric_face/data/labels.py",
    r"_?(plain|jsonable|json_ready)": "metric_face/files/plain_data.py",
}
"""What a definition is called -> where it alone may stand; samplers and losses have ideas of their own."""
SPLITTERS = {"StratifiedGroupKFold", "GroupKFold", "StratifiedKFold"}


def definitions(tree: ast.Module) -> Iterator[str]:
    """The names of a module's functions and of what it assigns."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def second_homes(place: str, tree: ast.Module) -> list[str]:
    """What a module defines or uses that has its home elsewhere, one line each."""
    found = [
        f"{place} defines {name}, which is for {home}"
        for name in definitions(tree)
        for pattern, home in ONE_HOME.items()
        if re.fullmatch(pattern, name) and not place.startswith(home)
    ]
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in SPLITTERS]
    return found + [f"{place} makes folds with {name}; use identity_folds" for name in used]


def test_an_idea_has_one_home() -> None:
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    trees = {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files}
    assert [line for place, tree in trees.items() for line in second_homes(place, tree)] == []
    spelled = re.compile(r"NDArray\[np\.(float32|float64|int64|bool_)\]")
    assert [str(file) for file in files if spelled.search(file.read_text("utf-8"))] == [
        str(ROOT / PACKAGE / "arrays.py")
    ]
    assert {home for home in ONE_HOME.values() if not (ROOT / home).exists()} == set()


@pytest.mark.parametrize(
    "line",
    [
        "def _softmax(x): ...",
        "def fit_ridge(x): ...",
        "def group_folds(x): ...",
        "Ints = 1",
        "Say: object = 1",
        "def _plain(x): ...",
        "def f(): return StratifiedGroupKFold(5)",
    ],
)
def test_a_second_home_is_named(line: str) -> None:
    assert len(second_homes("metric_face/diagnosis/elsewhere.py", ast.parse(line))) == 1
