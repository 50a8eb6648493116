"""No command removes or replaces what it did not make, and it says so before it works."""

import errno
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from typer.models import ArgumentInfo, ParameterInfo

from metric_face.cli.app import app
from metric_face.cli.entry import main
from metric_face.cli.failures import DEBUG, line_of
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import ArgumentError, OutputError
from metric_face.files.atomic import file_target, write_text
from metric_face.files.folders import (
    EMBEDDINGS,
    INDEX,
    finish_interrupted_swap,
    folder_target,
    replace_folder,
)
from metric_face.files.staging import claim, place_of
from metric_face.run import Run
from metric_face.training.run_folder import check_run_folder, hold_run_folder

# What each option that takes a path is for. A new one has to be entered here, and a writing one is then tested.
FILES = {
    ("embed", "--csv"),
    ("knn", "--csv"),
    ("knn", "--explain"),
    ("audit", "--out"),
    ("fuse", "--out"),
    ("faces", "--out"),
    ("search", "--page"),
}
FOLDERS = {
    ("visualize", "--projector"),
    ("embed", "--out"),
    ("index", "--out"),
    ("train", "--out"),
    ("demo", "--out"),
    ("faces", "--aligned"),
}
INTO = {
    ("visualize", "--out"): "map.png",
    ("why", "--out"): "report.html",
    ("export", "--out"): "model.onnx",
    ("attribute", "--out"): "attribution.png",
}
READ = {
    ("knn", "--watch"),
    *((command, "--index") for command in ("knn", "search", "gallery")),
    ("knn", "--template"),
    ("index", "--vectors"),
    ("embed", "--weights"),
    ("train", "--teacher"),
    ("evaluate", "--query-from"),
    ("visualize", "--onto"),
    ("why", "--beside"),
    ("why", "--unlabeled"),
    ("fuse", "--truth"),
    *(
        (command, "--data")
        for command in ("attribute", "embed", "export", "knn", "search", "visualize", "why", "try")
    ),
    ("fuse", "--images"),
    ("fuse", "--template"),
}
WORDS = {
    "train": ["no-data"],
    "demo": [],
    "audit": ["no-data"],
    "faces": ["no-data"],
    "knn": ["no-run", "no.jpg"],
    "search": ["no-run", "no.jpg"],
    "attribute": ["no-run", "no.jpg"],
}


def path_options() -> set[tuple[str, str]]:
    """Command and name of every option that takes a path, by its annotation."""
    found = set()
    for command in app.registered_commands:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            told = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, ParameterInfo)]
            if "Path" not in str(hint).split("<typer")[0]:
                continue
            if told and isinstance(told[0], ArgumentInfo):
                continue
            # Typer keeps the first name of an annotated option where its default would be.
            names = (told[0].default, *(told[0].param_decls or ())) if told else ()
            option = next((one for one in names if str(one).startswith("--")), f"--{name.replace('_', '-')}")
            found.add((str(command.name or command.callback.__name__), str(option)))
    return found


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """Exit code and standard error of the command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["metric-face", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), capsys.readouterr().err


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    code, said = call(capsys, *words)
    assert code == 1, said
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def content(folder: Path) -> dict[str, object]:
    """Everything below a folder, byte for byte."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else os.lstat(path).st_mode
        for path in sorted(folder.rglob("*"))
    }


def options(among: object) -> list[tuple[str, str]]:
    return sorted(among)  # type: ignore[call-overload,no-any-return]


def test_every_option_that_takes_a_path_is_known() -> None:
    assert path_options() == FILES | FOLDERS | INTO.keys() | READ


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder of somebody's: photographs, a file with zero bytes, a pipe, links."""
    home = tmp_path / "strange"
    (home / "photos").mkdir(parents=True)
    (home / "photos/precious.jpg").write_bytes(b"\xff\xd8\0precious")
    (home / "photos/index.json").write_text('{"pages": 3}')
    os.mkfifo(home / "pipe")
    (home / "link").symlink_to("photos")
    (home / "link.jpg").symlink_to("photos/precious.jpg")
    return home


def refuses_each(
    capsys: pytest.CaptureFixture[str], command: str, option: str, wrong: dict[Path, str]
) -> None:
    for path, reason in wrong.items():
        # There is no run and no image: had anything been done first, the error were another.
        assert reason in refused(capsys, command, *WORDS.get(command, ["no-run"]), option, path)


