"""The days of a newcomer, played from a fresh virtual environment with nothing but the wheel and the documentation.

`make replay`, or ``python -m tests.replay_days [FOLDER]``: builds the wheel, installs it with the extra ``train`` as
the start page says, and plays, each in an empty folder, what the start page says to type and to paste, and the three
tutorials cell by cell. Prints a line a day; the exit code is 1 where one fails, with the end of what it printed.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/index.md", "docs/ko/index.md")
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.ipynb"))


def typed(page: str) -> list[list[str]]:
    """The commands of the page's first block of commands, as words."""
    text = (ROOT / page).read_text("utf-8")
    block = next(
        block for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) if "metric-face train" in block
    )
    lines = [line.split("  #")[0].strip() for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("metric-face")]


def python_of(page: str) -> str:
    """The page's first block of Python."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)[0]


def script_of(notebook: Path) -> str:
    """The code cells of a tutorial, as one script; the last expression of a cell is shown in a notebook alone."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def make_photographs(folder: Path) -> None:
    """``photos/``, a folder a class of 20 pictures, and ``new.jpg``."""
    generator = np.random.default_rng(0)
    for name, color in {"red": (200, 60, 50), "blue": (50, 80, 200)}.items():
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(color + generator.normal(0, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"photos/{name}/{number}.jpg")
    Image.fromarray(pixels).save(folder / "new.jpg")


def fresh_environment(home: Path) -> Path:
    """A virtual environment that holds the wheel and what it needs in the tested versions; its ``bin``."""
    for command in (
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(home / "dist"),
            str(ROOT),
        ],
        [sys.executable, "-m", "venv", str(home / "venv")],
    ):
        subprocess.run(command, check=True, capture_output=True)
    wheel = next((home / "dist").glob("*.whl"))
    own = home / "venv/bin"
    install = [own / "python", "-m", "pip", "install", "--quiet", "--constraint", ROOT / "requirements.lock"]
    subprocess.run([*install, f"{wheel}[train]"], check=True)
    return own


def days(own: Path) -> Iterator[tuple[str, list[Sequence[str | Path]]]]:
    """The name of each day, and its commands."""
    python = own / "python"
    yield "the start page, typed", [[own / "metric-face", *words] for words in typed(PAGES[1])]
    yield "the start page, pasted", [[python, "-c", python_of(PAGES[1])]]
    for notebook in TUTORIALS:
        yield f"tutorial {notebook.stem}", [[python, "-c", script_of(notebook)]]


def play(commands: list[Sequence[str | Path]], folder: Path) -> str:
    """Run the commands of a day in a folder of its own; what the first one that failed said, or nothing."""
    folder.mkdir()
    make_photographs(folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"MPLBACKEND": "agg"}
    for command in commands:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"{command[0]} {str(command[1])[:60]}\n{(done.stdout + done.stderr)[-2000:]}"
    return ""


def main(home: Path) -> int:
    """Play all days."""
    own, failed = fresh_environment(home), 0
    for number, (name, commands) in enumerate(days(own)):
        started = time.monotonic()
        error = play(commands, home / f"day-{number}")
        failed += bool(error)
        print(f"{name}: {'FAILED' if error else 'played'} in {time.monotonic() - started:.0f} s", flush=True)
        if error:
            print(error)
    return int(failed > 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made)))
