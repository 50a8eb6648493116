"""Head first: what lies past the backbone is trained on its cached features, before the backbone is trained too."""

import time

import torch

from metric_face.plurals import counted
from metric_face.progress import Say
from metric_face.training.before_training import Before
from metric_face.training.frozen import feature_dataset
from metric_face.training.module import TrainingModule
from metric_face.training.objective import objective_inputs, output_of
from metric_face.training.parameters import parameter_groups
from metric_face.training.process_group import from_first
from metric_face.training.readiness import Readiness
from metric_face.training.schedule import learning_rate_factor


def train_head_first(module: TrainingModule, before: Before, ready: Readiness, say: Say) -> None:
    """Train projection, neck, heads and the losses' own parameters for ``optimizer.freeze_epochs`` epochs.

    Takes seconds and no checkpoint: a training that is stopped here starts over. Ramps of the losses begin after it.
    Of several processes the first trains, on the batches of all.

    Args:
        module: is left with the trained weights.
        before: whose features are trained on.
        ready: configuration and plan.
        say: called with what it took.
    """
    started = time.monotonic()
    module.load_state_dict(from_first(lambda: _trained(module, before, ready)))
    epochs, seconds = ready.config.optimizer.freeze_epochs, time.monotonic() - started
    say(f"head first: {counted(epochs, 'epochs')} on cached features in {seconds:.1f} s")


def _trained(module: TrainingModule, before: Before, ready: Readiness) -> dict[str, torch.Tensor]:
    wanted, sampler = ready.config.optimizer, ready.plan.sampler
    assert before.cached is not None
    data = feature_dataset(before.cached, ready)
    groups = parameter_groups(module, wanted, backbone=False)
    parameters = [p for group in groups for p in group["params"]]
    optimizer = torch.optim.AdamW(groups, lr=wanted.lr)
    steps = wanted.freeze_epochs * len(sampler.epoch_batches(0))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step / steps, wanted.warmup, wanted.final, 1 / steps)
    )
    module.train()
    for epoch in range(wanted.freeze_epochs):
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
    return module.state_dict()
