"""seeded: torch's default generator, which torchvision draws from, set by numbers for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """While the block runs, what torchvision draws depends on these numbers alone; afterwards all is as before."""
    generator = torch.default_generator  # torchvision takes no other
    state = generator.get_state()
    sequence = np.random.SeedSequence(list(numbers))
    generator.manual_seed(int(sequence.generate_state(1, np.uint64)[0]) >> 1)
    try:
        yield
    finally:
        generator.set_state(state)
