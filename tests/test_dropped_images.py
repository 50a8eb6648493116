"""Images left out of a training: named, counted, and not forgotten when it goes on."""

import shutil
from pathlib import Path

from metric_face.files import seal_run
from metric_face.processes import this_process
from metric_face.progress import silent
from metric_face.run import Run
from metric_face.training.checkpoints import Start
from metric_face.training.fitting import _data_as_begun
from metric_face.training.run_facts import dropped_lines


def test_ten_are_named_and_all_are_counted() -> None:
    home = Path("runs") / "1"
    assert dropped_lines((), home) == []
    assert dropped_lines(["a.png: lacks a label"], home) == [
        "a.png: lacks a label",
        f"1 image dropped; {home / 'run.json'} lists all",
    ]
    many = [f"{number}.png: lacks a label" for number in range(1234)]
    assert dropped_lines(many, home) == [*many[:10], f"1,234 images dropped; {home / 'run.json'} lists all"]


def test_a_training_that_goes_on_still_knows_them(indexed: Run, tmp_path: Path) -> None:
    home = Path(shutil.copytree(indexed.folder, tmp_path / "run"))
    seal_run(home, {**Run(home).facts, "dropped": ["a.png: lacks a label"]})
    data = _data_as_begun(home, indexed.config, Start(), this_process(), silent)
    assert data.dropped == ("a.png: lacks a label",)
    assert len(data.table) == len(indexed.table)
