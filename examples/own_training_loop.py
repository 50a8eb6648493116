"""A plain PyTorch loop that takes three parts of metric_face: the sampler, the audit of batches, the triplet loss.

python examples/own_training_loop.py photos.csv [--epochs 5]

photos.csv has a column path, and a column identity. What changes for your own data is the dataset and the network.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from metric_face import RandomIdentitySampler, TripletLoss, audit_batches

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("table", type=Path)
parser.add_argument("--epochs", type=int, default=5)
options = parser.parse_args()


class Photographs(Dataset[tuple[torch.Tensor, int]]):
    """Your dataset."""

    def __init__(self, table: Path) -> None:
        frame = pd.read_csv(table, dtype=str)
        self.files = [table.parent / name for name in frame["path"]]
        self.labels, _ = pd.factorize(frame["identity"])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.files[row]) as image:
            pixels = np.asarray(image.convert("RGB").resize((48, 64)), dtype=np.float32)
        return torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1), int(self.labels[row])


torch.manual_seed(0)
data = Photographs(options.table)
sampler = RandomIdentitySampler(data.labels, num_identities=8, num_instances=4, seed=0)
loader = DataLoader(data, batch_sampler=sampler)
report = audit_batches(loader, data.labels, num_identities=8, num_instances=4)  # loads no image
print("batches:", "; ".join(defect.sentence for defect in report.defects) or "as promised")

network = nn.Sequential(  # your network
    nn.Conv2d(3, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 64),
)  # fmt: skip
loss = TripletLoss(margin=0.2, mining="batch_hard")
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
for epoch in range(options.epochs):
    sampler.set_epoch(epoch)  # other batches each epoch
    total = 0.0
    for images, labels in loader:
        value = loss(network(images), labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        total += value.item()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
