"""The set-up: views, epochs, learning rates, checkpoints, losses at their floor, the embedding itself."""

import math

import numpy as np
import pandas as pd
import pytest
from diagnosis_cases import found, small_run

from metric_face import diagnose
from metric_face.diagnosis.questions.views import look


def _pairs(train, evaluation):
    run = small_run(0, identities=60)
    run["images"] = np.zeros((360, 128, 96, 3), dtype=np.uint8)
    return diagnose(**run, transforms={"train": train, "evaluation": evaluation}, questions=["views"])


def _torchvision(*steps):
    import torch
    from torchvision.transforms import v2

    return v2.Compose(
        [*steps, v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3)]
    )


def test_a_crop_that_evaluation_lacks_is_seen() -> None:
    from torchvision.transforms import v2

    jitter = [v2.RandomHorizontalFlip(), v2.ColorJitter(0.3, 0.3, 0.3)]
    small = v2.Resize((32, 24))
    train = _torchvision(v2.CenterCrop((80, 60)), small, *jitter)
    result = _pairs(train, _torchvision(small))
    assert found(result) == ["views.crop"]
    assert result.findings[0].measure.value == pytest.approx(1 - 80 * 60 / (128 * 96), abs=0.12)
    assert found(_pairs(train, _torchvision(v2.CenterCrop((80, 60)), small))) == []


def test_usual_augmentation_is_no_fault() -> None:
    from torchvision.transforms import v2

    train = _torchvision(
        v2.RandomResizedCrop((32, 24)), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4, 0.4)
    )
    evaluation = _torchvision(v2.Resize(27), v2.CenterCrop((32, 24)))
    assert found(_pairs(train, evaluation)) == []


def test_random_evaluation_and_other_levels_are_seen() -> None:
    from torchvision.transforms import v2

    small = v2.Resize((32, 24))
    plain = _torchvision(small)
    assert found(_pairs(plain, _torchvision(small, v2.RandomHorizontalFlip()))) == ["views.random_evaluation"]
    bare = v2.Compose([small, v2.PILToTensor()])
    assert found(_pairs(plain, bare)) == ["views.normalize"]


