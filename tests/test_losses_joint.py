import math

import pytest
import torch
from torch import nn

from metric_face.errors import ArgumentError
from metric_face.losses import (
    CrossEntropy,
    JointLoss,
    LossTerm,
    SoftF1Loss,
    TripletLoss,
    absent_class_floor,
    resolve_metric_loss,
)


def three(**f1) -> JointLoss:
    return JointLoss(
        {
            "triplet": LossTerm(TripletLoss(), weight=0.5),
            "ce": CrossEntropy(3),
            "f1": LossTerm(SoftF1Loss(3, history=0), **({"ramp": 4} | f1)),
        }
    )


def inputs():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(12, 3, generator=generator, requires_grad=True)
    labels = torch.arange(12) % 3
    return {"triplet": (points, labels, None), "ce": (points, labels), "f1": (points, labels)}


def test_the_total_is_the_weighted_sum_with_its_gradient():
    joint, given = three(), inputs()
    result = joint(given)
    points, labels, _ = given["triplet"]
    by_hand = (
        0.5 * TripletLoss()(points, labels)
        + nn.functional.cross_entropy(points, labels)
        + 0.2 * SoftF1Loss(3, history=0)(points, labels)
    )
    torch.testing.assert_close(result.total, by_hand)
    (slope,) = torch.autograd.grad(result.total, points, retain_graph=True)
    torch.testing.assert_close(slope, torch.autograd.grad(by_hand, points)[0])
    assert result.terms["triplet"].weight == 0.5
    torch.testing.assert_close(result.terms["triplet"].weighted, 0.5 * result.terms["triplet"].raw)


def test_logs_every_part_weighted_and_unweighted_without_a_graph():
    row = three()(inputs()).log("train")
    assert [*row] == [
        "train",
        "train/triplet",
        "train/triplet.weighted",
        "train/ce",
        "train/ce.weighted",
        "train/f1",
        "train/f1.weighted",
    ]
    assert not any(value.requires_grad for value in row.values())


def test_ramps_wait_then_rise_evenly_then_stay():
    term = LossTerm(nn.Identity(), weight=2.0, start=3, ramp=4)
    assert [term.weight_at(step) for step in range(10)] == pytest.approx(
        [0, 0, 0, 0.4, 0.8, 1.2, 1.6, 2, 2, 2]
    )
    assert LossTerm(nn.Identity()).weight_at(0) == 1.0


def test_steps_are_counted_in_training_and_travel_in_the_state_dict():
    joint, given = three(), inputs()
    joint(given)
    joint(given)
    joint.eval()(given)
    assert joint.step == 2
    assert joint.weights() == {"triplet": 0.5, "ce": 1.0, "f1": pytest.approx(0.6)}
    fresh = three()
    fresh.load_state_dict(joint.state_dict())
    assert fresh.step == 2


def test_a_part_of_no_weight_still_reaches_its_parameters():
    joint = JointLoss(
        {
            "ce": CrossEntropy(3),
            "arc": LossTerm(resolve_metric_loss("pml.ArcFaceLoss", num_classes=3, embedding_size=3), start=5),
        }
    )
    given = inputs()
    points, labels, _ = given["triplet"]
    joint({"ce": (points, labels), "arc": (points, labels)}).total.backward()
    (weight,) = joint.parameters()
    assert torch.equal(weight.grad, torch.zeros_like(weight))


def test_names_the_parts_that_sit_at_their_floor():
    joint = JointLoss(
        {
            "soft": TripletLoss("soft"),
            "hard": TripletLoss(0.3),
            "ce": CrossEntropy(3),
            "f1": LossTerm(SoftF1Loss(3), ramp=1),
        }
    )
    labels = torch.arange(12) % 3
    flat, good = torch.ones(12, 3), 9 * nn.functional.one_hot(labels, 3).float()
    for _ in range(49):
        joint({"soft": (flat, labels), "hard": (flat, labels), "ce": (good, labels), "f1": (flat, labels)})
    assert joint.at_floor() == []
    joint({"soft": (flat, labels), "hard": (flat, labels), "ce": (good, labels), "f1": (flat, labels)})
    found = joint.at_floor()
    assert [(f.term, f.floor) for f in found] == [
        ("soft", "ln 2"),
        ("hard", "margin"),
        ("f1", "uniform answer"),
    ]
    assert found[0].value == pytest.approx(math.log(2))
    assert str(found[1]) == "hard sits at its floor, margin = 0.3000 (mean 0.3000 of 50 steps)"
    for _ in range(50):
        joint({"soft": (good, labels), "hard": (good, labels), "ce": (flat, labels), "f1": (good, labels)})
    assert [(f.term, f.floor) for f in joint.at_floor()] == [("ce", "ln 3")]


