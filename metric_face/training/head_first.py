"""Head first: what lies past the backbone is trained on its cached features, before the backbone is trained too."""

import time
from collections.abc import Mapping

import torch

from metric_face.config import Config
from metric_face.plurals import counted
from metric_face.progress import Say
from metric_face.training.before_training import Before
from metric_face.training.module import TrainingModule
from metric_face.training.on_features import train_past_backbone
from metric_face.training.process_group import from_first
from metric_face.training.readiness import Readiness

STEPS = 600
"""About as many steps the head gets before the backbone moves, where the configuration leaves it open."""

MOST_EPOCHS = 30
"""Of a small set, where 600 steps would show each image a hundred times."""

RATE = 3.0
"""Learning rate of the head alone as a multiple of ``optimizer.lr``: nothing that was learned before is at risk."""


def settle_head_first(config: Config, trained: bool, batches: int, say: Say) -> Config:
    """Put ``optimizer.freeze_epochs`` into effect.

    Args:
        config: what is wanted.
        trained: whether the backbone starts from trained weights.
        batches: of an epoch.
        say: called with one line where the wanted epochs are not used.
    """
    epochs = config.optimizer.freeze_epochs
    if not trained or config.trainer.frozen:
        if epochs not in ("auto", 0):
            why = "trainer.frozen trains nothing but the head" if trained else "there are no trained weights"
            say(f"optimizer.freeze_epochs={epochs}: is not used, {why}")
        epochs = 0
    elif epochs == "auto":
        epochs = min(MOST_EPOCHS, max(1, round(STEPS / batches)))
    return config.model_copy(
        update={"optimizer": config.optimizer.model_copy(update={"freeze_epochs": epochs})}
    )


def train_head_first(
    module: TrainingModule,
    before: Before,
    ready: Readiness,
    scores: Mapping[str, float],
    monitor: str,
    say: Say,
) -> Mapping[str, float]:
    """Train projection, neck, heads and the losses' own parameters for ``optimizer.freeze_epochs`` epochs.

    Takes seconds and no checkpoint: a training that is stopped here starts over. Ramps of the losses begin after it.
    Of several processes the first trains, on the batches of all. Where it ends below its start, the start is kept.

    Args:
        module: is left with the better weights.
        before: whose features are trained on.
        ready: configuration, settled, and plan.
        scores: of the module as it is.
        monitor: the score that says what is better.
        say: called with what it took and brought.

    Returns:
        The scores of the module as it is left.
    """
    started = time.monotonic()
    start = {name: value.clone() for name, value in module.state_dict().items() if torch.is_tensor(value)}
    module.load_state_dict(from_first(lambda: _trained(module, before, ready)))
    reached = module.score(before.val_batches(ready))
    kept = reached.get(monitor, 0.0) >= scores.get(monitor, 0.0)
    line = f"head first: {counted(ready.config.optimizer.head_epochs, 'epochs')} on cached features"
    change = f"{monitor} {scores.get(monitor, 0.0):.3f} to {reached.get(monitor, 0.0):.3f}"
    say(f"{line} in {time.monotonic() - started:.1f} s: {change}{'' if kept else ', so it is left out'}")
    if kept:
        return reached
    module.load_state_dict({**module.state_dict(), **start})
    return scores


def _trained(module: TrainingModule, before: Before, ready: Readiness) -> dict[str, torch.Tensor]:
    assert before.cached is not None
    train_past_backbone(module, before.cached, ready, ready.config.optimizer.head_epochs, RATE)
    return module.state_dict()
