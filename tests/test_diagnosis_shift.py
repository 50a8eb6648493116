"""Shift and resolution: shares of classes in an unlabeled set, and what a validation set can show."""

import numpy as np
import pytest
from diagnosis_cases import found, small_run

from metric_face import diagnose


def _gaussians(count, share, rng):
    labels = (rng.random(count) < share).astype(np.int64)
    return (2.0 * labels[:, None] * [1, 0, 0] + rng.normal(size=(count, 3))).astype(np.float32), labels


@pytest.mark.parametrize("share", [0.07, 0.203, 0.5])
def test_shares_of_an_unlabeled_set_are_estimated_twice(share: float) -> None:
    """Training share .07; counting predictions echoes it, EM and BBSE do not."""
    rng = np.random.default_rng(0)
    points, labels = _gaussians(8000, 0.07, rng)
    new, truth = _gaussians(6000, share, rng)
    result = diagnose(points, labels, unlabeled=new, questions=["shift"])
    table = result.tables["shift.shares"]
    row = dict(zip(table.columns, table.rows[1], strict=True))
    assert row["training"] == pytest.approx(labels.mean())
    assert row["em"] == pytest.approx(truth.mean(), abs=0.02)
    assert row["bbse"] == pytest.approx(truth.mean(), abs=0.03)
    if share > 0.1:
        assert found(result) == ["shift.prior"]
        assert row["echoed"] < truth.mean() - 0.05
        finding = result.findings[0]
        assert finding.measure.low < truth.mean() < finding.measure.high
        assert finding.explained > 0
    else:
        assert found(result) == []


def test_new_images_that_look_different_are_called_so_and_no_shift_of_shares() -> None:
    rng = np.random.default_rng(0)
    points, labels = _gaussians(3000, 0.4, rng)
    new, _ = _gaussians(2000, 0.4, rng)
    new[:, 2] += 2.0
    identities = np.arange(2000)
    result = diagnose(points, labels, unlabeled=new, unlabeled_identities=identities, questions=["shift"])
    assert found(result) == ["shift.domain"]
    assert result.findings[0].measure.value == pytest.approx(0.92, abs=0.03)  # Phi(2 / sqrt 2)


def test_a_rare_class_is_not_evaluated() -> None:
    run = small_run(0, identities=80)
    result = diagnose(**run, unlabeled=run["embeddings"][:100], questions=["shift"])
    assert found(result) == []
    assert "few_identities_in_class" in [a.reason for a in result.abstentions]


def test_resolution_follows_the_number_of_people() -> None:
    differences = []
    for identities in (80, 320):
        result = diagnose(**small_run(0, identities=identities, gap=2.5), questions=["resolution"])
        table = result.tables["resolution.differences"]
        differences.append(table.column("difference")[0])
        expected = ["resolution.too_coarse"] if differences[-1] > 0.05 else []
        assert found(result) == expected
    assert differences[0] > 1.4 * differences[1]
    assert differences[0] > 0.05
