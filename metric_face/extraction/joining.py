"""join_shards: the shards of a table as one folder of embeddings, once all of them are there and fit together."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metric_face.averaging import model_of
from metric_face.data import PIECE, ImageRows, digest_rows
from metric_face.embeddings import FORMAT, IMAGES, STAMPS, array_shapes, describe, read_array, write_images
from metric_face.errors import DataError, FileFormatError, ModelMismatchError, OutputError
from metric_face.extraction.shard_files import StoredShard, read_shard, shards_folder
from metric_face.extraction.shards import RowShard
from metric_face.extraction.vector_files import array_on_disk
from metric_face.extraction.writing import Written
from metric_face.files import (
    EMBEDDINGS,
    SUFFIX,
    claim,
    finish_interrupted_swap,
    place_of,
    replace_folder,
    write_json,
)
from metric_face.progress import Progress, Say, silent

if TYPE_CHECKING:
    import pyarrow as pa

Command = Callable[[RowShard, "StoredShard | None"], str]
"""The command that makes a shard, as it is to be pasted, told from another shard of the same table."""
_NAME = re.compile(rf"(\.?)(\d+)-of-(\d+)(?:{re.escape(SUFFIX)})?")
_ALIKE = {"table": "another table", "settings": "other settings", "images": "another table"}


def join_shards(
    target: Path,
    *,
    fingerprint: str,
    command: Command,
    rows_of: "Callable[[str | None], ImageRows | None]",
    say: Say = silent,
    progress: Progress = silent,
) -> Written:
    """Join the shards of a folder of embeddings, and take them away.

    Args:
        target: the folder of embeddings.
        fingerprint: of the run's model, which must have made every shard.
        command: to name in errors.
        rows_of: the table behind a ``source`` as the shards name it, to compare with; None leaves it uncompared.
        say: called with each line that a user should know of.
        progress: called with (rows joined, rows in all).

    Raises:
        FileFormatError: a shard is missing or damaged, or rows are not those of the table.
        ModelMismatchError: a shard comes from another model.
        DataError: a shard comes from another table or other settings, or no image could be used.
        OutputError: ``target`` holds something else, or another call writes it.
    """
    home = shards_folder(target)
    with replace_folder(target, EMBEDDINGS, note="joining") as place:
        shards = _whole_shards(home, command)
        _check_model(shards, fingerprint, command)
        _check_alike(shards, command, rows_of)
        _check_spans(shards, command)
        rows = sum(shard.facts["rows"] for shard in shards)
        failed = {int(row): why for shard in shards for row, why in shard.facts["failed"].items()}
        if not rows:
            first = next(iter(failed.values()), "the table has none")
            raise DataError(f"{home}: no shard holds an image that can be used ({first}); replace the images")
        first_facts = shards[0].facts
        _join_arrays(place, shards, rows, progress)
        schema = _schema(shards[0].folder / IMAGES)
        write_images(
            place, _pieces(shards, IMAGES), schema, Path(first_facts["root"]), stamps=_pieces(shards, STAMPS)
        )
        if not failed and digest_rows(_pieces_of(place / IMAGES)) != first_facts["table"]:
            raise FileFormatError(
                f"{home}: the rows of the shards are not those of the table; embed them all again"
            )
        description = describe(
            place, first_facts["fingerprint"], Path(first_facts["root"]), first_facts["logits"]
        )
        write_json(place / "embeddings.json", description, version=FORMAT)
    _take_away(home, shards, say)
    return Written(rows, first_facts["dimensions"], failed)


def _whole_shards(home: Path, command: Command) -> list[StoredShard]:
    """Every shard, in order; each is there and whole."""
    names = [_NAME.fullmatch(path.name) for path in sorted(home.iterdir())] if home.is_dir() else []
    counts = sorted({int(found[3]) for found in names if found})
    if not counts:
        raise FileFormatError(
            f"{home}: holds no shard; run first, and likewise 2/2: {command(RowShard(1, 2), None)}"
        )
    if len(counts) > 1:
        listed = " and of ".join(map(str, counts))
        raise FileFormatError(f"{home}: holds shards of {listed}; remove the folders of all but one of these")
    every = [RowShard(number, counts[0]) for number in range(1, counts[0] + 1)]
    for shard in every:
        finish_interrupted_swap(home / shard.name)
    lacking = [shard for shard in every if not (home / shard.name).is_dir()]
    other = next(_readable(home, every), None)
    if lacking:
        begun = place_of(home / lacking[0].name).exists()
        state = "is not whole; it was interrupted, or is still being made" if begun else "is missing"
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        raise FileFormatError(f"{home}: shard {lacking[0]}{more} {state}; run: {command(lacking[0], other)}")
    return [read_shard(home / shard.name, f"run again: {command(shard, other)}") for shard in every]


def _readable(home: Path, shards: list[RowShard]) -> Iterator[StoredShard]:
    for shard in shards:
        with suppress(FileFormatError):
            yield read_shard(home / shard.name, check=False)


def _check_model(shards: list[StoredShard], fingerprint: str, command: Command) -> None:
    for shard in shards:
        if model_of(shard.facts["fingerprint"]) != fingerprint:
            raise ModelMismatchError(
                f"{shard.folder}: made by model {shard.facts['fingerprint']}, the run holds {fingerprint}; run again: "
                f"{command(shard.shard, None)}"
            )


def _check_alike(
    shards: list[StoredShard], command: Command, rows_of: "Callable[[str | None], ImageRows | None]"
) -> None:
    """Each shard is of the run's table, or else of that which most of them are of; and of the same settings."""
    for key in (*_ALIKE, "logits", "dimensions"):
        found = [repr(shard.facts[key]) for shard in shards]
        usual = Counter(found).most_common(1)[0][0]
        for shard, value in zip(shards, found, strict=True):
            if value != usual:
                like = shards[found.index(usual)]
                raise DataError(
                    f"{shard.folder}: made of {_ALIKE.get(key, 'another model')} than {like.folder.name} "
                    f"({_difference(shard.facts[key], like.facts[key])}); run again: {command(shard.shard, like)}"
                )
    rows = rows_of(shards[0].facts["source"])
    if rows is not None and digest_rows(rows.pieces()) != shards[0].facts["table"]:
        raise DataError(
            f"{shards[0].folder}: made of another table than is there now; run again, and likewise the other shards: "
            f"{command(shards[0].shard, shards[0])}"
        )