@pytest.mark.parametrize(("command", "option"), options(FILES))
def test_a_file_takes_no_other_place(
    command: str, option: str, strange: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(strange)
    wrong = {
        strange / "photos": "is a folder",
        strange / "link": "is a folder",
        strange / "pipe": "no regular file",
        Path("/dev/null"): "no regular file",
        Path("/dev/full"): "no regular file",
        strange / "photos/precious.jpg": "something else than text",
        strange / "link.jpg": "something else than text",
        strange / "photos/precious.jpg/answers.csv": "cannot be written",
        Path("/proc/answers.csv"): "no regular file",
        strange / ("x" * 300): "File name too long",
    }
    refuses_each(capsys, command, option, wrong)
    assert content(strange) == before


@pytest.mark.parametrize(("command", "option"), options(FOLDERS))
def test_a_folder_takes_no_other_place(
    command: str, option: str, strange: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(strange)
    wrong = {
        strange: "name a new or empty folder",
        strange / "photos": "name a new or empty folder",
        strange / "link": "name a new or empty folder",
        strange / "pipe": "is a file, not a folder",
        strange / "photos/precious.jpg": "is a file, not a folder",
        strange / "photos/precious.jpg/run": "cannot be written",
        Path("/dev/null"): "is a file, not a folder",
        strange / ("x" * 300): "File name too long",
    }
    refuses_each(capsys, command, option, wrong)
    assert content(strange) == before


@pytest.mark.parametrize(("command", "option"), options(INTO))
def test_files_of_given_names_replace_no_foreign_files(
    command: str, option: str, strange: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = INTO[command, option]
    (strange / "photos" / name).write_bytes(b"\x89PNG mine")
    before = content(strange)
    assert "was not written by" in refused(capsys, command, "no-run", option, strange / "photos")
    assert "cannot be written" in refused(capsys, command, "no-run", option, strange / "link.jpg")
    assert content(strange) == before
    (strange / "photos" / name).unlink()
    (strange / "photos" / name).mkdir()
    assert "is a folder" in refused(capsys, command, "no-run", option, strange / "photos")


def test_an_output_is_no_input(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = strange / "photos.csv"
    table.write_text("path\nphotos/precious.jpg\n")
    before = content(strange)
    assert "is read by this command" in refused(capsys, "audit", table, "--out", table)
    assert "is read by this command" in refused(capsys, "fuse", table, "--out", table)
    (strange / "run.json").write_text("{}")
    before = content(strange)
    assert "belongs to a run" in refused(capsys, "embed", strange, "--csv", strange / "run.json")
    assert content(strange) == before


@pytest.mark.slow
def test_embed_and_index_leave_a_run_as_it_is(
    indexed: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "run"
    shutil.copytree(indexed.folder, home)
    before = content(home)
    for command in ("embed", "index"):
        for name in ("", "checkpoints", "index" if command == "embed" else "embeddings"):
            assert "did not write as" in refused(capsys, command, home, "--out", home / name)
    (home / "embeddings/notes.txt").write_text("mine")
    assert "'notes.txt'" in refused(capsys, "embed", home)
    (home / "embeddings/notes.txt").unlink()
    assert content(home) == before
    code, said = call(capsys, "embed", home, "--precision", "fp32")
    assert code == 0, said
    assert list(content(home)) == list(before)  # neither more nor less
    np.testing.assert_array_equal(Run.open(home).embeddings().vectors, indexed.embeddings().vectors)


def test_a_link_stays_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.txt").symlink_to("there/text.txt")
    write_text(tmp_path / "link.txt", "one")
    write_text(tmp_path / "link.txt", "two")
    (tmp_path / "link").symlink_to("there/index")
    for text in ("one", "two"):
        with replace_folder(tmp_path / "link", INDEX) as new:
            (new / "index.json").write_text(f'{{"fingerprint": "{text}"}}')
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "link.txt").is_symlink()
    assert content(tmp_path / "there") == {
        "index": os.lstat(tmp_path / "there/index").st_mode,
        "index/index.json": b'{"fingerprint": "two"}',
        "text.txt": b"two",
    }


def test_what_file_browsers_leave_is_not_ours_and_damage_is_still_ours(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / ".DS_Store").write_bytes(b"\0")
    folder_target(folder)
    (folder / "index.json").write_text("{")
    with pytest.raises(OutputError, match="did not write as index"):
        folder_target(folder, INDEX)
    for name in INDEX.files:
        (folder / name).write_bytes(b"damaged")
    folder_target(folder, INDEX)
    with pytest.raises(OutputError, match="did not write as embeddings"):
        folder_target(folder, EMBEDDINGS)


def test_the_folder_that_one_stands_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="while it is mounted or you are in it"):
        folder_target(".", INDEX)


def test_a_swap_cut_in_two_is_finished_by_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: Path
) -> None:
    from metric_face.data.table import ImageTable

    table = ImageTable.read(toy).take([0, 1])
    home = tmp_path / "embeddings"
    Embeddings(np.zeros((2, 3), np.float32), table).save(home)
    rename = Path.rename

    def stopped(self: Path, target: Path) -> Path:
        if Path(target) == home:
            os._exit(9)
        return rename(self, target)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Path, "rename", stopped)
        Embeddings(np.ones((2, 3), np.float32), table).save(home)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not home.exists()
    assert Embeddings.load(home).vectors.tolist() == [[1] * 3] * 2
    assert os.listdir(tmp_path) == ["embeddings"]


def test_a_swap_that_is_interrupted_loses_neither_old_nor_new(
    tmp_path: Path,
) -> None:
    home = tmp_path / "index"
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if Path(target) == home:
            raise KeyboardInterrupt
        return rename(self, target)

    for text in ("old", "new"):
        with pytest.MonkeyPatch.context() as patch:
            if text == "new":
                patch.setattr(Path, "rename", interrupted)
            try:
                with replace_folder(home, INDEX) as made:
                    (made / "index.json").write_text(f'{{"fingerprint": "{text}"}}')
            except KeyboardInterrupt:
                assert text == "new"
    finish_interrupted_swap(home)
    assert (home / "index.json").read_text() == '{"fingerprint": "new"}'
    assert os.listdir(tmp_path) == ["index"]


def test_work_that_fails_before_its_first_note_leaves_nothing(tmp_path: Path) -> None:
    for noted in (False, True):
        with suppress(ZeroDivisionError), replace_folder(tmp_path / "e", EMBEDDINGS, note="n") as new:
            (new / "vectors.npy").write_bytes(b"1")
            if noted:
                (new.parent / "n").write_text("1")
            raise ZeroDivisionError
        assert bool(os.listdir(tmp_path)) == noted
    with replace_folder(tmp_path / "e", EMBEDDINGS, note="n") as new:
        assert os.listdir(new) == ["vectors.npy"]
    assert os.listdir(tmp_path) == ["e"]


def test_a_run_folder_is_new_empty_or_a_training_s(tmp_path: Path) -> None:
    home = tmp_path / "run"
    home.mkdir()
    (home / "images.parquet").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"holds 'images.parquet'; name a new or empty folder"):
        check_run_folder(home)
    (home / "images.parquet").unlink()
    with suppress(ZeroDivisionError), hold_run_folder(home):
        (home / "images.parquet").write_bytes(b"ours")
        with pytest.raises(OutputError, match="another command is writing it"), hold_run_folder(home):
            pass
        raise ZeroDivisionError
    with hold_run_folder(home):  # what stopped before its configuration was there may begin again
        (home / "config.yaml").touch()
    assert os.listdir(tmp_path) == ["run"]
    check_run_folder(home)


