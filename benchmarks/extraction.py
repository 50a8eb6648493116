"""Extraction against a plain loop and against the model's own forward pass.

    python -m benchmarks.extraction [--backbone resnet18] [--side 128] [--images 512] [--repeats 3]

The plain loop is what most people write: timm, a DataLoader with two workers, float32, contiguous. The floor is the
model alone on tensors that are ready, in the precision and memory format that extraction chose.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.harness import machine, publish, table, times
from metric_face.data.dataset import ImageDataset
from metric_face.data.table import ImageTable
from metric_face.data.transforms import EvalTransform
from metric_face.extraction import extract
from metric_face.knn import KNNClassifier
from metric_face.model import EmbeddingModel
from metric_face.precision import computing_dtype, device_of_choice, has_bf16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    side, count = arguments.side, arguments.images
    torch.manual_seed(0)
    model = EmbeddingModel(arguments.backbone, embedding_size=None, neck="none").eval()
    transform = EvalTransform((side, side))
    device = device_of_choice()
    dtype = computing_dtype(device)
    with tempfile.TemporaryDirectory() as name:
        images = draw(Path(name), count)
        dataset = ImageDataset(images, transform)

        def plain() -> Any:
            found = []
            with torch.inference_mode():
                for batch in DataLoader(dataset, batch_size=64, num_workers=2):
                    found.append(model.backbone(batch["image"].to(device)).float().cpu())
            return torch.cat(found).numpy()

        ready = torch.from_numpy(np.stack([transform(path) for path in images.paths[:64]]))
        ready = ready.to(device).contiguous(memory_format=torch.channels_last)
        faster = EmbeddingModel(arguments.backbone, embedding_size=None, neck="none").eval()
        faster.load_state_dict(model.state_dict())
        faster = faster.to(device).to(memory_format=torch.channels_last)

        def floor() -> None:
            with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                for _ in range(count // 64):
                    faster.embed(ready)

        def ours() -> Any:
            return extract(faster, images, transform=transform, batch_size=64).vectors

        seconds = times({"extract": ours, "plain loop": plain, "forward alone": floor}, arguments.repeats)
        first, second = plain(), ours()
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    labels = np.arange(count) % 8
    agree = np.mean(
        KNNClassifier(5).fit(first[::2], labels[::2]).predict(first[1::2])
        == KNNClassifier(5).fit(second[::2], labels[::2]).predict(second[1::2])
    )
    bf16 = (
        "computes in bf16" if has_bf16(device) else "has no bf16 arithmetic, so extraction stays in float32"
    )
    publish(
        "extraction",
        "Extraction",
        f"python -m benchmarks.extraction --backbone {arguments.backbone} --side {side} --images {count}",
        machine("torch", "timm", "pillow"),
        [
            f"`{arguments.backbone}` at {side} px, {count} JPEG of 256 px; medians of {arguments.repeats} rounds, "
            f"in turn. This processor {bf16}.",
            table(
                ("", "images/s", "ours is"),
                [
                    (arm, f"{count / s:.0f}", f"{s / seconds['extract']:.2f} x as fast")
                    for arm, s in seconds.items()
                ],
            ),
            f"Cosine to the plain float32 loop: at least {cosine.min():.6f}. kNN predictions equal: {agree:.1%}.",
        ],
    )


def draw(folder: Path, count: int) -> ImageTable:
    """Smooth random pictures, as JPEG."""
    generator = np.random.default_rng(0)
    for row in range(count):
        coarse = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC).save(
            folder / f"{row}.jpg", quality=90
        )
    return ImageTable(pd.DataFrame({"path": [f"{row}.jpg" for row in range(count)]}), folder)


if __name__ == "__main__":
    main()