def _check_spans(shards: list[StoredShard], command: Command) -> None:
    """The shards hold every row of the table once, but for those that failed."""
    for shard in shards:
        facts = shard.facts
        span = shard.shard.span(facts["images"], facts["settings"]["batch_size"])
        lost = {int(row) for row in facts["failed"]}
        if not lost <= set(span) or facts["rows"] + len(lost) != len(span):
            raise FileFormatError(
                f"{shard.folder}: must hold rows {span.start} to {span.stop}, found {facts['rows']} and {len(lost)} "
                f"without a vector; run again: {command(shard.shard, shard)}"
            )


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [key for key in other if one.get(key) != other[key]]
        return ", ".join(f"{key} {one.get(key)}, not {other[key]}" for key in keys)
    return f"{str(one)[:12]}, not {str(other)[:12]}"


def _join_arrays(place: Path, shards: list[StoredShard], rows: int, progress: Progress) -> None:
    facts = shards[0].facts
    shapes = array_shapes(rows, facts["dimensions"], facts["logits"])
    for number, (name, shape) in enumerate(shapes.items()):
        array, start = array_on_disk(place / name, shape), 0
        for shard in shards:
            count = shard.facts["rows"]
            part = read_array(shard.folder / name, (count, shape[1]), True, "embed the shard again")
            for first in range(0, count, PIECE):
                array[start + first : start + min(first + PIECE, count)] = part[first : first + PIECE]
            start += count
            progress(number * rows + start, len(shapes) * rows)
        if isinstance(array, np.memmap):
            array.flush()


def _schema(file: Path) -> "pa.Schema":
    import pyarrow.parquet as pq

    return pq.read_schema(file)


def _pieces_of(file: Path) -> "Iterator[pa.Table]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(batch_size=PIECE):
            yield pa.Table.from_batches([batch])


def _pieces(shards: list[StoredShard], name: str) -> "Iterator[pa.Table]":
    for shard in shards:
        yield from _pieces_of(shard.folder / name)


def _take_away(home: Path, shards: list[StoredShard], say: Say) -> None:
    """Remove the shards at once, or leave them where one is being made anew."""
    try:
        with ExitStack() as stack:
            place = stack.enter_context(claim(home))
            for shard in shards:
                stack.enter_context(claim(shard.folder))
            home.rename(place / "joined")
    except OutputError as error:
        say(f"{home}: is left there ({error})")
