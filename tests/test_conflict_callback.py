"""The callback measures a training without changing it."""

import lightning as L
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from metric_face.batches import METRIC
from metric_face.losses import CrossEntropy, JointLoss, LossTerm, SoftF1Loss, TripletLoss
from metric_face.models.embedding_model import EmbeddingModel
from metric_face.training.conflict_callback import ConflictCallback
from metric_face.training.objective import objective_inputs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),  # lightning calls torch's old name
    pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers"),  # none are wanted
]
BATCHES, LABELS, PER_LABEL = 12, 3, 4


def batches() -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(LABELS).repeat_interleave(PER_LABEL)
    paint = torch.randn(LABELS, 3, 1, 1, generator=generator)
    return [
        {
            "image": paint[labels] + torch.randn(len(labels), 3, 32, 32, generator=generator),
            METRIC: labels,
            "kind": labels,
            "index": torch.arange(len(labels)),
        }
        for _ in range(BATCHES)
    ]


class Plain(L.LightningModule):
    def __init__(self, neck: str = "bn", metric: bool = True, embedding_size: int | None = 8) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = EmbeddingModel(
            "test_resnet", {"kind": LABELS}, embedding_size=embedding_size, neck=neck, dropout=0.3
        )
        terms: dict[str, LossTerm | nn.Module] = {"kind/ce": CrossEntropy(LABELS)}
        terms["kind/f1"] = LossTerm(SoftF1Loss(LABELS, history=2), ramp=5)
        self.objective = JointLoss(({METRIC: TripletLoss("soft")} if metric else {}) | terms)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-3)

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        return self.objective(objective_inputs(self.objective, self.model(batch["image"]), batch)).total


def train(module: Plain, *callbacks: ConflictCallback) -> dict[str, float]:
    torch.manual_seed(1)
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=1,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(batches(), batch_size=None))
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


@pytest.mark.parametrize(("neck", "embedding_size"), [("bn", 8), ("none", None), ("cosine", 8)])
def test_measures_every_component_and_changes_no_bit_of_the_training(neck, embedding_size):
    watched, alone = Plain(neck, embedding_size=embedding_size), Plain(neck, embedding_size=embedding_size)
    callback = ConflictCallback(1, 3, least_probes=4)
    logged = train(watched, callback)
    train(alone)
    state, expected = watched.state_dict(), alone.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)
    assert watched.objective.losses[METRIC].empty_batches == alone.objective.losses[METRIC].empty_batches
    assert logged["conflict/probes"] == BATCHES
    assert -1.5 < logged["conflict/kappa"] < 1.5
    assert logged["conflict/low"] <= logged["conflict/high"]
    found = callback.estimate().components
    assert found["shared"].probes == BATCHES // 3
    assert set(found) == {"whole", "tangential", "radial", "shared"}


def test_abstains_in_the_log_and_is_idle_without_a_metric_loss():
    logged = train(Plain(), ConflictCallback(2, 0))
    assert logged["conflict/probes"] == BATCHES // 2
    assert "conflict/kappa" not in logged
    assert not [name for name in train(Plain(metric=False), ConflictCallback()) if "conflict" in name]
    assert not [name for name in train(Plain(), ConflictCallback(0)) if "conflict" in name]


def test_any_part_can_be_set_against_the_others():
    callback = ConflictCallback(1, 0, least_probes=4, one_side=("kind/f1",), labels="kind")
    logged = train(Plain(metric=False), callback)
    assert logged["conflict/probes"] == BATCHES
    assert (
        logged["conflict/kappa"] > 0
    )  # soft F1 and cross-entropy want the same of a model that knows little