class CopiedF1(nn.Module):
    """The soft F1 of shared code: every class counts, and an absent one scores 0."""

    def forward(self, logits, targets):
        p, y = logits.softmax(1), nn.functional.one_hot(targets, logits.shape[1])
        tp, fp, fn = (p * y).sum(0), (p * (1 - y)).sum(0), ((1 - p) * y).sum(0)
        return 1 - (2 * tp / (2 * tp + fp + fn + 1e-7)).mean()


def test_a_foreign_loss_can_name_a_floor_that_moves_with_the_batch():
    floors = {"1 - present / C": lambda logits, targets: absent_class_floor(targets, 18), "ln 2": math.log(2)}
    joint = JointLoss({"copied": LossTerm(CopiedF1(), floors=floors)})
    for step in range(50):
        targets = torch.arange(12) % (3 + step % 3)
        joint({"copied": (50.0 * nn.functional.one_hot(targets, 18).float(), targets)})
    (found,) = joint.at_floor()
    assert found.floor == "1 - present / C"
    assert found.value == pytest.approx(1 - 4 / 18, abs=0.002)


def test_evaluation_does_not_enter_the_watch():
    joint, given = three().eval(), inputs()
    for _ in range(60):
        joint(given)
    assert joint.at_floor() == []


def test_state_of_the_parts_travels():
    joint = JointLoss({"ce": CrossEntropy(3), "f1": LossTerm(SoftF1Loss(3, history=2), ramp=3)})
    points, labels, _ = inputs()["triplet"]
    given = {"ce": (points.detach(), labels), "f1": (points.detach(), labels)}
    joint(given)
    fresh = JointLoss({"ce": CrossEntropy(3), "f1": LossTerm(SoftF1Loss(3, history=2), ramp=3)})
    fresh.load_state_dict(joint.state_dict())
    torch.testing.assert_close(joint(given).total, fresh(given).total)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: JointLoss({}), "terms must name at least one loss, found none"),
        (
            lambda: JointLoss({"type": CrossEntropy(2)}),
            "terms: 'type' is taken by torch's ModuleDict: choose another name",
        ),
        (lambda: JointLoss({"a.b": CrossEntropy(2)}), "terms: a name must be text without dots"),
        (
            lambda: JointLoss({"a": abs}),
            "terms: the loss of 'a' must be a torch module, found builtin_function_or_method",
        ),
        (
            lambda: JointLoss({"a": LossTerm(CrossEntropy(2), weight=-1)}),
            "terms: weight of 'a' must be at least 0, found -1",
        ),
        (
            lambda: JointLoss({"a": LossTerm(CrossEntropy(2), ramp=math.nan)}),
            "terms: ramp of 'a' must be at least 0, found nan",
        ),
        (
            lambda: JointLoss({"t": TripletLoss(), "f": LossTerm(SoftF1Loss(2), ramp=9)}),
            "terms: 'f' is a SoftF1Loss, whose gradient dies where the model is confidently wrong, and stands "
            "without a cross-entropy: add a CrossEntropy term",
        ),
        (
            lambda: JointLoss({"ce": CrossEntropy(2), "f": SoftF1Loss(2)}),
            "terms: 'f' is a SoftF1Loss, whose gradient dies where the model is confidently wrong, and has ramp 0 "
            "and start 0: let cross-entropy lead, such as ramp=500",
        ),
        (
            lambda: JointLoss({"ce": CrossEntropy(2)})({"cd": ()}),
            "inputs must name exactly the terms ['ce'], found ['cd']",
        ),
    ],
)
def test_refuses_what_does_not_fit(call, message):
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value).startswith(message)
