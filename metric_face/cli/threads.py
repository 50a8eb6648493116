"""The command's own settings of OpenMP: set before a library loads it, and only where the user has set none.

``import metric_face`` sets nothing: another program's threads are its own.
"""

import math
import os
from pathlib import Path

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Any of these says how threads wait for each other."""
CGROUP = Path("/sys/fs/cgroup")


def settle_threads() -> None:
    """Let waiting threads sleep, and start no more of them than this container may run.

    A thread of OpenMP waits by spinning. Where another process has the core of the thread that it waits for, both lose:
    a training step with two threads beside one busy process takes five times as long (``benchmarks/threads.py``).
    """
    if not any(name in os.environ for name in WAITING):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    allowed = allowed_processors()
    if allowed is not None and allowed < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(allowed))


def allowed_processors(root: Path = CGROUP) -> int | None:
    """Processors' worth of time that the container may use, rounded up; None where it has no limit."""
    try:
        if (root / "cpu.max").is_file():
            quota, period = (root / "cpu.max").read_text("ascii").split()
        else:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text("ascii")
            period = (root / "cpu" / "cpu.cfs_period_us").read_text("ascii")
        share = float(quota) / float(period)  # "max" and -1 are no limit
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return math.ceil(share) if share > 0 else None
