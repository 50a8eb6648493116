"""The loss that a configuration asks for: a metric loss and classifiers, joined by name."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from metric_face.arrays import Doubles, Ints
from metric_face.batches import METRIC
from metric_face.config import LossConfig, TeacherConfig
from metric_face.data import Codes
from metric_face.losses import (
    CrossEntropy,
    EmbeddingDistillation,
    FocalLoss,
    JointLoss,
    LogitAdjustedCrossEntropy,
    LogitDistillation,
    LossTerm,
    NumberLoss,
    SoftF1Loss,
    class_prior,
    effective_number_weights,
    gathered,
    ranks,
)
from metric_face.models import LEAST_SCALE, ModelOutput
from metric_face.training.head_kinds import spread_of
from metric_face.training.metric_term import build_metric_loss
from metric_face.training.mixing import PARTNER, SHARE, is_mixed
from metric_face.training.teacher import Teacher

TEACHER = "teacher/embedding"
"""The term towards the teacher's embedding."""


def build_objective(
    config: LossConfig,
    codes: Mapping[str, Codes],
    drawn: Ints,
    num_classes: Mapping[str, int],
    *,
    embedding_size: int,
    teacher: Teacher | None = None,
    distilled: TeacherConfig | None = None,
    numbers: Mapping[str, Doubles] | None = None,
) -> JointLoss:
    """Build the joint loss.

    Args:
        config: the section ``loss``.
        codes: head -> (N,) codes of the training images; those that the metric loss separates under ``metric``.
        drawn: rows of the images of an epoch as the sampler draws them; the prior of logit adjustment and the counts
            of class weights are taken from these, because the model is trained on these.
        num_classes: head -> C.
        embedding_size: D.
        teacher: what a teacher makes of the training images, or None.
        distilled: the section ``teacher``, where there is one.
        numbers: head -> (N,) what a regression head learns.

    Returns:
        The loss; its terms are ``metric``, ``<head>/ce`` (``<head>/number`` of a regression head), ``<head>/f1``,
        ``teacher/embedding`` and ``<head>/teacher``.
    """
    terms: dict[str, LossTerm] = {}
    if config.metric != "none":
        metric = build_metric_loss(config, int(codes[METRIC].max()) + 1, embedding_size)
        terms[METRIC] = LossTerm(metric, config.metric_weight, ramp=config.metric_ramp)
    for head, count in num_classes.items():
        if numbers is not None and head in numbers:
            least = LEAST_SCALE * spread_of(numbers[head])
            learned = NumberLoss(torch.from_numpy(numbers[head]), least)
            terms[term_name(head, "number")] = LossTerm(learned, config.classifier_weight)
        else:
            classifier = _classifier(config, torch.from_numpy(codes[head][drawn]), count)
            terms[term_name(head, "ce")] = LossTerm(classifier, config.classifier_weight)
        if config.f1_weight:
            soft_f1 = SoftF1Loss(count)
            terms[term_name(head, "f1")] = LossTerm(soft_f1, config.f1_weight, ramp=max(1, config.f1_ramp))
    if teacher is not None and distilled is not None:
        terms |= _towards(teacher, distilled, num_classes, embedding_size)
    return JointLoss(terms)


def _towards(
    teacher: Teacher, distilled: TeacherConfig, num_classes: Mapping[str, int], embedding_size: int
) -> dict[str, LossTerm]:
    """The terms towards a teacher's embedding and logits, where they have a weight."""
    terms: dict[str, LossTerm] = {}
    if distilled.embedding_weight:
        terms[TEACHER] = LossTerm(
            EmbeddingDistillation(teacher.embeddings, embedding_size), distilled.embedding_weight
        )
    if distilled.logits_weight:
        for head in (name for name in num_classes if name in teacher.logits):
            loss = LogitDistillation(teacher.logits[head], distilled.temperature)
            terms[term_name(head, "teacher")] = LossTerm(loss, distilled.logits_weight)
    return terms


