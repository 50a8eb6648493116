import loss_properties as keeps
import pytest
import torch
import torch.multiprocessing
from f1_rank import batch, one_rank
from sklearn.metrics import f1_score
from torch import Tensor, nn

from metric_face.errors import ArgumentError
from metric_face.losses import SoftF1Loss, absent_class_floor


def sure(targets: Tensor, classes: int) -> Tensor:
    return 200.0 * nn.functional.one_hot(targets, classes).float()


def test_perfect_predictions_cost_nothing_with_4_of_18_classes_present():
    targets = torch.tensor([3, 3, 7, 7, 11, 11, 17, 17])
    assert SoftF1Loss(18)(sure(targets, 18), targets) < 1e-6
    assert absent_class_floor(targets, 18) == pytest.approx(0.7778, abs=1e-4)  # what the copied loss pays


@pytest.mark.parametrize("present", [2, 5])
def test_hard_predictions_cost_one_minus_macro_f1_of_the_classes_present(present):
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(present, (60,), generator=generator)
    guesses = torch.randint(5, (60,), generator=generator)
    expected = 1 - f1_score(targets, guesses, average="macro", labels=list(range(present)))
    assert float(SoftF1Loss(5)(sure(guesses, 5), targets)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("history", [0, 4])
def test_keeps_what_every_loss_keeps(history):
    logits, targets = batch()
    loss = SoftF1Loss(5, history=history).eval()
    keeps.assert_slope_is_derivative(loss, logits, targets)
    keeps.assert_order_does_not_matter(loss, logits, targets)
    keeps.assert_float32_under_autocast(loss, logits, targets)
    keeps.assert_nan_is_not_silent(loss, logits, targets)
    keeps.assert_finite(loss, 1e4 * logits.float(), targets)
    keeps.assert_idle_but_differentiable(loss, logits[:0], targets[:0])


def test_the_gradient_dies_where_it_is_confidently_wrong():
    logits = torch.tensor([[10.0, 0.0], [0.0, 10.0]] * 4)
    wrong = torch.tensor([1, 0] * 4)
    _, f1_slope = keeps.value_and_slope(lambda z: SoftF1Loss(2)(z, wrong), logits)
    _, ce_slope = keeps.value_and_slope(lambda z: nn.functional.cross_entropy(z, wrong), logits)
    assert f1_slope.norm() < 1e-3 * ce_slope.norm()


def test_the_history_makes_batches_add_up_to_the_whole():
    logits, targets = batch(items=40)
    loss = SoftF1Loss(5, history=3)
    for start in (0, 10, 20):
        loss(logits[start : start + 10], targets[start : start + 10])
    last = loss(logits[30:], targets[30:])
    torch.testing.assert_close(
        last, SoftF1Loss(5).eval()(logits, targets), check_dtype=False, atol=1e-6, rtol=0
    )


def test_the_history_forgets_what_is_older():
    loss, (old, old_targets), (logits, targets) = SoftF1Loss(5, history=2), batch(seed=1), batch(seed=2)
    for _ in range(5):
        loss(old, old_targets)
    for _ in range(2):
        loss(logits, targets)
    torch.testing.assert_close(
        loss(logits, targets), SoftF1Loss(5).eval()(logits, targets), atol=1e-6, rtol=0
    )
    assert int(loss.batches) == 2
    loss.reset()
    assert int(loss.batches) == 0
    torch.testing.assert_close(loss(old, old_targets), SoftF1Loss(5).eval()(old, old_targets))


def test_the_gradient_over_a_window_is_the_sum_over_its_batches():
    logits, targets = batch(items=40)
    whole = keeps.value_and_slope(lambda z: SoftF1Loss(5).eval()(z, targets), logits)[1]
    loss = SoftF1Loss(5, history=3)
    for start in (0, 10, 20):
        loss(logits[start : start + 10], targets[start : start + 10])
    last = keeps.value_and_slope(lambda z: loss(z, targets[30:]), logits[30:])[1]
    torch.testing.assert_close(last, 4 * whole[30:], atol=1e-6, rtol=1e-5)


def test_eval_neither_reads_nor_writes_the_history():
    (logits, targets), (others, other_targets) = batch(), batch(seed=1)
    loss = SoftF1Loss(5, history=3)
    loss(others, other_targets)
    before = loss.past.clone()
    torch.testing.assert_close(loss.eval()(logits, targets), SoftF1Loss(5)(logits, targets))
    assert torch.equal(before, loss.past)


def test_its_history_travels_in_the_state_dict():
    (logits, targets), (others, other_targets) = batch(), batch(seed=1)
    loss = SoftF1Loss(5, history=3)
    loss(others, other_targets)
    keeps.assert_state_travels(loss, logits, targets)


def test_names_the_value_of_a_uniform_answer():
    loss, targets = SoftF1Loss(18).eval(), torch.arange(32) // 8
    assert loss.floors() == {}
    value = loss(torch.zeros(32, 18), targets)
    assert loss.floors() == {"uniform answer": pytest.approx(float(value))}


@pytest.mark.slow
def test_shards_on_two_ranks_equal_the_whole(tmp_path):
    torch.multiprocessing.spawn(one_rank, (str(tmp_path / "meet"), str(tmp_path)), nprocs=2)
    logits, targets = batch(items=24)
    loss = SoftF1Loss(5, history=2)
    for _ in range(3):
        value, slope = keeps.value_and_slope(lambda z: loss(z, targets), logits)
    (first, first_slope), (second, second_slope) = (torch.load(tmp_path / f"{r}.pt") for r in (0, 1))
    torch.testing.assert_close(first, value)
    torch.testing.assert_close(second, value)
    # DDP takes the mean of the gradients over ranks, here over disjoint rows
    torch.testing.assert_close(torch.cat([first_slope, second_slope]) / 2, slope)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SoftF1Loss(1), "num_classes must be an integer of at least 2, found 1"),
        (lambda: SoftF1Loss(3, history=-1), "history must be an integer of at least 0, found -1"),
        (
            lambda: SoftF1Loss(3)(torch.ones(4, 2), torch.ones(4).long()),
            "logits must be of shape (B, 3), one column per class, found (4, 2): does num_classes match the head?",
        ),
        (
            lambda: SoftF1Loss(3)(torch.ones(4, 3), torch.full((4,), 3)),
            "targets must lie in 0..2, found 3: drop unlabeled rows or correct num_classes",
        ),
    ],
)
def test_refuses_what_does_not_fit(call, message):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value) == message
