"""freeze_unread: parameters that the output does not depend on, which one process never trains and several wait for."""

import torch

from metric_face.models import EmbeddingModel


def freeze_unread(model: EmbeddingModel, size: tuple[int, int]) -> list[str]:
    """Leave out of the training what no output depends on, such as a last norm that the pooling goes around.

    Such a parameter never gets a gradient, which changes nothing in one process; DDP would wait for it forever.

    Args:
        model: is asked with two images of noise, and left as it was.
        size: of the images, in pixels.

    Returns:
        The names of the parameters.
    """
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    noise = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    mode = model.training
    model.eval()
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        output = model(noise)
        total = sum((value.sum() for value in (output.metric, *output.logits.values())), torch.zeros(()))
        found = torch.autograd.grad(total, list(trained.values()), allow_unused=True)
    model.train(mode)
    unread = [name for name, gradient in zip(trained, found, strict=True) if gradient is None]
    for name in unread:
        trained[name].requires_grad_(False)
    return unread
