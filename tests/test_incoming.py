"""Images as they come: names, lines, and a folder in which files appear, grow and break."""

from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from metric_face.data.images import open_image
from metric_face.errors import DataError, ImageError
from metric_face.inference.watch import image_files, predict_lines, watch_folder


def _width(path: str) -> int:
    return open_image(path).width


@pytest.fixture
def whole(tmp_path_factory) -> bytes:
    """The bytes of a PNG."""
    file = tmp_path_factory.mktemp("whole") / "x.png"
    Image.effect_noise((40, 30), 50).save(file)
    return file.read_bytes()


def test_files_stay_and_folders_are_searched(tmp_path, whole):
    for name in ("b.png", "a.png", ".hidden.png", "note.txt", "deep/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(whole)
    one = str(tmp_path / "note.txt")  # named outright, so it is not for us to judge by its suffix
    assert image_files([one, str(tmp_path)]) == [
        one,
        *(str(tmp_path / name) for name in ("a.png", "b.png", "deep/c.jpg")),
    ]


@pytest.mark.parametrize("name", ["nowhere.png", "x" * 300, "a\0b"])
def test_a_name_that_is_nothing_is_one_line(tmp_path, name):
    with pytest.raises(DataError, match=r"^[^\n]*; check the path$"):
        image_files([str(tmp_path / name)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        image_files([str(tmp_path / "empty")])


def test_one_bad_line_does_not_stop_the_others(tmp_path, whole):
    good, bad = tmp_path / "a name with spaces.png", tmp_path / "bad.png"
    good.write_bytes(whole)
    bad.write_bytes(whole[:200])
    lines = [f"{good}\n", "\n", "nowhere.png\r\n", f"{bad}\n", f"{tmp_path}\n"]
    said = list(predict_lines(lines, _width))
    assert [name for name, _ in said] == [str(good), "nowhere.png", str(bad), str(good), str(bad)]
    assert [said[0][1], said[3][1]] == [40, 40]
    assert str(said[1][1]) == "nowhere.png: no such file or folder; check the path"
    assert "cannot be decoded" in str(said[2][1])
    assert isinstance(said[4][1], ImageError)


def test_a_line_is_answered_before_the_next_is_read(tmp_path, whole):
    (tmp_path / "a.png").write_bytes(whole)
    read = []

    def lines():
        for number in range(3):
            read.append(number)
            yield str(tmp_path / "a.png")

    come = predict_lines(lines(), _width)
    next(come)
    assert read == [0]


class _Day:
    """A clock that moves only while the watch rests, and does then what the day holds."""

    def __init__(self, *happenings):
        self.now, self.rests, self.left = 0.0, [], list(happenings)

    def rest(self, seconds: float) -> None:
        self.now += seconds
        self.rests.append(seconds)
        if not self.left:
            raise KeyboardInterrupt
        happening = self.left.pop(0)
        if happening is not None:
            happening()


def _watched(folder: Path, *happenings, patience: float = 1.0):
    day = _Day(*happenings)
    come = watch_folder(folder, _width, patience=patience, interval=0.2, rest=day.rest, clock=lambda: day.now)
    seen = []
    with suppress(KeyboardInterrupt):  # the end of the day
        for name, said in come:
            seen.append((Path(name).name, said, round(day.now, 1)))
    return seen


def test_each_new_image_is_answered_once(tmp_path, whole):
    (tmp_path / "old.png").write_bytes(whole)
    seen = _watched(
        tmp_path,
        lambda: (tmp_path / "b.png").write_bytes(whole),
        lambda: (tmp_path / "note.txt").write_text("no image"),
        lambda: (tmp_path / "deep").mkdir(),
        lambda: (tmp_path / "deep" / "c.png").write_bytes(whole),
        *[None] * 5,
    )
    assert seen == [("b.png", 40, 0.4), ("c.png", 40, 1.0)]


def test_what_comes_before_the_first_look_counts(tmp_path, whole):
    come = watch_folder(tmp_path, _width, rest=_Day(*[None] * 3).rest)
    (tmp_path / "early.png").write_bytes(whole)
    assert next(come) == (str(tmp_path / "early.png"), 40)


def test_a_half_written_image_is_waited_for(tmp_path, whole):
    file = tmp_path / "slow.png"
    seen = _watched(
        tmp_path,
        lambda: file.write_bytes(whole[:300]),
        *[None] * 4,
        lambda: file.write_bytes(whole[:600]),
        *[None] * 4,
        lambda: file.write_bytes(whole),
        *[None] * 9,
    )
    assert [(name, said) for name, said, _ in seen] == [("slow.png", 40)]


def test_a_damaged_image_is_given_up_once_and_asked_about_again_when_it_changes(tmp_path, whole):
    file = tmp_path / "bad.png"
    seen = _watched(
        tmp_path,
        lambda: file.write_bytes(whole[:300]),
        *[None] * 9,
        lambda: file.write_bytes(whole),
        None,
        None,
    )
    (name, error, when), again = seen
    assert name == "bad.png"
    assert isinstance(error, ImageError)
    assert when >= 1.2  # a second after it was first seen
    assert again[:2] == ("bad.png", 40)


def test_an_image_that_is_overwritten_is_answered_again_and_one_that_goes_is_forgotten(tmp_path, whole):
    file = tmp_path / "latest.png"

    def another():
        Image.new("RGB", (7, 7)).save(file)

    seen = _watched(
        tmp_path, lambda: file.write_bytes(whole), None, None, another, None, None, file.unlink, None
    )
    assert [said for _, said, _ in seen] == [40, 7]


def test_a_folder_that_is_not_there_or_goes_is_reported(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such folder to watch; check the path"):
        watch_folder(tmp_path / "nowhere", _width)
    (tmp_path / "gone").mkdir()
    day = _Day((tmp_path / "gone").rmdir)
    with pytest.raises(DataError, match="gone: no such folder to watch"):
        next(watch_folder(tmp_path / "gone", _width, rest=day.rest))


def test_a_slow_look_is_followed_by_a_long_rest(tmp_path):
    ticks = iter([0.0, 0.5, 9.0, 9.0])  # a look of half a second
    day = _Day()
    with pytest.raises(KeyboardInterrupt):
        next(watch_folder(tmp_path, _width, rest=day.rest, clock=lambda: next(ticks)))
    assert day.rests == [4.5]
