"""Training what lies past a frozen backbone on its cached features: the loop alone, without a run or a checkpoint."""

import torch

from metric_face.features import AffineMap
from metric_face.progress import silent
from metric_face.training.before_training import start_at
from metric_face.training.components import head_sizes
from metric_face.training.frozen import CachedSplits, feature_dataset, freeze_backbone
from metric_face.training.head_kinds import head_kinds, head_numbers
from metric_face.training.module import TrainingModule
from metric_face.training.objective import build_objective, objective_inputs, output_of
from metric_face.training.parameters import parameter_groups
from metric_face.training.readiness import Readiness
from metric_face.training.schedule import learning_rate_factor
from metric_face.training.starting import StartingPoint


def fit_on_features(
    ready: Readiness, cached: CachedSplits, origin: StartingPoint, start: AffineMap | None, epochs: int
) -> TrainingModule:
    """Build projection, neck, heads and loss as a training with ``trainer.frozen`` has them, and train them.

    Nothing is validated or chosen: the last weights are the result. The weights of the backbone are never read.

    Args:
        ready: configuration, settled, and plan; the plan's training images are the rows ``cached.train``.
        cached: the features.
        origin: names the backbone.
        start: where the projection starts; None where it starts at random, or there is none.
        epochs: of the sampler.

    Returns:
        The trained module, in evaluation mode.
    """
    config, plan = ready.config, ready.plan
    heads = head_sizes(ready.data.space, config)
    numbers = head_numbers(config, ready.data.space, plan.train)
    model = origin.build(config, heads, silent, head_kinds(config, ready.data.space, numbers))
    freeze_backbone(model)
    if start is not None:
        start_at(model, start)
    drawn = plan.sampler.epoch_batches(0).ravel()
    objective = build_objective(
        config.loss, plan.codes, drawn, heads, embedding_size=model.embedding_size, numbers=numbers
    )
    module = TrainingModule(model, objective, config, ready.data.space)
    train_past_backbone(module, cached, ready, epochs)
    return module.eval()


def train_past_backbone(
    module: TrainingModule, cached: CachedSplits, ready: Readiness, epochs: int, rate: float = 1.0
) -> None:
    """Train all of a module but its backbone on cached features, the learning rate falling over these epochs.

    Args:
        module: is left in training mode with the trained weights, and its ramps begin anew.
        cached: the features.
        ready: configuration and plan.
        epochs: of the sampler.
        rate: highest learning rate as a multiple of ``optimizer.lr``.
    """
    wanted, sampler = ready.config.optimizer, ready.plan.sampler
    data = feature_dataset(cached, ready)
    groups = parameter_groups(module, wanted, backbone=False)
    parameters = [p for group in groups for p in group["params"]]
    optimizer = torch.optim.AdamW(groups, lr=wanted.lr)
    steps = epochs * len(sampler.epoch_batches(0))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: rate * learning_rate_factor(step / steps, wanted.warmup, wanted.final, 1 / steps),
    )
    module.train()
    for epoch in range(epochs):
        data.set_epoch(epoch)
        for rows in sampler.epoch_batches(epoch):
            batch = data.__getitems__(rows.tolist())
            output = output_of(module.model, batch)
            loss = module.objective(objective_inputs(module.objective, output, batch)).total
            optimizer.zero_grad()
            loss.backward()
            if wanted.clip:
                torch.nn.utils.clip_grad_norm_(parameters, wanted.clip)
            optimizer.step()
            schedule.step()
    optimizer.zero_grad()
    module.objective.step = 0
