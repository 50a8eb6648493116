"""The audit starts light: it loads no PyTorch unless the settings name a model that has to be tried."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metric_face.auditing.checking import audit
from metric_face.config import load_config, recipes
from metric_face.training import readiness
from metric_face.training.starting import choose_start
from tests.training_cases import tiny_config

HEAVY = ("torch", "timm", "torchvision", "lightning", "sklearn", "faiss", "umap", "matplotlib")
SCRIPT = f"""
import sys
from metric_face.cli import main
try:
    main()
except SystemExit as ended:
    print("ended", ended.code)
print("loaded", *(name for name in {HEAVY} if name in sys.modules))
"""


def loaded_by(*words: str | Path, code: int | None) -> set[str]:
    """Which heavy packages a command has loaded by its end."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    ended, loaded = done.stdout.splitlines()[-2:]
    assert ended == f"ended {code}", done.stderr
    return set(loaded.split()[1:])


@pytest.mark.slow
def test_the_audit_loads_no_pytorch(toy: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes"
    for number, image in enumerate(sorted((toy / "images").rglob("*.*"))[:24]):
        target = classes / f"{number % 4}" / image.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(image.read_bytes())
    settings = ("--set", "data.attributes=[color]")
    assert loaded_by("audit", "--help", code=0) == set()
    assert loaded_by("audit", toy / "images.csv", *settings, code=0) == set()
    assert loaded_by("audit", toy / "images.csv", *settings, "--out", tmp_path / "page.html", code=0) == set()
    assert loaded_by("audit", classes, "--json", code=0) == set()
    assert loaded_by("audit", tmp_path / "absent.csv", code=1) == set()
    one = ("--set", "model.backbone=resnet18d")  # must be tried
    assert "timm" in loaded_by("audit", toy / "images.csv", *settings, *one, code=0)


@pytest.mark.parametrize("backbone", readiness._PLAIN)
def test_what_is_not_tried_passes_the_trial(backbone: str) -> None:
    for size in ("auto", [32, 32], [33, 47], [96, 96], [256, 192]):
        given = [f"model.backbone={backbone}", "model.pretrained=false", f"data.size={size}"]
        told: list[str] = []
        settled, start = choose_start(load_config("small", given), told.append)
        assert not told
        if size != "auto":
            assert list(settled.data.size) == size
        for pooling in ("auto", "avg", "gem") if size == [33, 47] else ():
            model = settled.model.model_copy(update={"pooling": pooling})
            assert start.build(settled.model_copy(update={"model": model}), {"kind": 3}, told.append)


def test_no_recipe_needs_a_trial() -> None:
    assert {load_config(name).model.backbone for name in recipes()} <= set(readiness._PLAIN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"backbone": "resnet18", "pooling": "token"}}, "has no class token"),
        ({"model": {"backbone": "resnet18", "weights": "nowhere.safetensors"}}, "no such file"),
        ({"model": {"backbone": "resnet18"}, "data__size": [8, 32]}, ""),
    ],
)
def test_other_settings_of_these_are_tried(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], message: str
) -> None:
    tried: list[object] = []
    whole = choose_start
    monkeypatch.setattr(
        "metric_face.training.starting.choose_start",
        lambda *given: tried.append(given) or whole(*given),
    )
    from metric_face.config import dump_config

    (tmp_path / "config.yaml").write_text(dump_config(tiny_config(toy, **changes)))
    assert message in audit(tmp_path / "config.yaml").refusal
    assert tried
