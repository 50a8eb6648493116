"""Reading a table of images beside pandas, which guesses types where ours keeps text, checks paths and finds the split.

python -m benchmarks.reading [--rows 1000000] [--repeats 9]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.harness import machine, publish, seconds, table
from metric_face import ImageTable

MARK = 2.0


def write_tables(folder: Path, rows: int) -> None:
    """A table of N images, 5 to an identity, with two attributes and a split, as CSV and as Parquet."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "path": [f"images/{row // 1000:05d}/{row:08d}.jpg" for row in range(rows)],
            "identity": [f"p{row // 5:07d}" for row in range(rows)],
            "gender": rng.choice(["female", "male"], rows),
            "age": rng.choice(["young", "middle", "old"], rows),
            "split": rng.choice(["train", "val"], rows),
        }
    )
    frame.to_csv(folder / "images.csv", index=False)
    frame.to_parquet(folder / "images.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tables(folder, options.rows)
        text, columns = folder / "images.csv", folder / "images.parquet"
        arms = {
            "CSV, pandas": lambda: pd.read_csv(text),
            "CSV, pandas with `dtype=str`": lambda: pd.read_csv(text, dtype=str),
            "CSV, `ImageTable.read`": lambda: ImageTable.read(text),
            "Parquet, pandas": lambda: pd.read_parquet(columns),
            "Parquet, `ImageTable.read`": lambda: ImageTable.read(columns),
        }
        taken = {name: each.processor for name, each in seconds(arms, options.repeats, warmup=2).items()}
    ratio = {name: spent / taken[f"{name.split(',')[0]}, pandas"] for name, spent in taken.items()}
    lines = [(name, f"{spent:.3f}", f"{ratio[name]:.2f}") for name, spent in taken.items()]
    found = ratio["CSV, `ImageTable.read`"]
    publish(
        "reading",
        "Reading a table of images",
        f"python -m benchmarks.reading --rows {options.rows} --repeats {options.repeats}",
        machine("numpy", "pandas", "pyarrow"),
        [
            f"{options.rows:,} rows of five columns. Processor time in s, medians of {options.repeats} rounds in which "
            "all take turns, after two that do not count; x is the ratio to pandas. "
            "`ImageTable.read` keeps every value as text, checks that no path leaves the data root, and finds missing "
            "values, identities and splits; pandas does none of this, and `dtype=str` alone keeps a code such as 007.",
            table(["", "s", "x"], lines),
            f"Mark: a CSV file in at most {MARK:g} x pandas ({'met' if found <= MARK else 'missed'}: {found:.2f}).",
        ],
    )


if __name__ == "__main__":
    main()
