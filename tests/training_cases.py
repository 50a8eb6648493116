"""The smallest run that has every part: shared by the tests that train."""

from pathlib import Path
from typing import Any

from metric_face.config import Config, load_config


def tiny_config(data: Path, **changes: Any) -> Config:
    """A run of seconds on the toy images; ``changes`` are ``section__key=value``."""
    values: dict[str, Any] = {
        "data": {
            "path": str(data),
            "attributes": ["color", "shape"],
            "size": [32, 32],
            "mean": [
                0.485,
                0.456,
                0.406,
            ],  # stated, so that a run of seconds learns what it did before timm's own
            "std": [0.229, 0.224, 0.225],
            "workers": 0,
            "split": {"val": 0.25},
        },
        "model": {"backbone": "test_resnet", "embedding_size": 16, "pretrained": False},
        "sampler": {"identities": 2, "instances": 4},
        "loss": {"metric": "triplet", "label": "color"},
        "optimizer": {"lr": 3e-3},
        "trainer": {"epochs": 2, "export_onnx": False},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            values.setdefault(section, {})[name] = value
        else:
            values[section] = value
    return load_config(values)
