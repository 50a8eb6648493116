"""Read and write JSON files with checksums: size, form and checksum are checked before the content is used.

A file that is damaged, of another version or foreign raises one line that names the file, the fault and the remedy.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from metric_face.errors import FileFormatError, MetricFaceError, MissingExtraError, OutputError
from metric_face.files.atomic import sha256_of, write_text
from metric_face.files.known_digests import known_sha256
from metric_face.files.rules import Rule

T = TypeVar("T")
MOST_JSON_BYTES = 64 * 2**20


def read_bytes(file: Path, *, remedy: str, most: int = MOST_JSON_BYTES) -> bytes:
    """A file's content, its size checked first.

    Raises:
        FileFormatError: it is missing, no regular file, too large or cannot be read.
    """
    try:
        if not file.exists():
            raise FileFormatError(f"{file}: missing; {remedy}")
        if not file.is_file():
            raise FileFormatError(f"{file}: not a regular file; {remedy}")
        if (size := file.stat().st_size) > most:
            raise FileFormatError(f"{file}: must have at most {most:,} bytes, found {size:,}; {remedy}")
        return file.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{file}: cannot be read ({error.strerror}); {remedy}") from None


def read_json(
    file: Path,
    rules: Mapping[str, Rule],
    *,
    version: int,
    remedy: str,
    maybes: Mapping[str, Rule] | None = None,
) -> dict[str, Any]:
    """A JSON file that :func:`write_json` wrote, checked whole.

    Args:
        file: to read.
        rules: key -> what its value must be; each key must be there.
        version: of the format that is read.
        remedy: what the user can do about a damaged file, as the end of a sentence.
        maybes: the same for keys that may be missing.

    Returns:
        The content, without its ``checksum``.

    Raises:
        FileFormatError: it is missing, no JSON, of another version, altered, or a value breaks its rule.
    """
    content = parse_json(file, remedy=remedy)
    if content.get("format") != version:
        raise FileFormatError(
            f"{file}: format {shown(content.get('format'))}, this version reads {version}; {remedy}"
        )
    if content.pop("checksum", None) != checksum_of(content):
        raise FileFormatError(f"{file}: altered, its checksum does not match; {remedy}")
    for key, rule in {**rules, **(maybes or {})}.items():
        if key not in content and key in rules:
            raise FileFormatError(f"{file}: lacks {key!r}; {remedy}")
        if key in content and not rule.holds(content[key]):
            raise FileFormatError(
                f"{file}: {key} must be {rule.words}, found {shown(content[key])}; {remedy}"
            )
    return content


def shown(value: Any, most: int = 60) -> str:
    """A value of a file as a message shows it: on one line, and no longer than ``most``."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def parse_json(file: Path, *, remedy: str) -> dict[str, Any]:
    """A JSON object from a file, its keys each once; nothing more is checked."""
    try:
        content = json.loads(read_bytes(file, remedy=remedy).decode("utf-8"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{file}: truncated or not JSON ({first_line(error)}); {remedy}") from None
    if not isinstance(content, dict):
        raise FileFormatError(f"{file}: must hold a JSON object, found {shown(content)}; {remedy}")
    return content


def write_json(file: Path, content: Mapping[str, Any], *, version: int) -> Path:
    """Write JSON with its format and its checksum, atomically."""
    signed = {"format": version, **{key: value for key, value in content.items() if key != "checksum"}}
    signed["checksum"] = checksum_of(json.loads(json.dumps(signed)))
    return write_text(file, json.dumps(signed, indent=2, ensure_ascii=False))


def checksum_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of plain data, whatever the order of its keys."""
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_of(file: Path) -> str:
    """The SHA-256 of a file's content and its size, as another file records it."""
    return f"{sha256_of(file)}:{file.stat().st_size}"


def check_digest(file: Path, digests: Sequence[str], *, by: str, remedy: str) -> None:
    """Refuse a file whose checksum is none of those that another file records.

    Raises:
        FileFormatError: it is missing, cannot be read, truncated, altered or of another run.
    """
    sizes = {int(digest.partition(":")[2]) for digest in digests}
    try:
        if not file.exists():
            raise FileFormatError(f"{file}: missing; {remedy}")
        if not file.is_file():
            raise FileFormatError(f"{file}: not a regular file; {remedy}")
        size = file.stat().st_size
        found = (
            f"{known_sha256(file)}:{size}" if size in sizes else ""
        )  # a file grown without bounds is not read to its end
    except OSError as error:
        raise FileFormatError(f"{file}: cannot be read ({error.strerror}); {remedy}") from None
    if found not in digests:
        raise FileFormatError(f"{file}: truncated or altered, its checksum is not that of {by}; {remedy}")


def build(make: Callable[[], T], file: Path, *, remedy: str) -> T:
    """What ``make`` builds of a file's content, which has the right form but may still break a rule.

    Raises:
        FileFormatError: it does.
    """
    try:
        return make()
    except (FileFormatError, OutputError, MissingExtraError):  # no fault of the content
        raise
    except (
        MetricFaceError,
        TypeError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
    ) as error:
        raise FileFormatError(f"{file}: cannot be used ({first_line(error)}); {remedy}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} occurs twice")
    return content


def first_line(error: BaseException) -> str:
    """The first line of an error's text, for the message of another."""
    text = str(error).strip()
    return text.splitlines()[0][:120] if text else type(error).__name__