def test_looking_leaves_the_generators_alone() -> None:
    import torch
    from torchvision.transforms import v2

    before = torch.random.get_rng_state()
    look(_torchvision(v2.RandomResizedCrop((32, 32))), (32, 24), 0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_descriptions_are_compared_without_their_random_steps() -> None:
    train = [
        "CenterCrop(320)",
        "Resize(128)",
        "RandomHorizontalFlip()",
        "ColorJitter(0.2)",
        "Normalize(0.5, 0.5)",
    ]
    assert found(_pairs(train, ["Resize(128)", "Normalize(0.5, 0.5)"])) == ["views.missing"]
    assert found(_pairs(train, ["CenterCrop(320)", "Resize(128)", "Normalize(0.5, 0.5)"])) == []
    assert found(_pairs(train[:2], [*train[:2], "RandomHorizontalFlip()"])) == ["views.random_evaluation"]


def _batches(run, rng, rows=None):
    rows = np.flatnonzero(run["split"] == "train") if rows is None else rows
    order = rng.permutation(rows)
    return [order[at : at + 16] for at in range(0, len(order) - 15, 16)]


def test_shuffled_epochs_are_no_fault() -> None:
    run, rng = small_run(0), np.random.default_rng(0)
    epochs = [_batches(run, rng) for _ in range(2)]
    result = diagnose(**run, batches=epochs, promised=len(epochs[0]), questions=["epoch"])
    assert found(result) == []
    counted = dict(result.tables["epoch.audit"].rows)
    assert counted["batches"] == len(epochs[0])


def test_an_epoch_that_ends_in_some_classes_is_found() -> None:
    run, rng = small_run(0), np.random.default_rng(0)
    rows = rng.permutation(np.flatnonzero(run["split"] == "train"))
    late = run["labels"]["mask"][rows] == 0
    order = np.concatenate([rows[~late], rows[late]])
    batches = [order[at : at + 16] for at in range(0, len(order) - 15, 16)]
    result = diagnose(**run, batches=batches, questions=["epoch"])
    assert found(result) == ["epoch.drift"]
    assert result.findings[0].values["missing"] > 0


def test_images_never_drawn_are_found_and_listed() -> None:
    run, rng = small_run(0), np.random.default_rng(0)
    rows = np.flatnonzero(run["split"] == "train")
    hidden = rng.permutation(rows)[: len(rows) // 2]
    epochs = [_batches(run, rng, np.setdiff1d(rows, hidden)) for _ in range(2)]
    result = diagnose(**run, batches=epochs, questions=["epoch"])
    assert found(result) == ["epoch.unseen"]
    assert set(hidden) <= set(result.findings[0].rows)


def test_an_epoch_shorter_than_promised_is_found() -> None:
    run, rng = small_run(0), np.random.default_rng(0)
    batches = _batches(run, rng)
    result = diagnose(**run, batches=batches, promised=round(1.3 * len(batches)), questions=["epoch"])
    assert found(result) == ["epoch.short"]
    log = pd.DataFrame({"batches": [369.0] * 3, "batches_promised": [481.0] * 3})
    assert found(diagnose(**run, log=log, questions=["epoch"])) == ["epoch.short"]


def _log(**columns):
    at = np.linspace(0, 1, 80)
    plan = 1e-3 * np.minimum(at * 10 + 0.01, 0.5 * (1 + np.cos(np.pi * at)))
    return pd.DataFrame(
        {"step": np.arange(80), "lr": plan, "lr_planned": plan, "update_ratio": plan} | columns
    )


def _basics(log, **settings):
    return found(diagnose(**small_run(0), log=log, settings=settings, questions=["basics"]))


def test_the_learning_rate_really_applied() -> None:
    assert _basics(_log()) == []
    assert _basics(_log(lr=np.full(80, 1e-6))) == ["basics.learning_rate"]
    assert _basics(_log(update_ratio=np.full(80, 1e-9))) == ["basics.frozen"]
    assert _basics(_log().drop(columns="lr_planned").assign(lr=1e-6)) == []  # a constant rate may be meant


def test_the_metric_of_the_checkpoint() -> None:
    scores = {"val/macro_f1": np.linspace(0.5, 0.7, 80), "val/accuracy": np.linspace(0.9, 0.7, 80)}
    assert _basics(_log(**scores), monitor="val/accuracy") == ["basics.checkpoint"]
    assert _basics(_log(**scores), monitor="val/macro_f1") == []


def test_where_the_weights_started() -> None:
    own = {"size": [32, 32], "crop": [0.9, 0.9], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    own |= {"interpolation": "bicubic", "fit": "center"}
    assert _basics(_log(), start={"weights": "scratch", "own": own}, transform=own) == ["basics.from_scratch"]
    trained = {"weights": "file", "name": "a.safetensors", "own": own}
    assert _basics(_log(), start=trained, transform=own) == []
    assert _basics(_log(), start=trained, transform=own | {"crop": [1.0, 1.0], "fit": "stretch"}) == []
    for other in ({"mean": [0.485, 0.456, 0.406]}, {"std": [0.2, 0.2, 0.2]}, {"interpolation": "bilinear"}):
        assert _basics(_log(), start=trained, transform=own | other) == ["basics.preprocessing"]


TRAINING = {
    "before": {"recall_at_1": 0.2, "recall_at_1_projected": 0.25, "probe": {"joint": 0.55}},
    "monitor": "val/recall@1",
    "best": 0.1,
    "best_epoch": 3,
    "batch_norm": "frozen",
    "projection": "auto",
    "frozen": False,
    "backbone_rate": 1e-4,
    "labels": 500,
}


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"batch_norm": "moving"}, "statistics"),
        ({"batch_norm": "moving", "frozen": True}, "unknown"),  # no batch passes a frozen backbone
        ({"backbone_rate": 1e-3}, "rate"),
        ({"projection": "random"}, "projection"),
        ({"labels": 5}, "labels"),
        ({}, "unknown"),
        ({"best": 0.25, "best_epoch": -1}, "unknown"),
        ({"best": 0.26}, None),
        ({"before": None}, None),
        ({"monitor": "val/macro_f1", "best": 0.6}, None),
        ({"monitor": "val/macro_f1", "best": 0.5, "batch_norm": "moving"}, "statistics"),
        ({"monitor": "val/macro_f1/age"}, None),  # nothing before the training compares to it
    ],
)
def test_a_training_that_ends_below_its_start(changes, cause) -> None:
    expected = [] if cause is None else [f"basics.below_start_{cause}"]
    assert _basics(_log(), training=TRAINING | changes) == expected


def test_validation_that_drops_images_and_smoothing_that_is_off() -> None:
    assert _basics(_log(), validation_drop_last=True, validation_batch_size=1000) == ["basics.drop_last"]
    assert _basics(_log(), validation_drop_last=True, validation_batch_size=1) == []
    assert _basics(_log(), label_smoothing=0.0, label_smoothing_wanted=0.1) == ["basics.label_smoothing"]


