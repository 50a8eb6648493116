"""The kNN command, cold: one photograph against 10,000 indexed ones, from the shell's start to the answer.

Run with ``python -m benchmarks.cold_knn``; every measurement is a process of its own, the files in the page cache.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import machine, publish, table, times

CLASSES, IMAGES, SIZE = 18, 10_000, 112
MARK = 0.25
FLOOR = "import onnxruntime, numpy, PIL.Image, faiss"
HEAVY = "import torch, timm, faiss"


def make_run(folder: Path, backbone: str) -> Path:
    """Write what a training leaves and the command reads: model, ONNX, index; and one photograph to ask about."""
    import torch
    from PIL import Image

    from metric_face.data.transforms import EvalTransform
    from metric_face.inference.target_votes import TargetVote
    from metric_face.models.embedding_model import EmbeddingModel
    from metric_face.models.onnx import export_onnx
    from metric_face.models.save_load import save_model
    from metric_face.search.index import EmbeddingIndex

    class Embeds(torch.nn.Module):
        def __init__(self, model: EmbeddingModel) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.model.embed(images)

    rng = np.random.default_rng(0)
    photograph = folder / "photograph.jpg"
    Image.fromarray(rng.integers(0, 256, (12, 9, 3), np.uint8)).resize((384, 512)).save(photograph)
    model = EmbeddingModel(backbone, {"joint": CLASSES}).eval()
    transform = EvalTransform((SIZE, SIZE))
    fingerprint = save_model(folder, model, transform, None)
    sample = torch.from_numpy(transform(photograph)[None])
    export_onnx(Embeds(model), folder / "model.onnx", sample, fingerprint=fingerprint)
    codes = rng.integers(0, CLASSES, IMAGES)
    vote = TargetVote(tuple(f"class {number}" for number in range(CLASSES)))
    EmbeddingIndex.build(
        rng.standard_normal((IMAGES, model.embedding_size), dtype=np.float32),
        {
            "path": [f"images/{number:06d}.jpg" for number in range(IMAGES)],
            "identity": [f"identity {number // 7}" for number in range(IMAGES)],
            "code/joint": codes,
        },
        fingerprint=fingerprint,
        transform=transform.to_dict(),
        metadata={"root": str(folder), "part": "train", "targets": {"joint": vote.to_dict()}},
    ).save(folder / "index")
    return photograph


def run_python(*arguments: str) -> str:
    """Run this Python in a fresh process and return what it prints."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--keep", type=Path, help="folder to make the run in, and to leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        photograph = make_run(folder, options.backbone)
        command = ["-m", "metric_face", "knn", str(folder), str(photograph), "--json"]
        [answer] = json.loads(run_python(*command))["answers"]
        if answer["predicted"]["joint"] not in {f"class {number}" for number in range(CLASSES)}:
            raise SystemExit(f"the command answered {answer}")
        check = "import sys; from metric_face.cli.app import app; sys.argv = ['metric-face', *sys.argv[1:]]\n"
        check += (
            "app(standalone_mode=False); print([name for name in ('torch', 'pandas') if name in sys.modules])"
        )
        imported = run_python("-c", check, *command[2:]).splitlines()[-1]
        taken = times(
            {
                HEAVY: lambda: run_python("-c", HEAVY),
                "metric-face knn": lambda: run_python(*command),
                FLOOR: lambda: run_python("-c", FLOOR),
                "python": lambda: run_python("-c", ""),
            },
            repeats=options.repeats,
        )
    ours = taken["metric-face knn"] / taken[HEAVY]
    rows = [(name, f"{seconds:.3f}", f"{seconds / taken[HEAVY]:.3f}") for name, seconds in taken.items()]
    publish(
        "cold_knn",
        "metric-face knn, cold",
        "python -m benchmarks.cold_knn",
        machine("torch", "timm", "faiss-cpu", "onnxruntime", "numpy", "pyarrow", "typer"),
        [
            f"One photograph, {options.backbone} at {SIZE} x {SIZE}, an index of {IMAGES:,} vectors; each row a fresh "
            f"process, medians of {options.repeats} in turn. Of torch and pandas the command imported {imported}.",
            table(["process", "s", "share of the first"], rows),
            f"Mark: at most {MARK} of the first ({'met' if ours <= MARK else 'missed'}: {ours:.3f}).",
        ],
    )


if __name__ == "__main__":
    main()
