"""Inputs that nobody means and everybody sends: broken copies of good files, each from a seed."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from metric_face.config import Config, dump_config
from metric_face.errors import ArgumentError

TOKENS = [
    "", " ", "\t", "\n", "\r\n", "\r", "\0", "\ufeff", "\x1b[31m", "\u2028", "é", "한", "\U0001f600", '"',
    "'", '""', ",", ";", ":", ": ", "#", " #1", "&a ", "*a", "!!int x", "!!python/name:os.system", "%", "@",
    "`", "|", ">", "- ", "? ", "---\n", "...", "{", "}", "[", "]", "[[[[", "{a: ", "<<: *a", "~", "null",
    "NA", "nan", ".nan", ".inf", "-inf", "None", "yes", "no", "true", "0", "-1", "1", "007", "1e3", "1e300",
    "1e-300", "0x10", "1_000", "1:30", "2024-01-01", "1.2.3h", "9" * 400, "2" * 30, "-0", "0.5", "../..",
    "/", "/dev/null", "/proc/self/mem", "CON", "a.png", "a\\b.png", "x" * 5000, "=1+1", "path", "split",
    "train", "val", "valid", "identity", "label", "recipe: [1]", "recipe: small", "data",
    "loss: {metric: triplet, metric_weight: 0}",
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "cp949", "utf-8-sig"]


def broken_bytes(good: bytes, rng: random.Random) -> bytes:
    """Cut, flip, repeat, insert or remove bytes."""
    data = bytearray(good)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        place = rng.randrange(len(data) + 1)
        width = rng.choice([1, 2, 8, 64])
        how = rng.randrange(6)
        if how == 0 and data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
        elif how == 1:
            del data[place : place + width]
        elif how == 2:
            data[place:place] = data[max(0, place - width) : place]
        elif how == 3:
            data[place:place] = rng.randbytes(width)
        elif how == 4:
            del data[place:]
        else:
            data[place:place] = rng.choice(TOKENS).encode("utf-8")
    return bytes(data)


def broken_text(good: str, rng: random.Random) -> bytes:
    """Put tokens into a text, move its lines, or save it in another encoding."""
    how = rng.randrange(5)
    if how == 0:
        return broken_bytes(good.encode(), rng)
    lines = good.splitlines(keepends=True)
    for _ in range(rng.choice([1, 1, 2, 4])):
        place = rng.randrange(len(lines))
        line = lines[place]
        column = rng.randrange(len(line) + 1)
        if how == 1:
            lines[place] = line[:column] + rng.choice(TOKENS) + line[column:]
        elif how == 2:  # a whole cell or value
            mark = "," if "," in good.split("\n", 1)[0] else ": "
            cells = line.rstrip("\n").split(mark)
            cells[rng.randrange(len(cells))] = rng.choice(TOKENS)
            lines[place] = mark.join(cells) + "\n"
        elif how == 3:
            lines.insert(rng.randrange(len(lines) + 1), rng.choice([line, rng.choice(TOKENS) + "\n"]))
        else:
            lines[place] = line.replace(",", rng.choice([";", "\t", ", "])).replace(
                ": ", rng.choice([":", " : "])
            )
    text = "".join(lines)
    return text.encode(rng.choice(ENCODINGS if rng.random() < 0.3 else ["utf-8"]), "replace")


def override(rng: random.Random) -> str:
    """A ``--set`` of a key that there is, or nearly, to a value that may be one."""
    sections = Config().model_dump()
    section = rng.choice(list(sections))
    inner = sections[section]
    key = section if not isinstance(inner, dict) else f"{section}.{rng.choice(list(inner))}"
    if rng.random() < 0.15:
        key = f"{key}.{rng.choice(['val', 'test', 'folds', 'x', 'erase', ''])}"
    if rng.random() < 0.1:
        key = key.replace(rng.choice("aeiodt."), rng.choice(["", "x", ".", "\0", "\n"]))
    value = rng.choice(TOKENS)
    if rng.random() < 0.3:
        value = rng.choice(["[{0}, {0}]", "{{a: {0}}}", "[{0}]", "{0}{0}", "'{0}'", "[[{0}]]"]).format(value)
    return f"{key}={value}"


def parquet(frame: pd.DataFrame, rng: random.Random, file: Path) -> None:
    """A table with a column of another type, or broken bytes."""
    frame = frame.copy()
    column = rng.choice(list(frame.columns))
    count = len(frame)
    kinds: list[Callable[[], object]] = [
        lambda: range(count),
        lambda: np.linspace(0, 1, count),
        lambda: [None] * count,
        lambda: [b"\xff\xfe"] * count,
        lambda: [[1, 2]] * count,
        lambda: [{"a": 1}] * count,
        lambda: pd.date_range("2024-01-01", periods=count),
        lambda: pd.Categorical(["a", "b"] * (count // 2)),
        lambda: np.arange(count, dtype="uint64") + 2**63,
        lambda: [True, False] * (count // 2),
        lambda: ["a", None] * (count // 2),
        lambda: [float("nan"), 1.0] * (count // 2),
        lambda: pd.array([1, None] * (count // 2), dtype="Int64"),
        lambda: [rng.choice(TOKENS) for _ in range(count)],
    ]
    how = rng.random()
    if how < 0.6:
        frame[column] = rng.choice(kinds)()
    elif how < 0.7:
        frame = frame.rename(columns={column: rng.choice([t for t in TOKENS if t not in frame.columns])})
    elif how < 0.75:
        frame = frame.iloc[: rng.choice([0, 1, 2])]
    frame.to_parquet(file)
    if how >= 0.7 and rng.random() < 0.8:
        file.write_bytes(broken_bytes(file.read_bytes(), rng))


def image(rng: random.Random) -> bytes:
    """A picture in some mode and format, mostly broken."""
    side = rng.choice([1, 2, 8, 31, 64])
    mode = rng.choice(["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "I", "F", "YCbCr"])
    made = Image.new(mode, (side, rng.choice([1, 8, 300])), rng.choice([0, 1]))
    for form in rng.sample(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "ICO"], 8):
        out = io.BytesIO()
        try:
            made.save(out, form)
        except (OSError, ValueError, KeyError):  # that format has no such mode
            continue
        return broken_bytes(out.getvalue(), rng) if rng.random() < 0.8 else out.getvalue()
    raise ArgumentError(f"mode {mode} has no format")


def configuration(path: str, rng: random.Random) -> bytes:
    """A broken configuration file that names images which there are."""
    if rng.random() < 0.5:
        return broken_text(f"data:\n  path: {path}\nmodel:\n  backbone: resnet10t\nseed: 3\n", rng)
    good = dump_config(Config()).replace('path: ""', f'path: "{path}"')
    return broken_text(good, rng)
