"""``metric-face knn`` in its forms: a list, lines, a folder that is watched; whose images count; the page."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from page_reading import assert_page_rules
from typer.testing import CliRunner, Result

from metric_face.cli.app import app
from metric_face.errors import ArgumentError, MetricFaceError
from metric_face.run import Run
from metric_face.search.index import EmbeddingIndex

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "metric_face", "knn")


def knn(run: Run, *words: object, stdin: str | None = None) -> Result:
    """The command in this process; only an error that a user can cause may leave it."""
    done = CliRunner().invoke(app, ["knn", str(run.folder), *map(str, words)], input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit | MetricFaceError), done.exception
    return done


def test_one_bad_line_on_standard_input_stops_no_other(indexed: Run, toy: Path, tmp_path: Path) -> None:
    good, bad = toy / "images" / "p00_0.png", tmp_path / "bad.png"
    bad.write_text("no image")
    done = knn(indexed, "-", stdin=f"{good}\nnowhere.png\n{bad}\n{good}\n")
    assert done.exit_code == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")] == [
        str(good)
    ] * 2
    complaints = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert complaints == [
        "error: nowhere.png: no such file or folder; check the path",
        f"error: {bad}: not an image that can be read; replace it or drop its row",
    ]
    done = knn(indexed, "-", "--json", stdin=f"nowhere.png\n{good}\n")
    failure, answer = map(json.loads, done.stdout.splitlines())
    assert failure == {"path": "nowhere.png", "error": "nowhere.png: no such file or folder; check the path"}
    assert (answer["path"], len(answer["neighbors"])) == (str(good), 3)
    assert knn(indexed, "-", stdin=f"{good}\n").exit_code == 0


def test_the_answer_says_whose_images_counted(indexed: Run, toy: Path) -> None:
    index = EmbeddingIndex.load(indexed.folder / "index")
    image, identity = toy / str(index.columns["path"][0]), str(index.columns["identity"][0])
    plain = knn(indexed, image)
    assert "every image of the index counts; --identity NAME leaves an identity's own out" in plain.stderr
    assert plain.stdout.splitlines()[1].endswith("(the query file itself)")
    said = knn(indexed, image, "--identity", identity)
    assert f"4 images of {identity} in the index do not count" in said.stderr
    assert said.stdout.startswith(f"{image} (without 4 images of {identity}): color ")
    assert f"{identity}_" not in said.stdout.split(":", 1)[1]
    [one] = json.loads(knn(indexed, image, "--identity", identity, "--json").stdout)["answers"]
    assert (one["same_identity_excluded"], one["identity"], one["left_out"]) == (True, identity, 4)
    [one] = json.loads(knn(indexed, image, "--json").stdout)["answers"]
    assert (one["same_identity_excluded"], one["identity"], one["left_out"]) == (False, None, 0)
    assert (
        "no image in the index is of p99: every image counts"
        in knn(indexed, image, "--identity", "p99").stderr
    )


def test_the_page_holds_what_was_printed(indexed: Run, toy: Path, tmp_path: Path) -> None:
    files = [toy / "images" / name for name in ("p00_0.png", "p01_0.png")]
    page = tmp_path / "page.html"
    done = knn(indexed, *files, "--explain", page, "--show", "2", "--json")
    assert done.exit_code == 0
    assert str(page) in done.stderr
    found = json.loads(done.stdout)
    assert found["page"] == str(page)
    answers = found["answers"]
    assert [len(one["neighbors"]) for one in answers] == [2, 2]  # the page has twelve all the same
    shown = assert_page_rules(page.read_text(encoding="utf-8"))
    assert "The 12 nearest images" in shown.text
    for one in answers:
        assert one["path"] in shown.text
        for near in one["neighbors"]:
            assert f"{near['similarity']:.3f}" in shown.text
    assert len(shown.sheets()) == 1
    knn(indexed, "-", "--explain", page, "--no-thumbnails", stdin=f"{files[0]}\n")
    shown = assert_page_rules(page.read_text(encoding="utf-8"))
    assert "1 image asked about" in shown.text
    assert shown.sheets() == []


def test_a_submission_from_lines(indexed: Run, toy: Path, tmp_path: Path) -> None:
    done = knn(indexed, "-", "--csv", tmp_path / "info.csv", stdin=f"{toy / 'images'}\n")
    assert done.exit_code == 0
    assert len((tmp_path / "info.csv").read_text().splitlines()) == 97


def test_wrong_usage_is_reported(indexed: Run, toy: Path, tmp_path: Path) -> None:
    image = toy / "images" / "p00_0.png"
    for words in ((), (image, "--watch", tmp_path)):
        done = knn(indexed, *words)
        assert done.exit_code == 2
        assert "or --watch FOLDER" in " ".join(done.stderr.replace("│", " ").split())
    done = knn(indexed, "--watch", tmp_path, "--csv", tmp_path / "x.csv")
    assert done.exit_code == 2
    assert "need a list that ends" in " ".join(done.stderr.replace("│", " ").split())
    index = EmbeddingIndex.load(indexed.folder / "index")
    columns = {name: index.columns[name] for name in index.columns if name != "identity"}
    vectors = index.faiss_index.reconstruct_n(0, len(index))
    bare = EmbeddingIndex.build(vectors, columns, fingerprint=index.fingerprint, metadata=index.metadata)
    bare.save(tmp_path / "bare")
    refused = knn(indexed, image, "--identity", "p00", "--index", tmp_path / "bare").exception
    assert isinstance(refused, ArgumentError)
    assert "exclude (--identity): needs an index with a column of identities" in str(refused)


def _hear_interrupts() -> None:
    """A shell's background job is started deaf to Ctrl-C, and its children with it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_watched_folder_is_answered_until_ctrl_c(indexed: Run, toy: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(indexed.folder), "--watch", str(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stderr.readline() == f"watching {tmp_path}; Ctrl-C ends it\n"
            content = (toy / "images" / "p00_0.png").read_bytes()
            (tmp_path / "half.png").write_bytes(content[:200])
            (tmp_path / "new.png").write_bytes(content)
            first = json.loads(process.stdout.readline())
            (tmp_path / "half.png").write_bytes(content)
            second = json.loads(process.stdout.readline())
            assert [Path(one["path"]).name for one in (first, second)] == ["new.png", "half.png"]
            assert first["predicted"] == second["predicted"]
            process.send_signal(signal.SIGINT)
            rest, beside = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, rest, beside) == (0, "", "")


