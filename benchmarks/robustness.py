"""Every harness that tries to break the project: kills, corruptions, odd inputs, random calls, hard numbers.

``python -m benchmarks.robustness [part ...] [--quick]`` runs the parts one after the other, each in a process of its
own, and each writes ``benchmarks/results/robustness-PART.md``; of a quick run some only print. A part that is not there
counts as failed.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence

PARTS = {
    "search": "exact search against other implementations, on data that rounding hurts",
    "intervals": "how often an interval holds the truth",
    "kills": "commands killed at any moment, then run again",
    "train_kills": "trainings killed at any moment, then resumed",
    "corruption": "damaged files of a run",
    "inputs": "tables, configurations and images as users have them",
    "fuzz": "random calls of the Python interface",
    "claims": "instructions to change something, and how often they are given where nothing is wrong",
    "advice": "false alarms among the findings, and what following them does",
}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.robustness",
        description="Run the harnesses that try to break the project.",
        epilog="parts: " + "; ".join(f"{name}: {meaning}" for name, meaning in PARTS.items()),
    )
    parser.add_argument("parts", nargs="*", metavar="part", help="default all")
    parser.add_argument("--quick", action="store_true", help="a small run of each")
    given = parser.parse_args(words)
    unknown = sorted(set(given.parts) - PARTS.keys())
    if unknown:
        parser.error(f"no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    failed = [name for name in given.parts or PARTS if not run(name, given.quick)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def run(name: str, quick: bool) -> bool:
    """Run one part and say how it ended; True where it ended well."""
    module = f"benchmarks.robust_{name}"
    if importlib.util.find_spec(module) is None:
        print(f"{name}: there is no {module.replace('.', '/')}.py", flush=True)
        return False
    code = subprocess.run([sys.executable, "-m", module, *(["--quick"] if quick else [])]).returncode
    print(f"{name}: {'done' if code == 0 else f'failed, exit code {code}'}", flush=True)
    return code == 0


if __name__ == "__main__":
    main()
