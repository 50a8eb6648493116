from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from metric_face.config import load_config
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation.logit_adjustment import (
    after_training,
    divide_by_prior,
    drawn_priors,
)

SHARES = {"color": [0.85, 0.15], "shape": [0.7, 0.2, 0.1]}


def imbalanced(identities=240, heads="attributes", batches="shuffled", **loss):
    """Two identities in three are for training; logits are the exact posterior of points on a line."""
    rng = np.random.default_rng(0)
    codes = {name: rng.choice(len(p), identities, p=p) for name, p in SHARES.items()}
    for name, shares in SHARES.items():  # every class is on both sides
        codes[name][: 2 * len(shares)] = np.arange(2 * len(shares)) % len(shares)
    frame = pd.DataFrame(
        {
            "path": [f"{i}.png" for i in range(identities)],
            "identity": [f"p{i}" for i in range(identities)],
            "color": np.array(["blue", "red"])[codes["color"]],
            "shape": np.array(["circle", "square", "star"])[codes["shape"]],
            "split": np.where(np.arange(identities) % 6 < 4, "train", "val"),
        }
    )
    table = ImageTable(frame, ".")
    space = LabelSpace.of(table, ["color", "shape"])
    logits = {}
    for name, shares in SHARES.items():
        x = codes[name] + 0.7 * rng.standard_normal(identities)
        steps = np.arange(len(shares))
        logits[name] = (-0.5 * ((x[:, None] - steps) / 0.7) ** 2 + np.log(shares)).astype(np.float32)
    if heads == "joint":
        logits = {"joint": (logits["color"][:, :, None] + logits["shape"][:, None]).reshape(identities, -1)}
    settings = {
        "model": {"heads": heads},
        "sampler": {"batches": batches, "batch_size": 32},
        "loss": {"metric": "none", **loss},
    }
    config = load_config(settings)
    run = SimpleNamespace(space=space, config=config)
    return run, Embeddings(np.eye(identities, 4, dtype=np.float32), table, logits=logits)


def remedies_of(run, embeddings):
    return after_training(run, embeddings.in_split("train").table, embeddings.in_split("val"))


def test_the_gain_of_the_prior_is_a_difference_of_macro_f1():
    run, embeddings = imbalanced()
    found = {(one.kind, one.target): one for one in remedies_of(run, embeddings)}
    assert {target for _, target in found} == {"color", "shape", "joint"}
    val = embeddings.in_split("val")
    true = run.space.encode(val.table)["color"]
    logits = val.logits["color"].astype(float)
    train = run.space.encode(embeddings.in_split("train").table)["color"]
    prior = np.bincount(train) / len(train)
    plain = f1_score(true, logits.argmax(1), average="macro")
    adjusted = f1_score(true, (logits - np.log(prior)).argmax(1), average="macro")
    remedy = found["prior", "color"]
    assert remedy.gain.value == pytest.approx(adjusted - plain)
    assert list(remedy.values.values()) == pytest.approx(prior.tolist())


def test_after_a_logit_adjusted_loss_there_is_no_prior_left_to_divide_by():
    run, embeddings = imbalanced(classifier="logit_adjusted")
    assert {one.kind for one in remedies_of(run, embeddings)} == {"thresholds"}


def test_batches_that_draw_labels_evenly_leave_an_even_prior():
    run, embeddings = imbalanced(batches="identity", label="color")
    run.config = run.config.model_copy(
        update={"sampler": run.config.sampler.model_copy(update={"identities": 2, "instances": 8})}
    )
    priors = drawn_priors(run, embeddings.in_split("train").table)
    shuffled = drawn_priors(imbalanced()[0], embeddings.in_split("train").table)
    assert priors["color"] == pytest.approx([0.5, 0.5], abs=0.03)
    assert shuffled["color"][0] > 0.75


def test_dividing_by_the_prior_is_the_adjustment_of_logits():
    random = np.random.default_rng(0)
    logits, prior = random.normal(size=(6, 3)), np.array([0.7, 0.2, 0.1])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    shifted = np.exp(logits - 0.5 * np.log(prior))
    np.testing.assert_allclose(divide_by_prior(p, prior, tau=0.5), shifted / shifted.sum(1, keepdims=True))
    with pytest.raises(ArgumentError, match="prior must be 3 values above 0"):
        divide_by_prior(p, np.array([0.5, 0.5]))


def test_without_heads_or_people_enough_it_says_nothing():
    run, embeddings = imbalanced()
    assert remedies_of(run, Embeddings(embeddings.vectors, embeddings.table)) == []
    few = embeddings.take(
        np.concatenate([np.arange(4), np.flatnonzero(embeddings.table.column("split") == "val")[:3]])
    )
    assert remedies_of(run, few) == []
