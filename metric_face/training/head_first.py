"""Head first: what lies past the backbone is trained on its cached features, before the backbone is trained too."""

import time

import torch

from metric_face.plurals import counted
from metric_face.progress import Say
from metric_face.training.before_training import Before
from metric_face.training.module import TrainingModule
from metric_face.training.on_features import train_past_backbone
from metric_face.training.process_group import from_first
from metric_face.training.readiness import Readiness


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
    assert before.cached is not None
    train_past_backbone(module, before.cached, ready, ready.config.optimizer.freeze_epochs)
    return module.state_dict()