def test_a_name_that_is_not_utf8_is_answered(indexed: Run, toy: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        with open(name, "wb") as file:
            file.write((toy / "images" / "p00_0.png").read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    done = subprocess.run(
        [*COMMAND, str(indexed.folder), "-", "--json"], input=name + b"\n", capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert os.fsencode(json.loads(done.stdout)["path"]) == name


def _six(toy: Path, folder: Path) -> Path:
    """Five images and one that is cut short."""
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes((toy / "images" / f"p0{number}_0.png").read_bytes())
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:200])
    return folder


def test_a_broken_image_takes_no_other_answer_with_it(indexed: Run, toy: Path, tmp_path: Path) -> None:
    folder, out = _six(toy, tmp_path / "six"), tmp_path / "out.csv"
    done = knn(indexed, folder, "--csv", out)
    assert done.exit_code == 1
    assert [line.split(",")[0] for line in out.read_text().splitlines()] == [
        "ImageID",
        *("0.png", "1.png", "2.png", "4.png", "5.png"),
    ]
    assert f"5 answers in {out}; 1 could not be used" in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith(f"error: {folder / '3.png'}: ")]
    whole = knn(indexed, *(folder / f"{n}.png" for n in (0, 1, 2, 4, 5)), "--csv", tmp_path / "whole.csv")
    assert whole.exit_code == 0
    assert out.read_text() == (tmp_path / "whole.csv").read_text()
    said = json.loads(knn(indexed, folder, tmp_path / "gone.png", "--json").stdout)
    assert [one["path"] for one in said["failed"]] == [str(folder / "3.png"), str(tmp_path / "gone.png")]
    assert (len(said["answers"]), said["complete"]) == (5, False)
    page = tmp_path / "page.html"
    assert knn(indexed, folder, "--explain", page).exit_code == 1
    assert "5 images asked about" in assert_page_rules(page.read_text(encoding="utf-8")).text


def test_where_every_image_is_broken_nothing_is_written(indexed: Run, toy: Path, tmp_path: Path) -> None:
    bad = _six(toy, tmp_path / "six") / "3.png"
    done = knn(indexed, bad, "--csv", tmp_path / "out.csv")
    assert done.exit_code == 1
    assert str(done.exception) == f"{tmp_path / 'out.csv'}: not written, as no image could be used"
    assert not (tmp_path / "out.csv").exists()


def test_every_id_of_a_template_is_answered_in_its_order(indexed: Run, toy: Path, tmp_path: Path) -> None:
    folder, out = _six(toy, tmp_path / "six"), tmp_path / "out.csv"
    ids = ["5.png", "3.png", "0.png", "gone.png", "2.png"]
    (folder / "info.csv").write_text("ImageID,ans\n" + "".join(f"{name},0\n" for name in ids))
    plain = tmp_path / "plain.csv"
    knn(indexed, *(folder / f"{n}.png" for n in (0, 2, 5)), "--csv", plain)
    said = dict(line.split(",") for line in plain.read_text().splitlines())
    index = EmbeddingIndex.load(indexed.folder / "index")
    default = str(max(range(4), key=index.columns["code/joint"].tolist().count))
    expected = [("ImageID", "ans"), *((name, said.get(name, default)) for name in ids)]
    (tmp_path / "t.csv").write_text((folder / "info.csv").read_text())
    for words in ((folder / "info.csv",), (folder,), (folder, "--template", tmp_path / "t.csv")):
        done = knn(indexed, *words, "--csv", out)
        assert done.exit_code == 1
        assert [tuple(line.split(",")) for line in out.read_text().splitlines()] == expected
        assert f"2 of 5 ids have no image that can be used and got {default} (" in done.stderr
        assert "the commonest in the index): 3.png, gone.png" in done.stderr
    lines = knn(indexed, "-", "--csv", out, "--template", tmp_path / "t.csv", stdin=f"{folder}\n")
    assert [tuple(line.split(",")) for line in out.read_text().splitlines()] == expected
    assert "2 images are of no id in" in lines.stderr  # 1.png and 4.png
    (folder / "info.csv").write_text("ImageID,ans\n5.png,0\n0.png,0\n")
    assert knn(indexed, folder / "info.csv", "--csv", out).exit_code == 0
