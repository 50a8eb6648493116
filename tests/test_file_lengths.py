"""The file-length rule of CONTRIBUTING.md, read from its own sentence."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SENTENCE = re.compile(
    r"at most (\d+) lines in the package, `samplers/` and `losses/`, (\d+) in benchmarks and (\d+) in tests"
)


def limits() -> dict[str, int]:
    """Folder -> lines that a Python file in it may have, as CONTRIBUTING.md states them."""
    stated = SENTENCE.search((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert stated is not None
    package, benchmarks, tests = map(int, stated.groups())
    folders = dict.fromkeys(("metric_face", "samplers", "losses"), package)
    return folders | {"benchmarks": benchmarks, "tests": tests}


def too_long(folder: Path, limit: int) -> list[str]:
    """The files of a folder that have more lines than the limit, with their number of lines."""
    counts = {file: len(file.read_text("utf-8").splitlines()) for file in sorted(folder.rglob("*.py"))}
    return [f"{file.relative_to(folder)}: {count}" for file, count in counts.items() if count > limit]


def test_no_file_is_longer_than_contributing_allows() -> None:
    found = {folder: too_long(ROOT / folder, limit) for folder, limit in limits().items()}
    assert {folder: files for folder, files in found.items() if files} == {}


@pytest.mark.parametrize(("lines", "found"), [(3, []), (4, ["inner/a.py: 4"])])
def test_a_file_above_the_limit_is_named(tmp_path: Path, lines: int, found: list[str]) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/a.py").write_text("x = 1\n" * lines)
    assert too_long(tmp_path, 3) == found
