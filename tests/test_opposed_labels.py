"""Settings that work against each other are named before a training by the audit, and after it by why."""

import numpy as np
import pandas as pd
import pytest
from diagnosis_cases import found, small_run
from PIL import Image

from metric_face import diagnose
from metric_face.auditing.checking import audit
from metric_face.config import load_config
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.diagnosis.report.sentences import finding_text
from metric_face.training.opposed_labels import opposed_attributes

AGAINST = ("loss.metric=triplet", "loss.label=identity", "model.neck=none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """12 identities of 4 pictures: a gender that belongs to the identity, a mask that does not."""
    folder = tmp_path_factory.mktemp("opposed")
    rng = np.random.default_rng(0)
    rows = []
    for at in range(48):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(folder / f"{at}.png")
        who = at // 4
        rows.append((f"{at}.png", f"i{who}", "mf"[who % 2], "on" if at % 2 else "off"))
    pd.DataFrame(rows, columns=["path", "identity", "gender", "mask"]).to_csv(
        folder / "images.csv", index=False
    )
    return folder


def _opposed(folder, *overrides):
    table = ImageTable.read(folder / "images.csv")
    return opposed_attributes(
        load_config("small", overrides), table, LabelSpace.of(table, ["gender", "mask"])
    )


def test_only_what_varies_within_identities_is_opposed(folder) -> None:
    assert _opposed(folder, *AGAINST) == ("mask",)


@pytest.mark.parametrize(
    "mended", ["model.neck=bn", "loss.label=joint", "loss.metric=none", "model.neck=cosine"]
)
def test_each_remedy_ends_it(folder, mended) -> None:
    assert _opposed(folder, *AGAINST, mended) == ()


def test_the_audit_says_it_before_training(folder) -> None:
    settings = [
        *AGAINST,
        "data.attributes=[gender, mask]",
        "model.backbone=test_resnet",
        "model.pretrained=false",
    ]
    report = audit(folder / "images.csv", settings)
    assert report.refusal == ""
    finding = next(f for f in report.findings if f.id == "opposed-labels")
    assert "mask differ within identities" in finding.sentence
    assert "model.neck=bn" in finding.remedy
    without = audit(folder / "images.csv", [*settings, "model.neck=bn"])
    assert "opposed-labels" not in [f.id for f in without.findings]


def test_why_says_the_same_of_the_settings() -> None:
    run = small_run(0, identities=60)
    result = diagnose(**run, settings={"opposed_attributes": ("mask",)}, questions=["setup"])
    assert found(result) == ["setup.opposed_labels"]
    assert "model.neck=bn" in finding_text(result.findings[0])["next"]
    assert found(diagnose(**run, questions=["setup"])) == []


@pytest.mark.parametrize(("metric", "advised"), [("none", False), ("triplet", True)])
def test_a_remedy_for_the_metric_loss_is_given_only_where_there_is_one(metric, advised) -> None:
    run = small_run(0, identities=100)
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(24, 1)))[0]
    run["embeddings"] = run["embeddings"] @ plane @ plane.T + 1e-3 * rng.normal(size=run["embeddings"].shape)
    result = diagnose(**run, settings={"metric": metric}, questions=["health"])
    assert found(result)[0].startswith("health.")
    assert ("metric loss" in finding_text(result.findings[0])["next"]) is advised
