"""A folder's name is never read as anything but its name."""

from pathlib import Path

import pytest
from PIL import Image

from metric_face.auditing.checking import audit

NAMES = [
    "2024",
    "2024-01-01",
    "yes",
    "null",
    "a: b",
    "x #1",
    "small",
    "standard",
    "1e3",
    "[a",
    "{a}",
    "!!int x",
    "x.yaml",
]


def _photographs(folder: Path, each: int) -> None:
    for kind in ("cat", "dog"):
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            shade = 10 * number + 5 * (kind == "dog")
            Image.new("RGB", (8, 8), (shade, number, 0)).save(folder / kind / f"{number}.png")


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_that_was_named_is_the_one_that_is_audited(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _photographs(tmp_path / name, each=5)
    if name == "x #1":
        _photographs(tmp_path / "x", each=3)
    assert audit(name).images == 10
    assert audit(Path(name), ["trainer.epochs=1"]).images == 10
