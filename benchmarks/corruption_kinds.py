"""How a file of a run can be damaged: by bytes whatever it holds, and by content as its kind allows."""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metric_face.files.checked_files import checksum_of

Damage = Callable[[Path], object]


def damages(file: Path, other: Path | None, seed: int) -> Iterator[tuple[str, Damage]]:
    """Name and function of each way to damage one file, which is there and whole when the function is called.

    Args:
        file: the file; its suffix says which kind of content it has.
        other: a file of the same kind from another run.
        seed: of where bits flip.
    """
    rng = np.random.default_rng(seed)
    yield "empty", lambda path: path.write_bytes(b"")
    yield "deleted", lambda path: path.unlink()
    yield "a folder", _as_folder
    yield "zeros", lambda path: path.write_bytes(bytes(path.stat().st_size))
    yield "other bytes", lambda path: path.write_bytes(np.random.default_rng(seed).bytes(4096))
    yield "huge", lambda path: os.truncate(path, 2**36)
    for share in (0.1, 0.5, 0.9):
        yield f"cut at {share:.0%}", _changed(lambda c, s=share: c[: int(len(c) * s)])
    yield "one byte short", _changed(lambda c: c[:-1])
    yield "one byte more", _changed(lambda c: c + b"\x00")
    yield "a block of zeros", _changed(lambda c: c[: len(c) // 3] + bytes(16) + c[len(c) // 3 + 16 :])
    yield "twice", _changed(lambda c: c + c)
    for number, place in enumerate(rng.random(6).tolist()):
        yield f"a bit flipped ({number + 1})", _changed(lambda c, at=place: _flip(c, at))
    if other is not None:
        yield "of another run", lambda path: shutil.copyfile(other, path)
    yield from _BY_SUFFIX.get(file.suffix, lambda file: iter(()))(file)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _changed(change: Callable[[bytes], bytes]) -> Damage:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def _flip(content: bytes, at: float) -> bytes:
    changed = bytearray(content)
    changed[int(at * len(content))] ^= 1 << int(at * 8e6) % 8
    return bytes(changed)


def _json(file: Path) -> Iterator[tuple[str, Damage]]:
    yield "deep nesting", lambda path: path.write_text("[" * 100_000 + "]" * 100_000)
    yield "a list", lambda path: path.write_text("[1, 2]")
    yield "null", lambda path: path.write_text("null")
    yield "not a number", _edited(lambda c: {**c, next(iter(c)): float("nan")})
    yield "a key twice", _changed(lambda c: c.replace(b"{", b'{"format": 1, ', 1))
    yield "half a surrogate", _edited(lambda c: {**c, "more": "\ud800"})
    keys = [key for key in json.loads(file.read_text("utf-8")) if key not in ("checksum", "format")]
    for key in keys:
        # Signed anew: what a program that errs would write. Only the form can tell it.
        for name, value in (("null", None), ("a text", "x\0y"), ("a list", [[]]), ("-1", -1), ("{}", {})):
            yield (
                f"{key} is {name}, signed",
                _edited(lambda c, k=key, v=value: _signed({**c, k: v})),
            )
        yield f"no {key}", _edited(lambda c, k=key: {n: v for n, v in c.items() if n != k})
    for one, two in pairwise(keys):
        yield f"{one} and {two} swapped", _edited(lambda c, a=one, b=two: {**c, a: c[b], b: c[a]})
    if "label_space" in keys:
        yield "two classes swapped", _edited(_classes_swapped)


def _edited(edit: Callable[..., Any]) -> Damage:
    def damage(path: Path) -> None:
        path.write_text(json.dumps(edit(json.loads(path.read_text("utf-8")))), "utf-8")

    return damage


def _signed(content: dict[str, Any]) -> dict[str, Any]:
    content.pop("checksum", None)
    return {**content, "checksum": checksum_of(content)}


def _classes_swapped(card: dict[str, Any]) -> dict[str, Any]:
    card["label_space"][0]["classes"].reverse()
    return card


def _parquet(file: Path) -> Iterator[tuple[str, Damage]]:
    def edited(edit: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
        return lambda path: edit(pd.read_parquet(path)).to_parquet(path, index=False)

    first = str(pd.read_parquet(file).columns[0])
    yield "rows turned round", edited(lambda f: f.iloc[::-1])
    yield "a row less", edited(lambda f: f.iloc[1:])
    yield "a row twice", edited(lambda f: pd.concat([f, f.iloc[:1]]))
    yield "a column less", edited(lambda f: f.drop(columns=first))
    yield "a column without values", edited(lambda f: f.assign(**{first: None}))
    yield "a column of numbers", edited(lambda f: f.assign(**{first: np.arange(len(f)) / 2}))
    yield "no rows", edited(lambda f: f.iloc[:0])


def _arrays(file: Path) -> Iterator[tuple[str, Damage]]:
    def edited(edit: Callable[[np.ndarray], np.ndarray], *, pickled: bool = False) -> Damage:
        def damage(path: Path) -> None:
            buffer = io.BytesIO()
            np.save(buffer, edit(np.load(path)), allow_pickle=pickled)
            path.write_bytes(buffer.getvalue())

        return damage

    yield "rows turned round", edited(lambda a: a[::-1])
    yield "not numbers", edited(lambda a: np.full_like(a, np.nan))
    yield "double", edited(lambda a: a.astype(np.float64))
    yield "transposed", edited(lambda a: a.T)
    yield "a row less", edited(lambda a: a[1:])
    yield "pickled objects", edited(lambda a: a.astype(object), pickled=True)


def _archive(file: Path) -> Iterator[tuple[str, Damage]]:
    def edited(edit: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Damage:
        def damage(path: Path) -> None:
            with np.load(path) as stored:
                arrays = dict(stored)
            buffer = io.BytesIO()
            np.savez(buffer, **edit(arrays))  # type: ignore[arg-type]
            path.write_bytes(buffer.getvalue())

        return damage

    yield "rows turned round", edited(lambda a: {**a, "ids": a["ids"][::-1]})
    yield "neighbors far outside", edited(lambda a: {**a, "ids": a["ids"] + 10**6})
    yield "no header", edited(lambda a: {"ids": a["ids"], "similarities": a["similarities"]})
    yield "a header of another form", edited(lambda a: {**a, "header": np.array("[]")})
    yield "a header of numbers", edited(lambda a: {**a, "header": np.arange(3)})
    yield "similarities not numbers", edited(lambda a: {**a, "similarities": a["similarities"] * np.nan})


def _csv(file: Path) -> Iterator[tuple[str, Damage]]:
    def edited(edit: Callable[[list[str]], list[str]]) -> Damage:
        return lambda path: path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")

    yield "columns renamed", edited(lambda t: [t[0].upper(), *t[1:]])
    yield (
        "a column name twice",
        edited(lambda t: [t[0] + "," + t[0].split(",")[1], *(row + ",0" for row in t[1:])]),
    )
    yield "a row of more fields", edited(lambda t: [t[0], t[1] + ",1", *t[2:]])
    yield "a row of fewer fields", edited(lambda t: [t[0], t[1].rsplit(",", 1)[0], *t[2:]])
    yield "a row twice", edited(lambda t: [*t, t[-1]])
    yield "text for a number", edited(lambda t: [t[0], t[1].rsplit(",", 1)[0] + ",many", *t[2:]])
    yield "minus infinity", edited(lambda t: [t[0], t[1].rsplit(",", 1)[0] + ",-inf", *t[2:]])
    yield "not UTF-8", lambda path: path.write_bytes(path.read_bytes() + b"\xff\xfe,1\n")
    yield "no header", edited(lambda t: t[1:])
    yield "an open quote", edited(lambda t: [t[0], '"' + t[1], *t[2:]])


def _yaml(file: Path) -> Iterator[tuple[str, Damage]]:
    yield "another seed", _changed(lambda c: c.replace(b"seed: 0", b"seed: 7"))
    yield "deep nesting", lambda path: path.write_text("[" * 2000 + "]" * 2000)
    yield "a list", lambda path: path.write_text("- 1\n")
    yield "an alias of itself", lambda path: path.write_text("a: &a [*a]\n")


_BY_SUFFIX: dict[str, Callable[[Path], Iterator[tuple[str, Damage]]]] = {
    ".json": _json,
    ".parquet": _parquet,
    ".npy": _arrays,
    ".npz": _archive,
    ".csv": _csv,
    ".yaml": _yaml,
}
