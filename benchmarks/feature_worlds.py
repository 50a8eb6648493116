"""Worlds of frozen features: drawn faces and photographs through EfficientNet-Lite0, computed once and kept.

The kinds of fault that :mod:`benchmarks.fault_kinds` plants in drawn arrays are planted here too: in labels and splits
as they are, in images by embedding those that changed again. Identities of the photographs (utkface) are unknown, and
each picture stands for one; drawn faces have four images of an identity.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fault_worlds import World, log

HOME = Path("../shared")
CACHE = Path(tempfile.gettempdir()) / "metric_face-fault-features"
SIDE, AXES, PICTURES, FACES = 96, 128, 2600, 650
AGES = ((0, 5), (20, 29), (42, 52), (66, 116), (9, 14), (56, 62))
"""Ages of the classes of ``kind`` among photographs; those in between are left out, so that classes can be told."""
DRAWN = (
    ("female", 0, 30),
    ("male", 0, 30),
    ("female", 50, 99),
    ("male", 50, 99),
    ("female", 30, 50),
    ("male", 30, 50),
)
SHOWN = ("normal", "mask1", "mask2", "mask3")


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """What worlds are drawn from.

    Attributes:
        images: (N, 96, 96, 3) uint8.
        vectors: (N, 128) principal axes of the features, of unit mean square.
        kind: (N,) class of the identity.
        worn: (N,) class of the image.
        identities: (N,).
        embed: from images to such vectors.
    """

    images: NDArray[np.uint8]
    vectors: NDArray[np.float32]
    kind: NDArray[np.int64]
    worn: NDArray[np.int64]
    identities: NDArray[np.int64]
    embed: Callable[[NDArray[np.uint8]], NDArray[np.float32]]

    def draw(
        self,
        seed: int,
        identities: int = 300,
        each: int = 5,
        dimensions: int = 64,
        shares: Sequence[float] = (0.4, 0.35, 0.25),
        gap: float = 4.0,
        held_out: float = 0.4,
    ) -> World:
        """A sample of identities with these shares of ``kind``; a ``gap`` below 4 adds noise to the vectors."""
        rng = np.random.default_rng([seed, 15])
        single = len(np.unique(self.identities)) == len(self.images)
        identities *= 3 if single else 1  # one image of each says less
        wanted = np.maximum(4, np.round(np.array(shares) * identities).astype(int))
        chosen, held = [], []
        for code, count in enumerate(wanted):
            pool = rng.permutation(np.unique(self.identities[self.kind == code]))[:count]
            chosen += pool.tolist()
            held += pool[: max(2, round(held_out * len(pool)))].tolist()
        rows = np.flatnonzero(np.isin(self.identities, chosen))
        who = np.unique(self.identities[rows], return_inverse=True)[1].astype(np.int64)
        kept = min(dimensions, AXES)
        noise = max(0.0, 4 / gap - 1) * float(self.vectors[:, :kept].std())
        vectors = self.vectors[rows, :kept] + noise * rng.normal(size=(len(rows), kept))
        return {
            "embeddings": vectors.astype(np.float32),
            "labels": {"kind": self.kind[rows], "worn": self.worn[rows]},
            "identities": who,
            "split": np.where(np.isin(self.identities[rows], held), "val", "train"),
            "images": self.images[rows],
            "log": log(rng, best=0.9),
            "settings": {"monitor": "val/macro_f1"},
            "seed": seed,
            "embed": lambda images: self.embed(images)[:, :kept],
        }


def photographs(home: Path = HOME, cache: Path = CACHE) -> FeatureSet:
    """Utkface: ``kind`` is the age group, ``worn`` the gender; one picture of each near copy."""
    import pandas as pd

    from benchmarks.real_faults import one_per_picture

    def read() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        frame = pd.read_csv(home / "data" / "utkface" / "images.csv")
        kind = np.full(len(frame), -1)
        for code, (low, high) in enumerate(AGES):
            kind[(frame["age"] >= low) & (frame["age"] <= high)] = code
        rows = np.random.default_rng(4).permutation(np.flatnonzero(kind >= 0))[:PICTURES]
        paths = [home / "data" / "utkface" / name for name in frame["path"].to_numpy()[rows]]
        rows = rows[np.unique(one_per_picture(paths), return_index=True)[1]]
        images = [_pixels(home / "data" / "utkface" / name) for name in frame["path"].to_numpy()[rows]]
        worn = (frame["gender"] == "female").to_numpy(np.int64)[rows]
        return np.stack(images), np.column_stack([kind[rows], worn, np.arange(len(rows))])

    return _stored("photographs", read, home, cache)


def drawn_faces(home: Path = HOME, cache: Path = CACHE) -> FeatureSet:
    """Drawn faces: ``kind`` is gender by age group, ``worn`` whether a mask is worn."""
    from metric_face.synthetic_faces import make_faces

    def read() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        images, codes = [], []
        with tempfile.TemporaryDirectory() as folder:
            make_faces(
                Path(folder) / "faces", identities=FACES, size=(96, 128), label_errors=False, workers=1
            )
            people = sorted((Path(folder) / "faces" / "train" / "images").iterdir())
            for number, one in enumerate(p for p in people if p.is_dir() and p.name.count("_") == 3):
                _, gender, _, age = one.name.split("_")
                kind = next(
                    (c for c, (g, low, high) in enumerate(DRAWN) if g == gender and low <= int(age) < high),
                    -1,
                )
                for name in SHOWN if kind >= 0 else ():
                    images.append(_pixels(next(one.glob(f"{name}.*"))))
                    codes.append((kind, int(name != "normal"), number))
        return np.stack(images), np.array(codes)

    return _stored("drawn-faces", read, home, cache)


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _stored(name: str, read: Any, home: Path, cache: Path) -> FeatureSet:
    """The features of ``cache``, computed where they are not there."""
    file = cache / f"{name}.npz"
    if not file.is_file():
        images, codes = read()
        features = features_of(images, home)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(file, images=images, codes=codes, features=features)
    held = np.load(file)
    features, codes = held["features"], held["codes"].astype(np.int64)
    center = features.mean(axis=0)
    axes = np.linalg.svd(features - center, full_matrices=False)[2][:AXES].T
    scale = float(((features - center) @ axes).std())

    def embed(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray((features_of(images, home) - center) @ axes / scale, dtype=np.float32)

    vectors = np.asarray((features - center) @ axes / scale, dtype=np.float32)
    return FeatureSet(held["images"], vectors, codes[:, 0], codes[:, 1], codes[:, 2], embed)


def features_of(images: NDArray[np.uint8], home: Path = HOME) -> NDArray[np.float32]:
    """(N, 1280) features of EfficientNet-Lite0, frozen."""
    import timm
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    model = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    weights = load_file(home / "weights" / "tf_efficientnet_lite0.safetensors")
    model.load_state_dict(
        {key: value for key, value in weights.items() if not key.startswith("classifier")}, strict=False
    )
    model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), 64):
            batch = torch.from_numpy(images[start : start + 64].transpose(0, 3, 1, 2)).float()
            found.append(model(batch / 127.5 - 1).numpy())
    return np.concatenate(found)
