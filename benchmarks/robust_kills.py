"""``embed``, ``index`` and ``fuse`` killed at every operation on a file, at random moments, in pairs, on a full disk.

Run with ``python -m benchmarks.robust_kills``. After each disturbance the command runs again, and every file of the
folder must be, byte for byte, what an undisturbed call leaves. As root the full disk is tried too.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.disturbances import (
    HEADER,
    Bench,
    Case,
    Tally,
    fill_the_disk,
    kill_anytime,
    kill_everywhere,
    run_in_pairs,
)
from benchmarks.harness import machine, publish, table


def prepare(home: Path) -> list[Case]:
    """Train the smallest run, and set out the states that the commands start from."""
    import torch

    from metric_face import extraction
    from metric_face.embeddings.embeddings import Embeddings
    from metric_face.training.fitting import fit
    from tests.conftest import draw_toy
    from tests.training_cases import tiny_config

    torch.set_num_threads(1)
    extraction._Store.STRIDE = 16  # several notes of how far it is, on few images
    draw_toy(home / "data", identities=12, each=4)
    draw_toy(home / "unseen", identities=3, each=4, seed=1)
    run = home / "work" / "run"
    fit(tiny_config(home / "data", trainer__epochs=1), run, quiet=True)
    bare = keep(home, "bare")
    embed = (
        "embed",
        str(run),
        "--batch-size",
        "8",
        "--precision",
        "fp32",
        "--csv",
        str(home / "work/said.csv"),
    )
    index = ("index", str(run))
    fuse = ("fuse", str(run), "--images", str(home / "unseen"), "--out", str(home / "work/answers.csv"))
    call(embed)
    (home / "work/said.csv").unlink()
    embedded = keep(home, "embedded")
    call(index)
    call(fuse)
    (home / "work/answers.csv").write_text("ImageID,ans\n")
    indexed = keep(home, "indexed")
    made = Embeddings.load(run / "embeddings")
    Embeddings(made.vectors + 1, made.table, made.fingerprint, made.logits).save(run / "embeddings")
    older = keep(home, "older")
    return [
        Case("embed", embed, bare),
        Case("embed over older ones", embed, older),
        Case("index", index, embedded),
        Case("index over an older one", (*index, "--part", "all"), indexed),
        Case("fuse", fuse, indexed),
    ]


def keep(home: Path, name: str) -> Path:
    shutil.copytree(home / "work", home / name)
    return home / name


def call(words: tuple[str, ...]) -> None:
    """Call a command in this process, so that whatever it imports is loaded."""
    from metric_face.cli.entry import main

    sys.argv = ["metric-face", *words]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the first operations and few moments")
    parser.add_argument("--only", default="", help="cases whose name begins so, printed and not published")
    options = parser.parse_args()
    most, times = (12, 3) if options.quick else (10_000, 20)
    started = time.monotonic()
    ways = {
        "a kill before the n-th operation": lambda *given: kill_everywhere(*given, most=most),
        "a kill at a random moment": lambda *given: kill_anytime(*given, times=times),
        "the same command at once": lambda *given: run_in_pairs(*given, times=times // 2 + 1),
    }
    if os.geteuid() == 0:
        ways["a full disk, another than /tmp"] = lambda *given: fill_the_disk(*given, sizes=times // 2 + 1)
    rows, wrong, total = [], [], 0
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        cases = prepare(home)
        bench = Bench(home)
        for case in cases:
            if not case.name.startswith(options.only):
                continue
            expected = bench.undisturbed(case)
            for way, disturb in ways.items():
                tally: Tally = disturb(bench, case, expected)
                rows.append(tally.row(case.name, way))
                wrong += tally.wrong
                total += tally.calls
                print(rows[-1], flush=True)
    if options.only:
        print("\n".join(wrong) or "Nothing went wrong.")
        sys.exit(bool(wrong))
    publish(
        "robustness-kills",
        "Commands killed, crowded and without room, then run again",
        "python -m benchmarks.robust_kills" + (" --quick" if options.quick else ""),
        machine("torch", "faiss-cpu", "pyarrow", "filelock"),
        [
            f"{total:,} disturbances in {time.monotonic() - started:.0f} s, on a run of 48 images. Operations are "
            "those that change the disk, found by an audit hook, each killed before it happens; the command then "
            "runs again and every file of the folder is compared, byte for byte, with an undisturbed call's. An old "
            "result is lost where, between the two, neither the embeddings (or index) that were there before nor "
            "the new can be read. Of two commands at once one may be refused, in one line; on a full disk the "
            "command has to end with exit code 1 and one line, and is run again with more room.",
            table(HEADER, rows),
            "\n".join(f"- {line}" for line in wrong) or "Nothing went wrong.",
        ],
    )
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
