"""Nothing that others name reaches the terminal as more than text, and programs still read what was meant."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metric_face.visible import is_text, shell_word, visible, visible_json

HOSTILE = "\x1b[31m \x9b2J \u202egnp \u2066 a\nb \r\t \x07 \x7f \u2028 caf\xe9 한 👩‍🦰 \udcff \\n"


def test_every_control_is_written_out_and_other_text_kept() -> None:
    assert visible(HOSTILE) == (
        "\\x1b[31m \\x9b2J \\u202egnp \\u2066 a\\nb \\r\\t \\x07 \\x7f \\u2028 caf\xe9 한 👩‍🦰 \\xff \\n"
    )
    for code in [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]:
        assert chr(code) not in visible(f"a{chr(code)}b")
    assert visible(3.5) == "3.5"


def test_json_reads_the_same_and_holds_no_control() -> None:
    value = {HOSTILE: [HOSTILE]}
    text = visible_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert visible(text.replace("\n", "")) == text.replace("\n", "")


@pytest.mark.parametrize(
    "name",
    ["run", "a b", "it's", "#1", "-x", "--out", "$HOME", "new\nline", "\x1b[31m'\\", "\u202egnp", "*", "~"],
)
def test_a_path_in_a_line_to_paste_reaches_the_program_as_it_is(name: str) -> None:
    word = shell_word(name)
    assert visible(word) == word
    code = "import sys; print(ascii(sys.argv[1]))"
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{code}" {word}'], capture_output=True, text=True, check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    expected = f"./{name}" if name.startswith("-") else name
    assert done.stdout.strip() == ascii(expected)


def test_a_name_that_is_no_utf_8_is_known() -> None:
    assert is_text(os.fsdecode("caf\xe9".encode()))
    assert not is_text(os.fsdecode(b"caf\xe9"))


PRINTER = """
from metric_face.cli.terminal import answer, answer_json, answer_table, say
from metric_face.visible import tolerant_streams
tolerant_streams()
HOSTILE = {hostile!r}
answer(HOSTILE)
say(HOSTILE)
answer_table((HOSTILE, "b"), [(HOSTILE, "[bold]x[/bold] :smile:")])
answer_json({{"name": HOSTILE, "plain": "caf\\xe9"}})
"""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_what_the_command_prints_holds_no_control_in_any_encoding(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTER.format(hostile=HOSTILE)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    for stream in (done.stdout, done.stderr):
        text = stream.decode(encoding)
        assert visible(text.replace("\n", "")) == text.replace("\n", "")
    out = done.stdout.decode(encoding)
    assert len(done.stderr.splitlines()) == 1
    assert "[bold]x[/bold] :smile:" in out
    document = json.loads(out[out.index("{") :])
    assert document == {"name": HOSTILE, "plain": "caf\xe9"}


def test_a_table_is_whole_when_it_is_piped() -> None:
    code = (
        "from metric_face.cli.terminal import answer_table\nanswer_table(('a', 'b'), [('x' * 150, 'y' * 60)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "COLUMNS": "80"})  # fmt: skip
    assert "x" * 150 in done.stdout
    assert "y" * 60 in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of its own")
def test_a_table_loses_no_digit_on_a_terminal_of_40_columns() -> None:
    import pty

    shown, terminal = pty.openpty()
    numbers = [f"{column}.{column}234567" for column in range(1, 8)]
    code = (
        "import sys\nfrom metric_face.cli.terminal import answer_table\n"
        f"assert sys.stdout.isatty()\nanswer_table(['target', *'abcdefg'], [['occlusion', *{numbers}]])"
    )
    subprocess.run([sys.executable, "-c", code], stdout=terminal, check=True,
                   env={**os.environ, "COLUMNS": "40", "TERM": "xterm"})  # fmt: skip
    os.close(terminal)
    text = os.read(shown, 65536).decode()
    os.close(shown)
    assert [number for number in numbers if number not in text] == []
    assert "occlusion" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_quiet_keeps_what_is_missing_from_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    from metric_face.cli import terminal

    terminal.set_quiet(True)
    try:
        terminal.remark(["two images skipped as copies"], whole=True)
        assert capsys.readouterr().err == ""
        terminal.remark(["two images cannot be used"], whole=False)
        assert capsys.readouterr().err == "two images cannot be used\n"
    finally:
        terminal.set_quiet(False)
    terminal.remark(["two images skipped as copies"], whole=True)
    assert capsys.readouterr().err == "two images skipped as copies\n"


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    from metric_face.cli import terminal

    rows = [("1", "김", "10"), ("22", "Änne", "5")]
    terminal.answer_table(("row", "name", "n"), rows)
    assert capsys.readouterr().out.splitlines() == ["row  name   n", "1      김  10", "22   Änne   5"]
    terminal.answer_table(("row", "name", "n"), rows, numbers=False)
    assert capsys.readouterr().out.splitlines() == ["row  name  n", "1    김    10", "22   Änne  5"]
    terminal.answer_table(("row", "name"), [])
    assert capsys.readouterr().out.splitlines() == ["row  name"]
