"""A training and the audit refuse the same, in the same words, before an image is read."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from metric_face.auditing.checking import audit
from metric_face.config import dump_config
from metric_face.errors import MetricFaceError
from metric_face.training import readiness
from metric_face.training.fitting import fit
from tests.training_cases import tiny_config


def _refusals(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: object
) -> tuple[str, str]:
    """What a training and the audit say; the training must not have read an image."""
    config = tiny_config(toy, **changes)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    audited = audit(tmp_path / "config.yaml").refusal
    read: list[object] = []
    monkeypatch.setattr(
        "metric_face.data.preparation.find_broken", lambda *given, **named: read.append(1) or {}
    )
    with pytest.raises(MetricFaceError) as refused:
        fit(config, tmp_path / "run", quiet=True)
    assert not read
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "run"))] == []
    return str(refused.value), audited


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__weights": "nowhere.safetensors"}, "model.weights=nowhere.safetensors: no such file"),
        ({"model__weights": "other.safetensors"}, "lacks"),
        ({"model__backbone": "resnet17"}, "backbone='resnet17': must be a timm model"),
        (
            {"model": {"backbone": "test_resnet", "pretrained": False, "pooling": "token"}},
            "model.pooling=token: ResNet has no class token",
        ),
        ({"trainer__loggers": ["wandb"]}, "trainer.loggers: wandb is not installed"),
        ({"loss__metric": "pml.ArcFaceLoss"}, "pip install pytorch-metric-learning"),
        ({"loss__surgery": "pcgrad", "trainer__devices": 2}, "loss.surgery=pcgrad: works in one process"),
        ({"trainer__compile": True}, "trainer.compile=True: needs a C++ compiler, found no my-compiler"),
        ({"optimizer__accumulate": 10_000}, "optimizer.accumulate=10000: must be at most"),
        ({"trainer__monitor": "val/macro_f1/nope"}, "must name an attribute that is predicted"),
        ({"loss__label": "nope"}, "nope"),
        ({"data__attributes": ["color", "nope"]}, "nope"),
    ],
)
def test_both_refuse_early(
    toy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_file({"a": torch.zeros(2)}, "other.safetensors")
    monkeypatch.setenv("CXX", "my-compiler")
    for name in ("wandb", "pytorch_metric_learning"):
        monkeypatch.setitem(sys.modules, name, None)
    trained, audited = _refusals(toy, tmp_path, monkeypatch, **changes)
    assert message in trained
    assert audited == trained
    assert "\n" not in trained


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, []),
        (
            {"sampler": {"batches": "shuffled", "identities": 4, "spread": False}},
            ["sampler.identities=4, sampler.spread=False: not used with sampler.batches=shuffled"],
        ),
        (
            {"sampler": {"identities": 2, "instances": 4, "batch_size": 32}},
            ["sampler.batch_size=32: not used with sampler.batches=identity"],
        ),
        (
            {"sampler": {"spread": False}, "loss__label": "identity"},
            ["sampler.spread=False: not used with loss.label=identity"],
        ),
    ],
)
def test_settings_that_are_not_used_are_reported(
    toy: Path, changes: dict[str, object], lines: list[str]
) -> None:
    assert readiness.check_settings(tiny_config(toy, **changes)) == lines


def test_checking_the_backbone_draws_nothing(toy: Path) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    readiness.check_settings(tiny_config(toy))
    assert torch.equal(torch.get_rng_state(), before)
