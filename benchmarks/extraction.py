"""Extraction against a plain loop and against the model's own forward pass.

    python -m benchmarks.extraction [--backbone resnet18] [--side 128] [--images 512] [--repeats 3]
    python -m benchmarks.extraction --memory 1000000    # memory alone, on a set that repeats few images

The plain loop is what most people write: timm, a DataLoader with two workers, float32, contiguous. The floor is the
model alone on tensors that are ready, in the precision and memory format that extraction chose.
"""

import argparse
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.harness import machine, publish, table, times
from metric_face.classifiers.knn import KNNClassifier
from metric_face.data.dataset import ImageDataset
from metric_face.data.table import ImageTable
from metric_face.data.transforms import EvalTransform
from metric_face.extraction import extract
from metric_face.models.embedding_model import EmbeddingModel
from metric_face.models.precision import computing_dtype, device_of_choice, has_bf16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", help="numbers of images to measure memory at")
    arguments = parser.parse_args()
    if arguments.memory is not None:
        report_memory(arguments.memory)
        return
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


def report_memory(counts: list[int]) -> None:
    """What extraction to disk takes beside the table, for growing sets."""
    rows = []
    for count in counts:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            early, late = pool.apply(extract_repeated, (count,))
        rows.append((f"{count:,}", f"{count * 64 * 4 / 2**20:.0f}", f"{early:.0f}", f"{late:.0f}"))
        print(*rows[-1], flush=True)
    publish(
        "extraction_memory",
        "Memory of extraction",
        f"python -m benchmarks.extraction --memory {' '.join(map(str, counts))}",
        machine("torch", "timm", "pillow"),
        [
            "The process's own memory (RssAnon) while `extract(..., folder=...)` embeds 256 small JPEG over and over, "
            "above what it held with the table in hand: after the first 2,048 images, and the most until the end. "
            "`test_resnet` at 32 px, D = 64. The vectors lie in a mapped file and are the operating system's to keep "
            "or drop.",
            table(("images", "vectors on disk, MB", "early, MB", "peak, MB"), rows),
        ],
    )


def extract_repeated(count: int) -> tuple[float, float]:
    """MB above the start after 2,048 images, and the most until all are done."""
    with tempfile.TemporaryDirectory() as name:
        few = draw(Path(name), 256, 32)
        images = ImageTable(few.frame.iloc[np.arange(count) % 256].reset_index(drop=True), few.root)
        model = EmbeddingModel("test_resnet", embedding_size=64).eval()
        base = own_memory()
        seen: list[tuple[int, float]] = []
        extract(
            model,
            images,
            transform=EvalTransform((32, 32)),
            folder=Path(name) / "embeddings",
            progress=lambda done, _: seen.append((done, own_memory() - base)),
        )
    return max(held for done, held in seen if done <= 2048), max(held for _, held in seen)


def own_memory() -> float:
    """MB of this process that no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def draw(folder: Path, count: int, side: int = 256) -> ImageTable:
    """Smooth random pictures, as JPEG."""
    generator = np.random.default_rng(0)
    for row in range(count):
        coarse = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(
            folder / f"{row}.jpg", quality=90
        )
    return ImageTable(pd.DataFrame({"path": [f"{row}.jpg" for row in range(count)]}), folder)


if __name__ == "__main__":
    main()
