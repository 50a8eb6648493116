"""The benchmark of pairs: what it writes in the form of LFW is read back as it was, and without data it says so."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import pairs
from metric_face.data import ImageTable
from metric_face.evaluation import read_pairs
from metric_face.evaluation.pairs import drawn_pairs


def test_pairs_in_the_form_of_lfw_are_read_back(tmp_path: Path) -> None:
    names = [f"Kim_{who}" for who in range(24) for _ in range(5)]
    paths = [f"images/{name}/{name}_{row % 5 + 1:04d}.jpg" for row, name in enumerate(names)]
    table = ImageTable(pd.DataFrame({"path": paths, "identity": names}), Path())
    drawn = drawn_pairs(table, each=15)
    pairs.write_as_lfw(drawn, table, tmp_path / "pairs.txt")
    lines = (tmp_path / "pairs.txt").read_text("utf-8").splitlines()
    assert (lines[0], len(lines)) == ("10\t15", 301)
    assert [len(line.split("\t")) for line in lines[1:]] == ([3] * 15 + [4] * 15) * 10
    found = read_pairs(tmp_path / "pairs.txt", table)
    for name in ("first", "second", "same", "folds"):
        assert getattr(found, name).tolist() == getattr(drawn, name).tolist()


def test_without_the_images_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["pairs", "--shared", str(tmp_path / "gone"), "--out", str(tmp_path / "out")]
    )
    pairs.main()
    assert capsys.readouterr().out.startswith(f"skipped: {tmp_path / 'gone' / 'data' / 'lfw'} and ")
    assert not (tmp_path / "out").exists()
