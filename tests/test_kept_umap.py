"""What numba compiles of UMAP is kept for the next process, where a command asks for that, and changes no bit."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

SCRIPT = """
import json, sys
import numpy as np
from metric_face.visualization import keep_umap_compiled, project

if sys.argv[1] == "keep":
    keep_umap_compiled()
vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
similarities = vectors @ vectors.T
ids = np.argsort(-similarities, axis=1)[:, 1:9]
made = project(ids, np.take_along_axis(similarities, ids, axis=1), vectors=vectors)
import umap.umap_ as u
known = [u.smooth_knn_dist.stats, u.compute_membership_strengths.stats]
print(json.dumps({
    "hits": [sum(one.cache_hits.values()) for one in known],
    "misses": [sum(one.cache_misses.values()) for one in known],
    "path": known[0].cache_path,
    "coords": made.coords.tobytes().hex(),
}))
"""


def projected(how: str, **variables: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, how],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_the_next_process_compiles_nothing_again() -> None:
    bare, first, second = projected("bare"), projected("keep"), projected("keep")
    assert bare["hits"] == [0, 0]  # the library leaves UMAP as it is
    assert bare["path"] is None
    assert second["hits"] == [1, 1]
    assert second["misses"] == [0, 0]
    assert bare["coords"] == first["coords"] == second["coords"]
