"""``make bench``: the benchmarks that need no data beside the project, one after the other.

The experiments that train for long have commands of their own: ``python -m benchmarks.real_data`` and
``python -m benchmarks.objectives``.
"""

import subprocess
import sys

QUICK = (
    "samplers",
    "sampler_proof",
    "losses",
    "search",
    "classify",
    "extraction",
    "cold_knn",
    "page",
    "threads",
    "faults",
)


def main() -> None:
    failed = [
        name for name in QUICK if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode
    ]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
