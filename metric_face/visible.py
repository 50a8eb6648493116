"""Text of others, such as file names, labels and messages, made safe to print: one line, no control sequences."""

import io
import re
import shlex
import sys

# What a terminal acts on (C0, DEL, C1), what turns the order of the text around (bidirectional controls), what ends a
# line, and the bytes of a name that are no UTF-8 (lone surrogates).
_ACTED_ON = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROLS = re.compile(f"[{_ACTED_ON}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: object) -> str:
    """The text on one line, with every control character written out, such as ``\\n``, ``\\x1b`` or ``\\u202e``.

    A byte of a file name that is no UTF-8 is written as that byte, such as ``\\xff``.
    """
    return _CONTROLS.sub(_written_out, str(text))


def visible_json(text: str) -> str:
    """A JSON document that reads the same, with every control character inside its strings as ``\\uXXXX``."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def shell_word(path: object) -> str:
    """A path as a word to paste into a shell: quoted where it must be, and never taken for an option."""
    text = str(path)
    text = f"./{text}" if text.startswith("-") else text
    if visible(text) == text:
        return shlex.quote(text)
    return "$'" + visible(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def is_text(name: str) -> bool:
    """Whether a name can be stored: False for a file name whose bytes are no UTF-8."""
    return not re.search("[\ud800-\udfff]", name)


def tolerant_streams() -> None:
    """Let what the terminal's encoding cannot show be written out instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
