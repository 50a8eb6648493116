"""Where there is no terminal, long work says a line now and then: how much is done, or which step is under way."""

import re
import time

import pytest

from metric_face.cli import progress
from metric_face.cli.progress import EVERY, CountLines, bar, steps
from metric_face.cli.terminal import set_quiet


@pytest.fixture
def lines() -> list[str]:
    return []


def counting(lines: list[str], seconds: list[float]) -> CountLines:
    """What says lines, by a clock that the test sets."""
    return CountLines("embedding", lines.append, lambda: seconds[0])


def test_a_line_comes_every_minute_with_the_time_left(lines: list[str]) -> None:
    now = [0.0]
    show = counting(lines, now)
    for done in range(10, 1001, 10):  # 10 images a 3 seconds
        show(done, 1000)
        now[0] += 3
    # At t = 60 k seconds 10 + 200 k images are done, and 990 - 200 k are left, at 10 in 3 seconds.
    assert lines == [
        "embedding: 210 of 1,000, 4 min left",
        "embedding: 410 of 1,000, 3 min left",
        "embedding: 610 of 1,000, 2 min left",
        "embedding: 810 of 1,000, 57 s left",
    ]


def test_short_work_says_nothing_and_the_next_one_counts_anew(lines: list[str]) -> None:
    now = [0.0]
    show = counting(lines, now)
    show(0, 10)
    now[0] = EVERY - 1
    show(10, 10)
    now[0] = 10 * EVERY
    show(900, 1000)  # one that goes on: what was done before took no time of this call
    assert lines == []
    now[0] += EVERY
    show(950, 1000)
    assert lines == ["embedding: 950 of 1,000, 60 s left"]
    now[0] += EVERY
    show(1000, 1000)
    assert lines[1:] == ["embedding: 1,000 of 1,000, after 2 min"]


def test_without_a_terminal_a_bar_is_lines(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with bar("images") as show:
        show(1, 3)
        show(2, 3)
    assert re.findall(r"images: (\d) of 3, \d+ s left\n", capfd.readouterr().err) == ["1", "2"]
    with bar("images", shown=False) as show:
        show(1, 3)
    set_quiet(True)
    try:
        with bar("images") as show:
            show(1, 3)
    finally:
        set_quiet(False)
    assert capfd.readouterr().err == ""


def test_without_a_terminal_a_long_step_is_named(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    monkeypatch.setattr(progress, "say", lines.append)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    with steps() as step:
        for name in ("laying out", "page"):
            step(name)
            _wait(lines, f"{name}: 0 s so far")
    count = len(lines)
    time.sleep(0.05)
    assert len(lines) == count  # nothing is said when it is over
    assert lines.index("laying out: 0 s so far") < lines.index("page: 0 s so far")


def _wait(lines: list[str], wanted: str) -> None:
    end = time.monotonic() + 30
    while wanted not in lines and time.monotonic() < end:
        time.sleep(0.005)
    assert wanted in lines


def test_a_quick_step_says_nothing(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "say", lines.append)
    with steps() as step:
        step("page")
    assert lines == []
