"""Oversampling of rare joint classes in shuffled batches."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from metric_face.arrays import combined_codes
from metric_face.batches.batch_sampler import ShuffledBatches, make_sampler
from metric_face.batches.oversampling import Oversampling
from metric_face.config import load_config
from metric_face.data import ImageTable
from metric_face.errors import ConfigError

# A class of 12 identities with 2 images each, one of 3 with 4 each, one of 2: with 9 images and with 1.
CLASSES = np.repeat([0, 1, 2], [24, 12, 10])
IDENTITIES = np.array([*np.repeat(np.arange(12), 2), *np.repeat(np.arange(20, 23), 4), *[30] * 9, 31])


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_classes_come_as_often_as_their_identities_say_and_identities_evenly(strength: float) -> None:
    shuffled = np.random.default_rng(0).permutation(len(CLASSES))
    classes, identities = CLASSES[shuffled], IDENTITIES[shuffled]
    plan = Oversampling(classes, identities, strength)
    rows = plan.rows(np.random.default_rng(1))
    assert len(rows) == plan.num_drawn
    expected = [round(images * (12 / n) ** strength) for images, n in ((24, 12), (12, 3), (10, 2))]
    assert np.bincount(classes[rows]).tolist() == expected
    assert set(rows.tolist()) == set(range(len(classes)))
    again = rows[len(classes) :]
    for code in range(3):
        per_identity = Counter(identities[again[classes[again] == code]].tolist())
        if per_identity:
            known = np.unique(identities[classes == code])
            drawn = [per_identity[one] for one in known]
            assert max(drawn) - min(drawn) <= 1


def test_without_identities_each_image_is_one() -> None:
    plan = Oversampling(CLASSES, None, 1.0)
    assert np.bincount(CLASSES[plan.rows(np.random.default_rng(1))]).tolist() == [24, 24, 24]


def table() -> ImageTable:
    frame = pd.DataFrame({"path": [f"{n}.png" for n in range(46)], "identity": IDENTITIES.astype(str)})
    return ImageTable(frame, ".")


def sampler(strength: float, **more: object) -> ShuffledBatches:
    settings = {"batches": "shuffled", "batch_size": 8, "oversample": strength, **more}
    config = load_config({"data": {"path": "x"}, "sampler": settings, "loss": {"metric": "none"}})
    made = make_sampler(table(), {"mask": CLASSES % 2, "age": CLASSES // 2}, config)
    assert isinstance(made, ShuffledBatches)
    return made


def test_the_batches_of_a_configuration_are_oversampled_and_repeat_by_seed_and_epoch() -> None:
    plain, even = sampler(0), sampler(1)
    assert (plain.epoch_batches(2) == ShuffledBatches(46, 8).epoch_batches(2)).all()
    assert even.epoch_batches(0).shape == (16, 8)  # 24 + 48 + 60 images
    assert len(even) == 16
    counts = np.bincount(CLASSES[even.epoch_batches(0).ravel()])
    assert counts[1] >= 44
    assert counts[2] >= 56
    assert (even.epoch_batches(3) == sampler(1).epoch_batches(3)).all()
    assert not (even.epoch_batches(3) == even.epoch_batches(4)).all()


def test_combinations_are_counted() -> None:
    assert combined_codes([np.array([0, 1, 0, 1]), np.array([2, 2, 2, 0])]).tolist() in (
        [0, 2, 0, 1],
        [0, 1, 0, 2],
    )


def test_it_is_refused_where_it_means_nothing() -> None:
    with pytest.raises(ConfigError) as error:
        sampler(1, batches="identity")
    assert str(error.value).endswith(
        "sampler.oversample: is of shuffled batches, and identity batches draw labels evenly already; set "
        "sampler.batches=shuffled, or 0"
    )
    config = load_config({"data": {"path": "x"}, "sampler": {"batches": "shuffled", "oversample": 1.0}})
    with pytest.raises(ConfigError, match=r"oversample: repeats rare classes, and there are no attributes"):
        make_sampler(table(), {"metric": CLASSES}, config)
