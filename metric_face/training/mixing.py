"""BatchMixing: mixup and cutmix of training batches, by torchvision, with the shares of classes that they leave."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms import v2

from metric_face.config import Config, MixingConfig
from metric_face.data import seeded

PARTNER, SHARE = "mixing/partner", "mixing/share"
"""Columns of a mixed batch: the row of the image that was mixed in, and the share of the image itself."""


@dataclass(frozen=True)
class BatchMixing:
    """Mixes batches now and then; the others stay clean.

    What is drawn depends on (seed, number of the batch) alone: a resumed training mixes the same batches in the same
    way, and the processes of one training mix the same ones.

    Attributes:
        config: the section ``data.mixing``.
        seed: of the run.
    """

    config: MixingConfig
    seed: int

    @classmethod
    def of(cls, config: Config) -> "BatchMixing | None":
        """The mixing that a configuration asks for; None where it asks for none, or trains on cached features."""
        wanted = config.data.mixing
        return cls(wanted, config.seed) if wanted.is_on and not config.trainer.frozen else None

    def __call__(
        self, batch: Mapping[str, Tensor], number: int, num_classes: Mapping[str, int]
    ) -> Mapping[str, Tensor]:
        """The batch as it is, or mixed.

        Args:
            batch: ``image`` (B, 3, H, W), normalized and at size, and the labels (B,).
            number: of the batch since the training began.
            num_classes: head -> C; their columns become shares (B, C).

        Returns:
            The batch itself, or one in another order whose images are mixed with one other each, with the columns
            ``PARTNER`` (B,) and ``SHARE`` (B,) besides.
        """
        with seeded(self.seed, number):
            return self._mixed(batch, num_classes) if self._is_due() else batch

    def _is_due(self) -> bool:
        return float(torch.rand(())) < self.config.chance

    def _mixed(self, batch: Mapping[str, Tensor], num_classes: Mapping[str, int]) -> dict[str, Tensor]:
        kinds = [
            kind(alpha=alpha, num_classes=len(batch["index"]))
            for kind, alpha in ((v2.MixUp, self.config.mixup), (v2.CutMix, self.config.cutmix))
            if alpha
        ]
        mix = kinds[int(torch.randint(len(kinds), ()))]
        # Each image is mixed with the one before it, and an identity batch holds the images of a label side by side.
        order = torch.randperm(len(batch["index"])).to(batch["index"].device)
        moved = {name: column[order] for name, column in batch.items()}
        images, shares = mix(moved["image"], torch.arange(len(order), device=order.device))
        own = shares.diagonal()
        mixed = moved | {"image": images, PARTNER: moved["index"].roll(1, 0), SHARE: own}
        for head, count in num_classes.items():
            classes = F.one_hot(moved[head], count).to(own.dtype)
            mixed[head] = own[:, None] * classes + (1 - own[:, None]) * classes.roll(1, 0)
        return mixed


def is_mixed(batch: Mapping[str, Tensor]) -> bool:
    """Whether the images of a batch are mixed, and its labels shares."""
    return SHARE in batch
