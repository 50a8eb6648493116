"""A gallery that lives: what an addition costs beside its extraction, and a warm predictor against bare ONNX and FAISS.

Run with ``python -m benchmarks.gallery``; ``--images 2000 --add 100`` for a look.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import machine, publish, table, timed, times

ADDED_MARK, WARM_MARK = 2.0, 1.3


def make_run(folder: Path, backbone: str, size: int) -> Path:
    """A run without a training, of random weights, on a few drawn images of 12 identities."""
    import timm
    import torch
    from safetensors.torch import save_file

    import metric_face

    torch.manual_seed(0)
    save_file(timm.create_model(backbone).state_dict(), folder / "weights.safetensors")
    draw(folder / "photos", 48, 12)
    made = metric_face.embed_backbone(
        folder / "photos",
        backbone,
        folder / "run",
        weights=folder / "weights.safetensors",
        overrides=(f"data.size=[{size}, {size}]", "data.attributes=[]"),
    )
    assert made.complete
    return folder / "run"


def draw(folder: Path, count: int, identities: int, seed: int = 0) -> None:
    """Draw JPEGs of noise, a folder an identity, with a table."""
    import pandas as pd
    from PIL import Image

    rng, rows = np.random.default_rng(seed), []
    for number in range(count):
        name = f"who{seed}-{number % identities}/{number}.jpg"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).resize((160, 160)).save(folder / name)
        rows.append({"path": name, "identity": name.split("/")[0]})
    pd.DataFrame(rows).to_csv(folder / "images.csv", index=False)


def make_index(run: Path, count: int) -> None:
    """An index of ``count`` vectors, each with a file of its own, as large as those that are added."""
    import metric_face
    from metric_face.inference.target_votes import TargetVote

    opened = metric_face.Run.open(run)
    rng = np.random.default_rng(1)
    files = run.parent / "gallery"
    paths = [f"{number // 1000:04d}/{number:07d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if number % 1000 == 0:
            (files / path).parent.mkdir(parents=True, exist_ok=True)
        (files / path).write_bytes(rng.bytes(int(rng.integers(2000, 4000))))
    identities = [f"identity {number // 5}" for number in range(count)]
    classes = tuple(dict.fromkeys(identities))
    width = opened.model.embedding_size
    metric_face.EmbeddingIndex.build(
        rng.standard_normal((count, width), dtype=np.float32),
        {"path": paths, "identity": identities, "code/identity": np.arange(count) // 5},
        kind="flat",
        fingerprint=opened.fingerprint,
        transform=opened.card["transform"],
        metadata={
            "root": str(files),
            "attributes": None,
            "targets": {"identity": TargetVote(classes).to_dict()},
        },
    ).save(run / "index")


def additions(run: Path, new: Path, repeats: int) -> tuple[float, float, int]:
    """Seconds of the extraction, and medians of what an addition takes once its vectors are there."""
    import metric_face
    from metric_face.gallery import Gallery
    from metric_face.gallery.additions import place_for, with_columns

    shutil.copytree(run / "index", run / "index-before")
    opened = metric_face.Run.open(run)
    index = metric_face.EmbeddingIndex.load(run / "index", mmap=True)
    wanted = with_columns(metric_face.ImageTable.read(new), index, {}, str(new))
    del index
    place, taken, added = place_for(opened, wanted, opened.fingerprint), [], 0
    _, extraction = timed(lambda: metric_face.extract(opened, wanted, folder=place))
    shutil.copytree(place, run / "vectors")
    for _ in range(repeats):
        shutil.rmtree(run / "index")
        shutil.copytree(run / "index-before", run / "index")
        if not place.exists():
            shutil.copytree(run / "vectors", place)
        change, spent = timed(lambda: Gallery(run).add(new))
        taken.append(spent.wall)
        added = change.added
    return extraction.wall, float(np.median(taken)), added


def warm(run: Path, image: Path, repeats: int) -> dict[str, float]:
    """Medians of one answer: by a warm predictor, and by ONNX Runtime and FAISS alone; both read the file."""
    import onnxruntime

    import metric_face
    from metric_face.vectors import normalize

    predictor = metric_face.Predictor(run, few=False)
    session = onnxruntime.InferenceSession(str(run / "model.onnx"))
    name = session.get_inputs()[0].name
    flat: Any = metric_face.EmbeddingIndex.load(run / "index").faiss_index

    def bare() -> Any:
        vector = session.run(None, {name: predictor.transform(image)[None]})[0]
        return flat.search(normalize(vector), 5)

    found = predictor.predict([image])[0].neighbors
    rows = [predictor.index.columns["path"].tolist().index(one.path) for one in found]
    assert rows == bare()[1][0].tolist()
    return times(
        {
            "ONNX Runtime and FAISS alone": bare,
            "Predictor.predict": lambda: predictor.predict([image]),
            "search_images": lambda: metric_face.search_images(predictor, [image], k=5),
        },
        repeats=repeats,
        warmup=3,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000, help="in the gallery")
    parser.add_argument("--add", type=int, default=1000)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        run = make_run(home, options.backbone, options.size)
        make_index(run, options.images)
        draw(home / "new", options.add, options.add // 5, seed=2)
        taken = warm(run, next((home / "new").rglob("*.jpg")), 20 * options.repeats)
        extraction, spent, added = additions(run, home / "new", options.repeats)
    assert added == options.add
    base = taken["ONNX Runtime and FAISS alone"]
    ratio = taken["Predictor.predict"] / base
    rows = [(name, f"{1000 * each:.2f}", f"{each / base:.2f}") for name, each in taken.items()]
    publish(
        "gallery",
        "A gallery that lives",
        "python -m benchmarks.gallery",
        machine("torch", "timm", "faiss-cpu", "onnxruntime", "numpy", "pyarrow"),
        [
            f"{options.backbone} at {options.size} x {options.size}; {options.images:,} indexed images, each a file "
            f"of its own; medians of {options.repeats}, of {20 * options.repeats} for the answers, in turn.",
            table(
                ["adding images", "s"],
                [
                    (f"extraction of {options.add:,}", f"{extraction:.2f}"),
                    ("all else: copies, index read, changed and written", f"{spent:.2f}"),
                ],
            ),
            f"Mark: less than {ADDED_MARK:g} s beside the extraction ({'met' if spent < ADDED_MARK else 'missed'}).",
            table(["one image, warm", "ms", "x"], rows),
            f"Mark: at most {WARM_MARK} x ({'met' if ratio <= WARM_MARK else 'missed'}: {ratio:.2f}).",
        ],
    )


if __name__ == "__main__":
    main()
