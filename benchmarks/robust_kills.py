"""``embed``, ``index``, ``fuse``: killed at every operation on a file, at random moments, in pairs, on a full disk.

Run with ``python -m benchmarks.robust_kills``. After each disturbance the command runs again, and every file of the
folder must be, byte for byte, what an undisturbed call leaves. As root the full disk is tried too.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.disturbances import (
    HEADER,
    Bench,
    Case,
    Tally,
    Tree,
    fill_the_disk,
    kill_anytime,
    kill_everywhere,
    run_in_pairs,
    terminate_anytime,
)
from benchmarks.harness import machine, publish, table


def prepare(home: Path) -> list[Case]:
    """Train the smallest run, and set out the states that the commands start from."""
    import torch

    from metric_face.embeddings.embeddings import Embeddings
    from metric_face.extraction import vector_files
    from metric_face.training.fitting import fit
    from tests.conftest import draw_toy
    from tests.training_cases import tiny_config

    torch.set_num_threads(1)
    vector_files.STRIDE = 16  # several notes of how far it is, on few images
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
        Case("index over an older one", (*index, "--split", "all"), indexed),
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


NAMES = ("embed", "embed over older ones", "index", "index over an older one", "fuse")


def disturbed(name: str, most: int, times: int) -> list[tuple[str, str, Tally]]:
    """Every disturbance of one case, on a run of its own."""
    ways: dict[str, Callable[[Bench, Case, Tree], Tally]] = {
        "a kill before the n-th operation": partial(kill_everywhere, most=most),
        "a kill at a random moment": partial(kill_anytime, times=times),
        "SIGTERM at a random moment": partial(terminate_anytime, times=times),
        "the same command at once": partial(run_in_pairs, times=times // 2 + 1),
    }
    if os.geteuid() == 0:
        ways["a full disk, another than /tmp"] = partial(fill_the_disk, sizes=times // 2 + 1)
    with tempfile.TemporaryDirectory() as temporary:
        cases = {case.name: case for case in prepare(Path(temporary))}
        bench = Bench(Path(temporary))
        expected = bench.undisturbed(cases[name])
        found = []
        for way, disturb in ways.items():
            found.append((name, way, disturb(bench, cases[name], expected)))
            print(found[-1][2].row(name, way), flush=True)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few operations and moments, not published")
    parser.add_argument("--only", default="", help="cases whose name begins so, not published")
    parser.add_argument("--times", type=int, default=20, help="random moments of a case")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="cases at a time")
    options = parser.parse_args()
    most, times = (12, 3) if options.quick else (10_000, options.times)
    started = time.monotonic()
    names = [name for name in NAMES if name.startswith(options.only)]
    with ProcessPoolExecutor(options.processes, multiprocessing.get_context("spawn")) as pool:
        made = [pool.submit(disturbed, name, most, times) for name in names]
        found = [one for each in made for one in each.result()]
    rows = [tally.row(name, way) for name, way, tally in found]
    wrong = [line for _, _, tally in found for line in tally.wrong]
    total = sum(tally.calls for _, _, tally in found)
    if options.only or options.quick:
        print("\n".join(wrong) or "Nothing went wrong.")
        sys.exit(bool(wrong))
    publish(
        "robustness-kills",
        "Commands killed, stopped, crowded and without room, then run again",
        f"python -m benchmarks.robust_kills --times {times} --processes {options.processes}",
        machine("torch", "faiss-cpu", "pyarrow", "filelock"),
        [
            f"{total:,} disturbances in {time.monotonic() - started:.0f} s, on a run of 48 images. Operations are "
            "those that change the disk, found by an audit hook, each killed before it happens; the command then "
            "runs again and every file of the folder is compared, byte for byte, with an undisturbed call's. An old "
            "result is lost where, between the two, neither the embeddings (or index) that were there before nor "
            "the new can be read. SIGTERM has to end in exit code 143 and one line. Of two commands at once one may be "
            "refused, in one line; on a full disk the command has to end with exit code 1 and one line, and is run "
            "again with more room.",
            table(HEADER, rows),
            "\n".join(f"- {line}" for line in wrong) or "Nothing went wrong.",
        ],
    )
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
