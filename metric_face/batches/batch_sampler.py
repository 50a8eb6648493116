"""The batches of a training: P identities with K images each, or shuffled; P and K where they are left open."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from metric_face.arrays import combined_codes
from metric_face.batches.batch_labels import METRIC
from metric_face.batches.oversampling import Oversampling
from metric_face.config import Config
from metric_face.data import Codes, ImageTable
from metric_face.errors import ConfigError
from metric_face.samplers import RandomIdentitySampler, rank_and_world


class ShuffledBatches:
    """Shuffled batches of all images, with the identity sampler's epochs, ranks and state.

    The last batch is dropped where it is not full, and so are batches that the ranks cannot share equally; a set
    too small for a batch in each makes one smaller batch in each of what there is.

    Args:
        num_images: N.
        batch_size: B.
        seed: hashed together with the epoch.
        oversampling: which images come again; None shows each once.
    """

    def __init__(
        self, num_images: int, batch_size: int, seed: int = 0, oversampling: Oversampling | None = None
    ) -> None:
        self.num_images = num_images if oversampling is None else oversampling.num_drawn
        self.batch_size, self.seed = min(batch_size, num_images), seed
        self.oversampling = oversampling
        self.epoch = 0
        self._start = 0
        self._begun = False

    @property
    def sampler(self) -> "ShuffledBatches":
        """Itself: Lightning calls ``set_epoch`` on the batch sampler's ``sampler``."""
        return self

    def epoch_batches(self, epoch: int | None = None) -> np.ndarray[Any, Any]:
        """The batches of all ranks, (batches, B)."""
        generator = np.random.default_rng([self.seed, self.epoch if epoch is None else epoch])
        world = rank_and_world(None, None)[1]
        size = max(1, min(self.batch_size, self.num_images // world))
        batches = max(1, self.num_images // size // world) * world
        if self.oversampling is None:
            order = generator.permutation(self.num_images)
        else:
            order = generator.permutation(self.oversampling.rows(generator))
        rows = np.resize(order, batches * size)
        return rows.reshape(batches, size)

    def __len__(self) -> int:
        rank, world = rank_and_world(None, None)
        return len(range(rank, len(self.epoch_batches()), world))

    def __iter__(self) -> Iterator[list[int]]:
        if self._begun:
            self.epoch, self._start = self.epoch + 1, 0
        self._begun = True
        rank, world = rank_and_world(None, None)
        yield from self.epoch_batches()[rank::world][self._start :].tolist()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields."""
        if epoch != self.epoch or self._begun:
            self.epoch, self._start, self._begun = epoch, 0, False

    def state_dict(self, consumed: int) -> dict[str, int]:
        """Where to go on, after ``consumed`` batches of this epoch."""
        return {"seed": self.seed, "epoch": self.epoch, "consumed": consumed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where a state was taken."""
        self.seed, self.epoch, self._start, self._begun = (
            state["seed"],
            state["epoch"],
            state["consumed"],
            False,
        )
        if self._start >= len(self):
            self.epoch, self._start = self.epoch + 1, 0


def make_sampler(
    table: ImageTable, codes: Mapping[str, Codes], config: Config
) -> "RandomIdentitySampler | ShuffledBatches":
    """The batch sampler of the training images; ``loss.label`` decides which images are grouped."""
    wanted = config.sampler
    if not config.identity_batches:
        return ShuffledBatches(
            len(table), wanted.batch_size, config.seed, _oversampling(table, codes, wanted.oversample)
        )
    identities = table.identities
    spread = (
        identities if wanted.spread and config.loss.label != "identity" and identities is not None else None
    )
    return RandomIdentitySampler(
        codes[METRIC],
        *batch_shape(codes[METRIC], config),
        spread=spread,
        coverage=wanted.coverage,
        singletons=wanted.singletons,
        seed=config.seed,
    )


def _oversampling(table: ImageTable, codes: Mapping[str, Codes], strength: float) -> Oversampling | None:
    """What is drawn again of the rare joint classes; None for nothing."""
    if not strength:
        return None
    attributes = [column for name, column in codes.items() if name != METRIC]
    if not attributes:
        raise ConfigError(
            "sampler.oversample: repeats rare classes, and there are no attributes; set it to 0, or data.attributes"
        )
    return Oversampling(combined_codes(attributes), table.identities, strength)


def batch_shape(labels: Codes, config: Config) -> tuple[int, int]:
    """P and K of the identity batches, with their defaults where the configuration leaves them open."""
    of_identities = config.loss.label == "identity"
    wanted = config.sampler.batch_size
    most = max(2, wanted // 4) if of_identities else 8
    per_batch = config.sampler.identities or min(most, len(np.unique(labels)))
    per_label = config.sampler.instances or (4 if of_identities else max(2, wanted // per_batch))
    return per_batch, per_label
