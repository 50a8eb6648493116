"""The files of a training: ``run.json`` holds their checksums, and each is compared before it is read.

``model.json`` and ``embeddings.json`` hold their own checksums and those of the arrays beside them.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from metric_face.errors import FileFormatError
from metric_face.files.atomic import write_text
from metric_face.files.checked_files import check_digest, digest_of, read_json, write_json
from metric_face.files.rules import (
    DIGEST,
    FINITE,
    MAPPING,
    NUMBER,
    TEXT,
    WHOLE,
    Rule,
    list_of,
    mapping_of,
    maybe,
)
from metric_face.visible import shell_word

FORMAT = 2
"""Of ``run.json``: with checksums. Format 1, without a number, had none."""
_OWN = ("format", "files", "checksum")
_AT_START, _AT_END = ("config.yaml", "images.parquet"), ("metrics.csv", "model.json")
# Every score that can be monitored is a share; the worst there can be stands for one that was never a number.
_SCORE = Rule(
    "a score from 0 to 1, or -Infinity", lambda v: NUMBER.holds(v) and (0 <= v <= 1 or v == -math.inf)
)
_EPOCH = Rule("a whole number of at least -1, which is before training", lambda v: WHOLE.holds(v) or v == -1)
_DURATION = Rule("a number of at least 0", lambda v: FINITE.holds(v) and v >= 0)
_FACTS = {"data_root": TEXT, "files": mapping_of(list_of(DIGEST))}
_MORE_FACTS = {
    "data_beside": maybe(TEXT),
    "dropped": list_of(TEXT),
    "notes": list_of(TEXT),
    "versions": mapping_of(TEXT),
    "start": MAPPING,
    "processes": WHOLE,
    "ended": maybe(TEXT),
    "signal": TEXT,
    "epochs": WHOLE,
    "steps": WHOLE,
    "seconds": _DURATION,
    "monitor": TEXT,
    "best": _SCORE,
    "best_epoch": _EPOCH,
    "before": maybe(MAPPING),
    "teacher": MAPPING,
    "device": TEXT,
    "precision": TEXT,
}


def remedy_of(folder: Path) -> str:
    """What to do about a damaged file of a training."""
    return f"restore it, train again, or take it as it is with `python -m metric_face.adopt {shell_word(folder)}`"


def begin_run(
    folder: Path, facts: Mapping[str, Any], config: str, images: Callable[[Path], object] | None
) -> None:
    """Write what a training starts with, in an order that leaves a whole run wherever it is killed.

    Args:
        folder: the run directory.
        facts: for ``run.json``.
        config: the text of ``config.yaml``.
        images: writes ``images.parquet``; None leaves the one there, where a run goes on.
    """
    old = folder / "config.yaml"
    text = config.encode()
    accepted = [f"{sha256(text).hexdigest()}:{len(text)}"]
    accepted += [digest_of(old)] if old.is_file() else []
    files = {"config.yaml": accepted}
    if images is not None:
        images(folder / "images.parquet")
    files["images.parquet"] = [digest_of(folder / "images.parquet")]
    _write_facts(folder, facts, files)
    write_text(folder / "config.yaml", config)


def seal_run(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``run.json`` of a training that has ended: with the checksums of the files that are there."""
    names = [name for name in (*_AT_START, *_AT_END) if (folder / name).is_file()]
    _write_facts(folder, facts, {name: [digest_of(folder / name)] for name in names})


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of a run in ``run.json``.

    Raises:
        FileFormatError: it is missing, damaged or of another version.
    """
    return {key: value for key, value in _read_run(folder).items() if key not in _OWN}


def check_run_file(folder: Path, name: str) -> Path:
    """The path of a file of a training, compared with its checksum in ``run.json``.

    The log and the model of a training that is under way, or was killed, have no checksum yet.

    Raises:
        FileFormatError: the file or ``run.json`` is missing, damaged or of another run.
    """
    facts = _read_run(folder)
    file, digests = folder / name, facts["files"].get(name)
    if digests is not None:
        check_digest(file, digests, by="run.json", remedy=remedy_of(folder))
    elif name in _AT_START or facts.get("ended") is not None:
        raise FileFormatError(
            f"{file}: missing when the training ended, or not of this run; {remedy_of(folder)}"
        )
    elif not file.is_file():
        raise FileFormatError(f"{file}: missing; {remedy_of(folder)}")
    return file


def check_run(folder: Path) -> None:
    """Compare every file with its checksum in ``run.json``, before a training goes on."""
    for name in _read_run(folder)["files"]:
        check_run_file(folder, name)


def _read_run(folder: Path) -> dict[str, Any]:
    return read_json(
        folder / "run.json", _FACTS, version=FORMAT, remedy=remedy_of(folder), maybes=_MORE_FACTS
    )


def _write_facts(folder: Path, facts: Mapping[str, Any], files: Mapping[str, Sequence[str]]) -> None:
    own = {key: value for key, value in facts.items() if key not in _OWN}
    own.setdefault("data_beside", _beside(folder, own["data_root"]))
    write_json(folder / "run.json", {**own, "files": dict(files)}, version=FORMAT)


def _beside(folder: Path, root: str) -> str | None:
    """The way from the run to its images, which holds when both are moved together."""
    try:
        return Path(os.path.relpath(root, folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return None
