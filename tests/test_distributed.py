"""Two processes under torchrun: as many batches each, none twice, and one run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metric_face.config import dump_config
from metric_face.run import Run
from tests.training_cases import tiny_config

pytestmark = pytest.mark.slow

SCRIPT = """
import json, os, sys
from pathlib import Path
from metric_face.config import load_config
from metric_face.training.fitting import fit
from metric_face.training.module import TrainingModule

seen = []
step = TrainingModule.training_step

def remember(self, batch, index):
    seen.append(batch["index"].tolist())
    return step(self, batch, index)

TrainingModule.training_step = remember
home = Path(sys.argv[1])
fit(load_config(home / "config.yaml"), home / "run", quiet=True)
(home / f"rank{os.environ['RANK']}.json").write_text(json.dumps(seen))
"""


@pytest.mark.parametrize("metric", ["triplet", "none"])
def test_two_gloo_processes_share_the_plan(toy: Path, tmp_path: Path, metric: str) -> None:
    config = tiny_config(toy, loss__metric=metric, sampler__batch_size=8, trainer__epochs=1, data__workers=1)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    (tmp_path / "work.py").write_text(SCRIPT)
    words = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        tmp_path / "work.py",
        tmp_path,
    ]
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ranks = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert len(ranks[0]) == len(ranks[1]) > 2
    batches = {tuple(batch) for rank in ranks for batch in rank}
    assert len(batches) == len(ranks[0]) + len(ranks[1])  # disjoint
    run = Run.open(tmp_path / "run")
    assert run.facts["ended"] == "complete"
    assert run.log["val/macro_f1"].notna().sum() == 1
