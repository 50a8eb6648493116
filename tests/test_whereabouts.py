"""A run is not nailed to one folder: its images may be moved, deleted or changed, and that is said."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.data.image_stamps import compare_stamps, take_stamps
from metric_face.data.table import ImageTable
from metric_face.data.whereabouts import moved, relative_names, report_image_state
from metric_face.embeddings.description import stamps_schema, stamps_table
from metric_face.errors import DataError
from metric_face.files.run_files import seal_run
from metric_face.inference.predictor import Predictor
from metric_face.run import Run


@pytest.fixture
def mobile(indexed: Run, toy: Path, tmp_path: Path) -> Path:
    """A folder with a run and, beside it, its images."""
    home = tmp_path / "project"
    shutil.copytree(toy, home / "photos")
    shutil.copytree(indexed.folder, home / "run")
    run = Run(home / "run")
    embedded = run.embeddings()
    seal_run(home / "run", {**run.facts, "data_root": str(home / "photos"), "data_beside": "../photos"})
    table = ImageTable(embedded.table.frame, home / "photos")
    type(embedded)(embedded.vectors, table, embedded.fingerprint, embedded.logits).save(
        home / "run" / "embeddings"
    )
    return home


def lines(run: Run, **how: bool) -> list[str]:
    said: list[str] = []
    report_image_state(run, said.append, **how)
    return said


def test_a_run_that_is_moved_with_its_images_finds_them(mobile: Path, tmp_path: Path) -> None:
    assert lines(Run.open(mobile / "run")) == []
    there = tmp_path / "elsewhere"
    mobile.rename(there)
    run = Run.open(there / "run")
    assert run.data_root == there / "photos"
    assert all(path.is_file() for path in (*run.table.paths, *run.embeddings().table.paths))
    assert lines(run) == [f"images are read from {there / 'photos'}; run.json names {mobile / 'photos'}"]


def test_data_says_where_the_images_are(mobile: Path, tmp_path: Path) -> None:
    (mobile / "photos").rename(tmp_path / "moved")
    lost = Run.open(mobile / "run")
    [line] = lines(lost)
    assert line.startswith("96 of 96 images are not there and are shown as missing")
    assert "--data ROOT" in line
    run = Run.open(mobile / "run", data=tmp_path / "moved")
    assert lines(run) == []
    assert all(path.is_file() for path in (*run.table.paths, *run.embeddings().table.paths))
    with pytest.raises(DataError, match=r"--data .*nowhere: no such folder"):
        Run.open(mobile / "run", data=tmp_path / "nowhere")


def test_the_commands_take_data(mobile: Path, tmp_path: Path) -> None:
    (mobile / "photos").rename(tmp_path / "moved")
    run, root = str(mobile / "run"), str(tmp_path / "moved")
    refused = CliRunner().invoke(app, ["embed", run])
    assert isinstance(refused.exception, DataError)
    assert "96 of 96 images are not there" in str(refused.exception)
    before = Run.open(run).embeddings().vectors
    done = CliRunner().invoke(app, ["embed", run, "--data", root, "--precision", "fp32"])
    assert done.exit_code == 0, done.exception
    np.testing.assert_allclose(Run.open(run).embeddings().vectors, before, atol=1e-5)
    assert lines(Run.open(run)) == [f"images are read from {root}; run.json names {mobile / 'photos'}"]


def test_a_page_of_neighbors_reads_them_where_they_are(mobile: Path, indexed: Run, tmp_path: Path) -> None:
    (mobile / "photos").rename(tmp_path / "moved")
    predictor = Predictor(mobile / "run", data=tmp_path / "moved")
    assert predictor.where(str(predictor.index.columns["path"][0])).is_relative_to(tmp_path / "moved")
    done = CliRunner().invoke(
        app,
        [
            *("knn", str(mobile / "run"), str(tmp_path / "moved" / "images" / "p00_0.png")),
            *("--data", str(tmp_path / "moved"), "--explain", str(tmp_path / "page.html")),
        ],
    )
    assert done.exit_code == 0, done.exception
    assert "file not found" not in (tmp_path / "page.html").read_text("utf-8")


def test_what_was_changed_or_deleted_since_is_counted(mobile: Path) -> None:
    images = sorted((mobile / "photos" / "images").iterdir())
    images[0].unlink()
    images[1].write_bytes(images[2].read_bytes())
    images[3].write_bytes(images[3].read_bytes())  # another time of change, the same content
    missing, changed = lines(Run.open(mobile / "run"))
    assert missing.startswith(f"1 of 96 images are not there and are shown as missing, the first {images[0]}")
    assert changed.startswith(f"1 of 96 images were changed after they were embedded, the first {images[1]}")
    assert lines(Run.open(mobile / "run"), shown=False) == [changed]


@pytest.mark.slow
def test_one_deleted_image_stops_no_page(mobile: Path, tmp_path: Path) -> None:
    for image in sorted((mobile / "photos" / "images").iterdir())[::31]:
        image.unlink()
    for command in ("why", "visualize"):
        done = CliRunner().invoke(app, [command, str(mobile / "run"), "--out", str(tmp_path / command)])
        assert done.exit_code == 0, done.exception
        assert "4 of 96 images are not there and are shown as missing" in done.stderr
        assert "no such file" not in done.output
    assert "failed" not in (tmp_path / "why" / "report.json").read_text("utf-8")


def test_absolute_paths_move_too(tmp_path: Path) -> None:
    old, new = Path("/old/root"), tmp_path
    names = ["/old/root/a/x.png", "b/y.png"]
    table = moved(ImageTable(pd.DataFrame({"path": names}), old), new)
    assert list(table.frame["path"]) == ["a/x.png", "b/y.png"]
    assert table.paths == [new / "a/x.png", new / "b/y.png"]
    assert relative_names(["/data/a/x.png", "/data/b/y.png"], old) == ["a/x.png", "b/y.png"]
    assert relative_names(["a/x.png"], old) == ["a/x.png"]


def test_checksums_are_text_in_a_file_even_where_there_are_none() -> None:
    assert pa.types.is_large_string(stamps_schema().field("sha256").type)
    assert stamps_table(take_stamps([])).schema.equals(stamps_schema())


def test_stamps_know_a_file_by_its_content(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("same", "touched", "longer", "as long", "gone", "never there")]
    for file in files[:-1]:
        file.write_text("content")
    stamps = take_stamps(files)
    files[1].write_text("content")
    files[2].write_text("more content")
    files[3].write_text("CONTENT")
    files[4].unlink()
    state = compare_stamps(stamps, files)
    assert state.missing.tolist() == [4, 5]
    assert state.changed.tolist() == [2, 3]