def test_two_at_once_are_told_apart(tmp_path: Path) -> None:
    target = tmp_path / "embeddings"
    code = (
        "import sys; from pathlib import Path; from metric_face.files.staging import claim\n"
        "with claim(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(OutputError, match="another command is writing it"), claim(target):
        pass
    assert place_of(target).is_dir()  # the other's place is left alone
    other.kill()
    other.communicate()
    assert place_of(target).is_dir()
    with claim(target):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError(f"Error in faiss::FileIOWriter: write error: {os.strerror(errno.ENOSPC)}\nat line 3"),
    ],
)
def test_a_full_disk_is_a_line_and_the_old_file_stays(tmp_path: Path, error: Exception) -> None:
    (tmp_path / "text.txt").write_text("old")

    def full(path: Path) -> None:
        path.write_text("ha")
        raise error

    from metric_face.files.atomic import write_atomically

    with pytest.raises(OutputError, match=r"text\.txt: cannot be written: No space left on device$"):
        write_atomically(tmp_path / "text.txt", full)
    assert content(tmp_path) == {"text.txt": b"old"}


def test_an_error_in_what_is_read_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replace_folder(tmp_path / "e", EMBEDDINGS):
        (tmp_path / "gone").read_text()
    assert os.listdir(tmp_path) == []


def test_a_file_of_the_longest_name_can_be_written(tmp_path: Path) -> None:
    name = "x" * 251 + ".csv"
    write_text(tmp_path / name, "a")
    assert os.listdir(tmp_path) == [name]
    assert file_target(tmp_path / name).read_text() == "a"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ArgumentError("k: must be 1,\nfound 0"), "k: must be 1,\\nfound 0"),
        (PermissionError(13, "Permission denied", "/a/b"), "/a/b: Permission denied"),
        (OSError(18, "Invalid cross-device link", "/a", None, "/b"), "/a to /b: Invalid cross-device link"),
        (OSError("broken"), "broken"),
        (MemoryError(), "out of memory; take fewer images or smaller batches"),
        (
            RuntimeError("Error in faiss\n at line 3"),
            f"RuntimeError: Error in faiss at line 3 (unexpected; {DEBUG}=1 shows where)",
        ),
    ],
)
def test_every_exception_is_one_line(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line_of(error) == line

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("metric_face.config.recipes", broken)
    assert call(capsys, "recipes") == (1, f"error: {line}\n")
    monkeypatch.setenv(DEBUG, "1")
    code, said = call(capsys, "recipes")
    assert code == 1
    assert "in broken" in said
    assert said.endswith(f"error: {line}\n")


def test_a_line_is_short_whatever_the_path() -> None:
    assert len(line_of(OSError(36, "File name too long", "/a" * 3000))) < 300


@pytest.mark.slow
def test_an_output_that_takes_nothing_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "metric_face", "recipes"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"
