"""Shards on disk: each in a folder of its own beside the embeddings that they will make, with what it was made of.

The shards of ``E`` lie in ``E.shards``: ``1-of-4``, ``2-of-4`` and so on, whole or absent, each with the files of
embeddings and ``shard.json`` in place of ``embeddings.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from metric_face.data import ImageRows, ImageTable, compare_stamps, digest_rows
from metric_face.embeddings import IMAGES, RULES, STAMPS, VECTORS, describe, described_files, write_images
from metric_face.errors import FileFormatError
from metric_face.extraction.shards import RowShard
from metric_face.extraction.vector_files import NOTE
from metric_face.extraction.writing import Embeds, Written, begin, describe_task, fill, kept_pieces
from metric_face.files import (
    MAPPING,
    TEXT,
    WHOLE,
    FolderKind,
    check_digest,
    check_holds_nothing_else,
    finish_interrupted_swap,
    list_of,
    maybe,
    read_json,
    read_rows,
    replace_folder,
    write_json,
)
from metric_face.progress import Progress, silent

SHARD = FolderKind("a shard", "shard.json", (VECTORS, IMAGES), (STAMPS, "logits-*.npy"))
FORMAT = 1
_RULES = RULES | {
    "shard": list_of(WHOLE),
    "images": WHOLE,
    "table": TEXT,
    "source": maybe(TEXT),
    "settings": MAPPING,
    "failed": MAPPING,
}
_REMEDY = "embed the shard again"


@dataclass(frozen=True)
class StoredShard:
    """A whole shard.

    Attributes:
        folder: that holds it.
        shard: which it is.
        facts: what ``shard.json`` states: ``fingerprint``, ``root``, ``rows``, ``dimensions``, ``logits``; ``images``
            of the whole table and its digest ``table``; ``source``, None for the images of the run; ``settings``; and
            ``failed``, row number -> why its image has no vector.
    """

    folder: Path
    shard: RowShard
    facts: Mapping[str, Any]


def shards_folder(target: Path) -> Path:
    """Where the shards of a folder of embeddings lie."""
    return target.with_name(f"{target.name}.shards")


def check_shards_folder(target: Path) -> Path:
    """Check that the shards of a folder of embeddings can be written.

    Raises:
        OutputError: something else is there, or the folder takes no files.
    """
    return check_holds_nothing_else(shards_folder(target), ("*-of-*",))


def write_shard(
    embedder: Embeds,
    rows: ImageRows,
    target: Path,
    shard: RowShard,
    *,
    fingerprint: str,
    source: str | None,
    batch_size: int = 64,
    workers: int | None = None,
    skip_broken: bool = False,
    progress: Progress = silent,
) -> Written:
    """Embed one shard of a table's rows; one that is there, of the same task and unchanged images, is kept.

    Args:
        embedder: of the images.
        rows: of the whole table.
        target: the folder of embeddings that the shards will make.
        shard: which to embed.
        fingerprint: of the model.
        source: what the rows were read from; None for the images of the run.
        batch_size: images a forward pass.
        workers: decoding threads, or actors.
        skip_broken: leave out images that cannot be used.
        progress: called with (images done, images of the shard).

    Raises:
        ImageError: an image cannot be used, unless ``skip_broken``.
        OutputError: something else is in its folder, or another call writes it.
    """
    folder = check_shards_folder(target) / shard.name
    facts = {
        "shard": [shard.number, shard.count],
        "images": len(rows),
        "table": digest_rows(rows.pieces()),
        "source": source,
        "settings": {
            "batch_size": batch_size,
            "precision": str(embedder.dtype).removeprefix("torch."),
            "tta": embedder.tta,
            "torch": torch.__version__,
        },
    }
    there = _same_shard(folder, {**facts, "fingerprint": fingerprint, "root": str(rows.root.resolve())})
    if there is not None:
        return there
    span = shard.span(len(rows), batch_size)
    task = describe_task(embedder, rows, span, f"{fingerprint}{skip_broken}{facts}")
    with replace_folder(folder, SHARD, note=NOTE) as place:
        files = begin(place, embedder, rows, span, task, batch_size)
        fill(files, embedder, rows, batch_size, workers, skip_broken, progress)
        count = write_images(place, kept_pieces(rows, span, files.failed), rows.schema, rows.root)
        facts |= describe(place, fingerprint, rows.root, embedder.widths[1])
        facts["failed"] = {str(row): why for row, why in files.failed.items()}
        write_json(place / SHARD.description, facts, version=FORMAT)
    return Written(count, embedder.widths[0], files.failed)


def read_shard(folder: Path, remedy: str = _REMEDY, *, check: bool = True) -> StoredShard:
    """Read what a shard was made of, and compare its files with their checksums.

    Args:
        folder: that holds it.
        remedy: what to do about a damaged one, as the end of a sentence.
        check: whether to read the files too.

    Raises:
        FileFormatError: it is missing, damaged, or not the shard that its folder names.
    """
    finish_interrupted_swap(folder)
    file = folder / SHARD.description
    facts = read_json(file, _RULES, version=FORMAT, remedy=remedy)
    if len(facts["shard"]) != 2 or folder.name != "-of-".join(map(str, facts["shard"])):
        raise FileFormatError(f"{file}: is of shard {facts['shard']}, not {folder.name}; {remedy}")
    if set(facts["sha256"]) != set(described_files(facts["logits"])):
        raise FileFormatError(f"{file}: must hold the checksums of its files; {remedy}")
    for name, digest in facts["sha256"].items() if check else ():
        check_digest(folder / name, [digest], by=SHARD.description, remedy=remedy)
    return StoredShard(folder, RowShard(*facts["shard"]), facts)


def _same_shard(folder: Path, wanted: Mapping[str, Any]) -> Written | None:
    """The shard that is there already, if it is whole, of the same task, and its images are as they were."""
    try:
        facts = read_shard(folder).facts
        if any(facts[key] != value for key, value in wanted.items()):
            return None
        if facts["rows"]:
            table = ImageTable(read_rows(folder / IMAGES, remedy=_REMEDY), Path(facts["root"]))
            state = compare_stamps(read_rows(folder / STAMPS, remedy=_REMEDY), table.paths)
            if len(state.missing) + len(state.changed):
                return None
    except FileFormatError:
        return None
    if facts["failed"]:
        return None  # its broken images may have been mended
    return Written(facts["rows"], facts["dimensions"], {})