INPUTS = ("image", "features", "mirrored")
"""The columns of a batch that the model reads; all others are labels."""


def output_of(model: Callable[..., Any], batch: Mapping[str, Tensor]) -> ModelOutput:
    """What the model makes of a batch of images, or of cached features."""
    if "features" in batch:
        output: ModelOutput = model(features=batch["features"])
    else:
        output = model(batch["image"].contiguous(memory_format=torch.channels_last))
    return output


def mirror_of(batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The mirror images of a batch of images, or their features."""
    return {"features": batch["mirrored"]} if "features" in batch else {"image": batch["image"].flip(3)}


def mean_output(first: ModelOutput, second: ModelOutput) -> ModelOutput:
    """The mean of what the model makes of two copies of the same images."""
    logits = {name: (values + second.logits[name]) / 2 for name, values in first.logits.items()}
    return ModelOutput(
        (first.metric + second.metric) / 2, (first.embedding + second.embedding) / 2, logits, first.numbers
    )


def over_all_ranks(
    output: ModelOutput, batch: Mapping[str, Tensor], *, embedding: bool = False
) -> tuple[ModelOutput, Mapping[str, Tensor]]:
    """What losses read of the batches of all processes, as :func:`gathered` joins them; the rest is left out.

    ``embedding``: whether a loss reads the embedding too, and not only what the metric loss sees.
    """
    if ranks() == 1:
        return output, batch
    logits = {name: gathered(values) for name, values in output.logits.items()}
    numbers = {name: gathered(values) for name, values in output.numbers.items()}
    columns = {name: gathered(column) for name, column in batch.items() if name not in INPUTS}
    metric = gathered(output.metric)
    read = gathered(output.embedding) if embedding else metric
    return ModelOutput(metric=metric, embedding=read, logits=logits, numbers=numbers), columns


def objective_inputs(
    objective: JointLoss, output: ModelOutput, batch: Mapping[str, Tensor]
) -> dict[str, tuple[Tensor, ...] | None]:
    """Hand each term what it reads of a batch; of a mixed one the metric loss and a teacher read nothing."""
    inputs: dict[str, tuple[Tensor, ...] | None] = {}
    if METRIC in objective.terms:
        inputs[METRIC] = (output.metric, batch[METRIC], batch["index"])
    for head, logits in output.logits.items():
        if head in output.numbers:
            mixed_in = (batch[PARTNER], batch[SHARE]) if is_mixed(batch) else ()
            inputs[term_name(head, "number")] = (output.numbers[head], batch["index"], *mixed_in)
        else:
            inputs[term_name(head, "ce")] = (logits, batch[head])
        if term_name(head, "f1") in objective.terms:
            inputs[term_name(head, "f1")] = (logits, batch[head])
        if term_name(head, "teacher") in objective.terms:
            inputs[term_name(head, "teacher")] = (logits, batch["index"])
    if TEACHER in objective.terms:
        inputs[TEACHER] = (output.embedding, batch["index"])
    if is_mixed(batch):
        inputs |= dict.fromkeys(
            name for name in inputs if name in (METRIC, TEACHER) or name.endswith("/teacher")
        )
    return inputs


def term_name(head: str, kind: str) -> str:
    """The name of a head's term; a dot would split the key in the state dict."""
    return f"{head.replace('.', '_')}/{kind}"


def _classifier(config: LossConfig, drawn: Tensor, count: int) -> torch.nn.Module:
    weights = None
    if config.class_balance:
        weights = effective_number_weights(
            torch.bincount(drawn, minlength=count).clamp(min=1), config.class_balance
        )
    if config.classifier == "focal":
        return FocalLoss(count, class_weights=weights)
    if config.classifier == "logit_adjusted":
        return LogitAdjustedCrossEntropy(class_prior(drawn, count, smoothing=1.0))
    return CrossEntropy(count, label_smoothing=config.label_smoothing, class_weights=weights)
