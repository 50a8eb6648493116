"""The score of the stored logits and the training log's are compared."""

import pytest

from metric_face.evaluation.log_check import differs_from_log


@pytest.mark.parametrize(
    ("best", "score", "images"), [(0.8, 0.8, 100), (0.8, 0.785, 1000), (0.8, 0.75, 50), (0.75, 0.8, 50)]
)
def test_what_another_precision_may_change_is_no_difference(best: float, score: float, images: int) -> None:
    assert differs_from_log({"monitor": "val/macro_f1", "best": best}, score, images) is None


@pytest.mark.parametrize(("best", "score", "images"), [(0.8, 0.4, 100), (0.4, 0.8, 100), (0.8, 0.77, 1000)])
def test_another_model_is_told(best: float, score: float, images: int) -> None:
    said = differs_from_log({"monitor": "val/macro_f1", "best": best}, score, images)
    assert said is not None
    assert f"macro F1 {best:.3f} for the best epoch and the stored logits reach {score:.3f}" in said


@pytest.mark.parametrize("facts", [{}, {"monitor": "val/recall@1", "best": 0.9}, {"monitor": "val/macro_f1"}])
def test_a_log_without_the_number_says_nothing(facts: dict[str, object]) -> None:
    assert differs_from_log(facts, 0.1, 1000) is None
