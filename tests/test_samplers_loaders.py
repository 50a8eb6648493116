"""The sampler inside loaders and trainers: DataLoader, StatefulDataLoader, Lightning, two gloo ranks."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sampler_cases import from_sizes
from torch.utils.data import DataLoader, Dataset, RandomSampler

from metric_face.errors import ArgumentError
from metric_face.samplers import RandomIdentitySampler, audit_batches

LABELS = from_sizes([5, 9, 1, 12, 7, 3, 20, 14])


class Indices(Dataset):
    """Returns the index it is asked for, as if it were an image."""

    def __len__(self):
        return LABELS.size

    def __getitem__(self, index):
        return index


def make(**options):
    return RandomIdentitySampler(LABELS, 4, 3, **options)


def rows(loader):
    return [batch.tolist() for batch in loader]


@pytest.mark.parametrize("workers", [0, 2])
def test_i08_len_of_a_data_loader(workers):
    loader = DataLoader(Indices(), batch_sampler=make(), num_workers=workers)
    assert len(loader) == len(rows(loader)) == len(make())


@pytest.mark.slow
def test_i09_workers_change_nothing():
    expected = make()
    loader = DataLoader(Indices(), batch_sampler=make(), num_workers=2, persistent_workers=True)
    for _ in range(3):  # and every pass is the next epoch
        assert rows(loader) == list(expected)


@pytest.mark.slow
def test_i13_resume_behind_workers_counts_what_was_consumed():
    sampler = make()
    whole = list(make())
    loader = DataLoader(Indices(), batch_sampler=sampler, num_workers=2, prefetch_factor=3)
    trained = []
    for batch in loader:
        trained.append(batch.tolist())
        if len(trained) == 3:
            break
    assert sampler.state_dict()["consumed"] > 3  # what the workers have prefetched
    state = sampler.state_dict(consumed=len(trained))
    resumed = make(seed=5)
    resumed.load_state_dict(state)
    trained += rows(DataLoader(Indices(), batch_sampler=resumed, num_workers=2, prefetch_factor=3))
    assert trained == whole


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 4, None])
def test_i13_torchdatas_stateful_loader(workers, stop):
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")

    def build():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return stateful.StatefulDataLoader(Indices(), batch_sampler=make(), num_workers=workers)

    whole = list(make())
    stop = len(whole) if stop is None else stop
    loader = build()
    seen = []
    for batch in loader:
        seen.append(batch.tolist())
        if len(seen) == stop:
            break
    state = pickle.loads(pickle.dumps(loader.state_dict()))  # noqa: S301 - our own bytes
    resumed = build()
    resumed.load_state_dict(state)
    rest = rows(resumed)
    if stop < len(whole):
        assert seen + rest == whole
    else:
        epoch = make()
        epoch.set_epoch(1)
        assert rest in ([], list(epoch))  # the end of a finished epoch, or the next


def test_i12_lightning_sets_the_epoch():
    from lightning.fabric.utilities.data import _set_sampler_epoch

    sampler = make()
    _set_sampler_epoch(DataLoader(Indices(), batch_sampler=sampler), 7)
    assert sampler.epoch == 7


def test_i11_lightning_does_not_replace_or_reshard_it():
    from lightning.pytorch.utilities.data import _update_dataloader
    from torch.utils.data import DistributedSampler

    loader = DataLoader(Indices(), batch_sampler=make())
    with pytest.raises(TypeError, match="use_distributed_sampler=False"):
        _update_dataloader(loader, DistributedSampler(Indices(), num_replicas=2, rank=0))


@pytest.mark.slow
def test_i11_i12_lightning_trains_on_the_plan():
    import lightning

    class Keeper(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.seen = []

        def training_step(self, batch, _):
            self.seen.append(batch.tolist())
            return self.weight.sum()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    module = Keeper()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=2,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        trainer.fit(module, DataLoader(Indices(), batch_sampler=make()))
    expected = make()
    assert module.seen == list(expected) + list(expected)


def _rank(rank, world, port, folder):
    """One process: builds its loader before the process group exists, as a script does."""
    import torch.distributed as dist

    sampler = make()
    loader = DataLoader(Indices(), batch_sampler=sampler)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=world)
    epochs = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        epochs.append(rows(loader))
        assert len(epochs[-1]) == len(loader)
    np.save(f"{folder}/{rank}.npy", np.array(epochs))
    dist.destroy_process_group()


@pytest.mark.slow
def test_i11_two_gloo_ranks(tmp_path):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_rank, (2, port, str(tmp_path)), nprocs=2)
    ranks = [np.load(tmp_path / f"{rank}.npy") for rank in range(2)]
    assert ranks[0].shape == ranks[1].shape
    alone = make()
    for epoch in range(2):
        alone.set_epoch(epoch)
        plan = list(alone)
        together = np.stack([rank[epoch] for rank in ranks], axis=1).reshape(-1, 12).tolist()
        assert together[: len(plan)] == plan
        assert len(together) - len(plan) == len(plan) % 2
        assert not {tuple(b) for b in ranks[0][epoch].tolist()} & {tuple(b) for b in ranks[1][epoch].tolist()}


@pytest.mark.parametrize("settings", [{}, {"batch_size": 8}, {"batch_size": 8, "num_workers": 1}])
def test_a_batch_sampler_given_as_sampler_is_refused(settings):
    """A loader would cut batches of batches, and some datasets take a whole batch for one index."""
    loader = DataLoader(Indices(), sampler=make(), **settings)
    with pytest.raises(
        ArgumentError, match=r"sampler= must yield one image .*use DataLoader\(dataset, batch_"
    ):
        list(loader)
    with pytest.raises(ArgumentError, match="sampler= must yield one image at a time"):
        audit_batches(loader, LABELS)


def test_a_loader_without_batching_may_have_it_as_sampler():
    """With ``batch_size=None`` a loader hands what its sampler yields to the dataset as it is."""
    given = list(DataLoader(Indices(), sampler=make(), batch_size=None))
    assert given == list(make())


def test_a_sampler_of_images_given_as_batch_sampler_is_refused():
    loader = DataLoader(Indices(), batch_sampler=RandomSampler(Indices()))
    with pytest.raises(ArgumentError, match="batch_sampler= must yield whole batches, found RandomSampler"):
        audit_batches(loader, LABELS)
