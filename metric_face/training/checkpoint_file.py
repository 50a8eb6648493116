"""A checkpoint on disk: written whole or not at all, checked before it is read, nothing unpickled but tensors.

::

    metric_face checkpoint 1\\n
    64 hexadecimal digits\\n        SHA-256 of all that follows
    {"epoch": 3, ...}\\n            the note: what can be known without reading the tensors
    what torch.save wrote
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from metric_face.errors import FileFormatError
from metric_face.files import write_atomically

MAGIC = b"metric_face checkpoint 1\n"
_LAST = b"PK\x05\x06" + bytes(18)
"""How the archive of ``torch.save`` ends: the mark, and as many bytes."""
NOTE = "metric_face_note"
"""Key of the note in a checkpoint's content."""


def write_checkpoint(file: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint atomically; ``content[NOTE]``, plain values, is what :func:`read_note` gives."""
    buffer = io.BytesIO()
    buffer.write(json.dumps(content.get(NOTE, {})).encode() + b"\n")
    torch.save(content, buffer)
    body = buffer.getbuffer()
    digest = hashlib.sha256(body).hexdigest().encode()

    def write(beside: Path) -> None:
        with open(beside, "wb") as out:
            out.write(MAGIC + digest + b"\n")
            out.write(body)

    write_atomically(file, write)


def read_note(file: Path) -> dict[str, Any]:
    """The note of a checkpoint, after the whole file was checked.

    Raises:
        FileFormatError: the file is missing, truncated, altered or no checkpoint of ours.
    """
    note: dict[str, Any] = json.loads(_checked(file).partition(b"\n")[0])
    return note


def read_checkpoint(file: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """The content of a checkpoint, after the whole file was checked.

    Raises:
        FileFormatError: as :func:`read_note`.
    """
    payload = io.BytesIO(_checked(file).partition(b"\n")[2])
    content: dict[str, Any] = torch.load(payload, map_location=map_location, weights_only=True)
    return content


def _checked(file: Path) -> bytes:
    try:
        with open(file, "rb") as content:
            if content.read(len(MAGIC)) != MAGIC:
                raise FileFormatError(f"{file}: damaged, or no checkpoint of this version")
            # The archive's own end, first: a file that grew without bounds is not read into memory.
            content.seek(max(0, file.stat().st_size - len(_LAST)))
            if not content.read().startswith(_LAST[:4]):
                raise FileFormatError(f"{file}: damaged (it does not end as a checkpoint does)")
        raw = file.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{file}: cannot be read ({error.strerror})") from None
    digest, body = raw[len(MAGIC) :][:64], raw[len(MAGIC) + 65 :]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise FileFormatError(f"{file}: damaged (its checksum does not match)")
    return body


class CheckedFiles(CheckpointIO):
    """Lightning's door to the disk: every checkpoint that a trainer writes or reads is one of ours."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        write_checkpoint(Path(path), checkpoint)

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path), map_location or "cpu")

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)