def test_a_class_that_training_never_showed() -> None:
    run = small_run(0)
    lost = (run["labels"]["age"] == 2) & (run["labels"]["gender"] == 1) & (run["split"] == "train")
    kept = ~lost
    for name in ("embeddings", "identities", "split"):
        run[name] = run[name][kept]
    run["labels"] = {name: values[kept] for name, values in run["labels"].items()}
    run["raw_values"] = {"age": run["raw_values"]["age"][kept]}
    result = diagnose(**run, questions=["basics"])
    assert found(result) == ["basics.missing_class"]
    assert result.findings[0].explained == pytest.approx(3 / 18)


def test_losses_at_their_floor() -> None:
    run, rng = small_run(0), np.random.default_rng(0)
    noise = 0.004 * rng.normal(size=80)
    falling = np.linspace(1.0, 0.2, 80)
    rows = np.flatnonzero(run["split"] == "train")
    joint = run["labels"]["mask"] * 6 + run["labels"]["gender"] * 3 + run["labels"]["age"]
    eight = [
        np.concatenate([rng.choice(rows[joint[rows] == c], 2) for c in rng.choice(18, 8, False)])
        for _ in range(40)
    ]

    def ask(**columns):
        return found(
            diagnose(
                **run, log=_log(**columns), batches=eight, settings={"margin": 0.3}, questions=["floors"]
            )
        )

    assert ask(**{"loss/joint/f1": 1 - 8 / 18 + noise}) == ["floors.absent"]
    assert ask(**{"loss/metric": 0.3 + noise}) == ["floors.margin"]
    assert ask(**{"loss/age/ce": math.log(3) + noise}) == ["floors.chance"]
    assert ask(**{"loss/joint/f1": falling, "loss/metric": falling / 5, "loss/age/ce": falling}) == []
    reported = {"loss/metric": 0.25 + noise, "at_floor/metric": np.where(np.arange(80) == 79, 0.25, np.nan)}
    assert ask(**reported) == ["floors.margin"]


def test_a_collapsed_embedding_is_found_and_a_low_dimensional_one_is_not() -> None:
    run = small_run(0)
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(24, 1)))[0]
    flat = run["embeddings"] @ plane @ plane.T + 1e-3 * rng.normal(size=run["embeddings"].shape)
    assert found(diagnose(**(run | {"embeddings": flat}), questions=["health"])) == ["health.flat"]
    point = run["embeddings"] + 100.0
    assert found(diagnose(**(run | {"embeddings": point}), questions=["health"])) == ["health.one_point"]
    healthy = diagnose(**run, questions=["health"])
    assert found(healthy) == []
    figures = dict(healthy.tables["health.figures"].rows)
    assert 5 < figures["effective_rank"] <= 24
    assert figures["uniformity"] < 0 < figures["alignment"]


def _plane(run, turn):
    """The run on two directions of 24, the rest a little noise; its labels are turned with ``turn``."""
    rng = np.random.default_rng(0)
    first = run["labels"]["gender"] + 0.3 * rng.normal(size=len(run["identities"]))
    second = run["labels"]["age"] + 0.6 * rng.normal(size=len(run["identities"]))
    vectors = np.zeros(run["embeddings"].shape, dtype=np.float32)
    vectors[:, 0], vectors[:, 1] = turn(first), turn(second)
    labels = {name: run["labels"][name] for name in ("gender", "age")}
    only = {name: run["classes"][name] for name in labels}
    return run | {
        "embeddings": vectors + 1e-3 * rng.normal(size=vectors.shape).astype(np.float32),
        "labels": labels,
        "classes": only,
        "unlabeled": None,
    }


def test_two_directions_are_enough_where_they_are_the_classes_own_and_a_collapse_where_they_are_not() -> None:
    run = small_run(0)
    ours = diagnose(**_plane(run, lambda values: values), questions=["health"])
    assert dict(ours.tables["health.figures"].rows)["dimensions"] < 3  # gender and age ask for 1 + 2
    assert ours.score.value < 0.9
    assert found(ours) == []
    mixed = np.random.default_rng(1).permutation(len(run["identities"]))
    others = diagnose(**_plane(run, lambda values: values[mixed]), questions=["health"])
    assert found(others) == ["health.flat"]


def test_effective_rank_of_a_known_spectrum() -> None:
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(6000, 8)))[0] * np.array([1, 1, 1, 1, 0, 0, 0, 0.0])
    labels = np.arange(6000) % 2
    figures = dict(diagnose(turned * 50, labels, questions=["health"]).tables["health.figures"].rows)
    assert figures["effective_rank"] == pytest.approx(4, abs=0.05)
    assert figures["dimensions"] == pytest.approx(4, abs=0.05)
