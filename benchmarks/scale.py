"""Every command at growing numbers of images: wall time, processor time and peak memory, each in a process of its own.

``python -m benchmarks.scale --rows 2000 20000 200000 1000000 --limit 120``. Cells are kept in
``results/scale.json`` as they are measured, so the command goes on where it was stopped; ``--again`` measures anew.
"""

import argparse
import json
import math
import resource
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS, machine, publish, table, watched
from benchmarks.scale_runs import DIMENSIONS, EACH, TINY, draw_images, plant_run, train_template

COMMANDS = ("audit", "train", "embed", "index", "evaluate", "visualize", "why", "knn", "fuse")


def words_of(command: str, home: Path, scratch: Path) -> list[str]:
    """The arguments of a command on the images and runs of ``home``; what it writes goes to ``scratch``."""
    run, data = str(home / "run"), str(home / "images.csv")
    tiny = [word for option in TINY for word in ("--set", option)]
    few = [str(home / "images/00000/00000001.png")]
    return {
        "audit": ["audit", data, "--out", str(scratch / "audit.html")],
        "train": ["train", data, "--out", str(scratch / "trained"), "--quiet", *tiny],
        "embed": ["embed", run, "--out", str(scratch / "embeddings")],
        "index": ["index", run],
        "evaluate": ["evaluate", run],
        "visualize": ["visualize", run, "--out", str(scratch)],
        "why": ["why", run, "--out", str(scratch)],
        "knn": ["knn", run, *few],
        "fuse": ["fuse", run, str(home / "other")],
    }[command]


def measure(words: Sequence[str], limit: float, scratch: Path) -> dict[str, Any]:
    """Run the command with these arguments, and stop it after ``limit`` seconds of the processor.

    Returns:
        ``wall`` and ``processor`` in seconds and ``memory`` in MB; ``over`` where it was stopped, ``failed`` with the
        last line it said where it failed. An audit that finds something, as links to one file, has not failed.
    """
    seconds, log = math.ceil(limit), scratch / "said"
    done = watched(
        ["-m", "metric_face", *words],
        log,
        lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5)),
    )
    cell: dict[str, Any] = {"wall": done.wall, "processor": done.processor, "memory": done.memory}
    if done.returncode == -signal.SIGXCPU:
        cell["over"] = limit
    elif done.returncode and not (words[0] == "audit" and (scratch / "audit.html").is_file()):
        cell["failed"] = (log.read_text().strip().splitlines() or [f"exit {done.returncode}"])[-1][:200]
    return cell


def prepare(work: Path, rows: int) -> Path:
    """The images and two runs of N rows."""
    home = work / str(rows)
    data = draw_images(home, rows)
    template = train_template(work)
    for seed, name in enumerate(("run", "other")):
        plant_run(template, data, home / name, seed)
    return home


def exponent(cells: dict[str, Any], command: str, rows: Sequence[int]) -> str:
    """The power of N that processor time grows with, over the two largest sizes that were measured."""
    done = [n for n in rows if {"over", "failed"}.isdisjoint(cells.get(f"{command} {n}", {"failed": ""}))]
    if len(done) < 2:
        return ""
    first, last = (cells[f"{command} {n}"]["processor"] for n in done[-2:])
    return f"{np.log(last / first) / np.log(done[-1] / done[-2]):.2f}"


def shown(cell: dict[str, Any] | None) -> str:
    """A cell of the table."""
    if cell is None:
        return "not run"
    if "over" in cell:
        return f"over {cell['over']:g} s / {cell['memory']:.0f}"
    if "failed" in cell:
        return f"failed: {cell['failed'].replace('|', '/')}"
    return f"{cell['wall']:.1f} / {cell['processor']:.1f} / {cell['memory']:.0f}"


def draw(cells: dict[str, Any], rows: Sequence[int], file: Path) -> None:
    """Plot processor time and memory of each command over N."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), constrained_layout=True)
    for axis, key, name in zip(
        axes, ("processor", "memory"), ("processor time, s", "peak memory, MB"), strict=True
    ):
        for number, command in enumerate(COMMANDS):
            done = [n for n in rows if "wall" in cells.get(f"{command} {n}", {})]
            done = [n for n in done if {"over", "failed"}.isdisjoint(cells[f"{command} {n}"])]
            values = [cells[f"{command} {n}"][key] for n in done]
            axis.plot(
                done, values, "os^Dv"[number % 5] + "-", label=command, color=f"C{number}", markersize=4
            )
        axis.set(xscale="log", yscale="log", xlabel="images", ylabel=name)
        axis.grid(alpha=0.3)
    axes[1].legend(ncols=2, fontsize=8)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def write(cells: dict[str, Any], limit: float, note: str = "") -> None:
    """Write the table and the plot of all cells that were measured."""
    rows = sorted({int(key.split()[1]) for key in cells})
    header = ["command", *(f"{n:,}" for n in rows), "exponent"]
    lines = [
        [name, *(shown(cells.get(f"{name} {n}")) for n in rows), exponent(cells, name, rows)]
        for name in COMMANDS
    ]
    draw(cells, rows, RESULTS / "scale.png")
    words = (
        "Wall time in s / processor time in s / peak memory in MB of each command, as a process of its own with all "
        f"its imports. Images are {DIMENSIONS}-dimensional drawn vectors and 32 px drawings, links to 20,000 files, "
        f"{EACH} to an identity, two attributes; a fifth is the validation split. The network is the smallest, one "
        "epoch. Neighbor graphs that a run keeps are removed before each command. The exponent is the power of N that "
        "processor time grows with between the two largest sizes that were measured. A command is stopped after "
        f"{limit:g} s of the processor. Not run: a smaller size ran over, or it was not asked for."
    )
    command = f"python -m benchmarks.scale --rows {' '.join(map(str, rows))} --limit {limit:g}"
    packages = ("numpy", "faiss-cpu", "torch", "umap-learn", "pandas", "pyarrow")
    publish(
        "scale",
        "Every command at growing numbers of images",
        command,
        machine(*packages),
        [
            words,
            table(header, lines),
            "Processor time and memory are drawn in `scale.png` beside this table.",
        ],
        note=note,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 20_000, 200_000, 1_000_000])
    parser.add_argument(
        "--limit", type=float, default=120, help="seconds of the processor that a cell may take"
    )
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "metric_face-scale")
    parser.add_argument("--again", action="store_true", help="measure cells anew that are already known")
    parser.add_argument("--note", default="", help="a sentence for the page, such as what else ran")
    options = parser.parse_args()
    kept = RESULTS / "scale.json"
    cells: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    for rows in sorted(options.rows):
        wanted = [name for name in options.commands if options.again or f"{name} {rows}" not in cells]
        smaller = [n for n in options.rows if n < rows]
        wanted = [name for name in wanted if not any("over" in cells.get(f"{name} {n}", {}) for n in smaller)]
        if not wanted:
            continue
        home = prepare(options.work, rows)
        for name in wanted:
            for run in ("run", "other"):
                shutil.rmtree(home / run / "neighbors", ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=options.work) as scratch:
                cells[f"{name} {rows}"] = measure(
                    words_of(name, home, Path(scratch)), options.limit, Path(scratch)
                )
            print(f"{name} {rows:,}: {shown(cells[f'{name} {rows}'])}", flush=True)
            beside = kept.with_suffix(".part")
            beside.write_text(json.dumps(cells, indent=1))
            beside.replace(kept)
    write(cells, options.limit, options.note)


if __name__ == "__main__":
    main()
