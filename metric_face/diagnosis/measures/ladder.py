"""The probe ladder: how far five classifiers of growing strength get on the same embedding."""

import numpy as np

from metric_face.arrays import Doubles, Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.measures import probing

RUNGS = ("majority", "knn", "centroid", "linear", "mlp")
_MLP_WIDTH, _MLP_EPOCHS, _MLP_BATCH, _MLP_AXES = 128, 8, 256, 128


def climb(context: Context, *, neutral: bool = False) -> dict[str, dict[str, Ints]]:
    """Predict every image with each rung, identities never shared between fitting and predicting.

    Args:
        context: labels, identities and folds.
        neutral: climb on the embedding of the untrained backbone instead of the run's own.

    Returns:
        Classes (N,) by rung and attribute: ``majority`` (most common class), ``knn`` (vote of 10), ``centroid``
        (nearest class mean), ``linear`` (ridge probe), ``mlp`` (one hidden layer of 128). The error of none of
        them is a Bayes error.
    """
    from threadpoolctl import threadpool_limits

    embeddings = context.neutral if neutral else None
    if embeddings is None:
        features, scores, ids = context.features, context.scores, context.graph.ids
    else:
        features = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
        features /= max(float(np.sqrt(np.square(features).mean())), np.finfo(np.float64).tiny)
        scores = context.neutral_scores
        ids = context.neutral_graph.ids
    linear: dict[str, Ints] = {}
    for a in context.attributes:
        own = embeddings is None
        model = (
            context.probes[a]
            if own
            else probing.fit_softmax(scores[a], context.labels[a], len(context.classes[a]))
        )
        linear[a] = model.clean(scores[a]).argmax(axis=1).astype(np.int64)
    with threadpool_limits(1):  # thousands of steps of less than a ms: threads would only wait for each other
        mlp = _mlp(context, features)
    return {
        "majority": {a: np.full(context.num_images, np.bincount(context.labels[a]).argmax()) for a in linear},
        "knn": {a: _vote(ids[:, :10], context.labels[a], len(context.classes[a])) for a in linear},
        "centroid": {a: _centroid(context, features, a) for a in linear},
        "linear": linear,
        "mlp": mlp,
    }


def by_neighbors(context: Context) -> dict[str, Ints]:
    """The kNN rung alone: the vote of the 10 nearest images of other identities, by attribute."""
    near = context.graph.ids[:, :10]
    return {a: _vote(near, context.labels[a], len(context.classes[a])) for a in context.attributes}


def _vote(ids: Ints, labels: Ints, num_classes: int) -> Ints:
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])
    near = ids.ravel()
    kept = near >= 0
    cells = rows[kept] * num_classes + labels[near[kept]]
    votes = np.bincount(cells, minlength=len(ids) * num_classes).reshape(len(ids), num_classes)
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)


def _centroid(context: Context, features: Doubles, attribute: str) -> Ints:
    labels, classes = context.labels[attribute], len(context.classes[attribute])
    guess = np.zeros(len(labels), dtype=np.int64)
    for fold in np.unique(context.folds):
        mine = context.folds == fold
        marks = probing.one_hot(labels[~mine], classes)
        sizes = marks.sum(axis=0)
        means = (marks.T @ features[~mine]) / np.maximum(sizes, 1)[:, None]
        far = np.square(means).sum(axis=1) - 2 * features[mine] @ means.T
        far[:, sizes == 0] = np.inf
        guess[mine] = far.argmin(axis=1)
    return guess


def _mlp(context: Context, features: Doubles) -> dict[str, Ints]:
    """One hidden layer with a head for each attribute, a network for each fold."""
    import torch
    from torch import nn

    values, vectors = np.linalg.eigh(features.T @ features / len(features))
    axes = vectors[:, ::-1][:, :_MLP_AXES] / np.sqrt(
        np.maximum(values[::-1][:_MLP_AXES], 0) + 0.05 * max(float(values.mean()), 1e-12)
    )
    inputs = torch.from_numpy((features @ axes).astype(np.float32))
    targets = {a: torch.from_numpy(context.labels[a]) for a in context.attributes}
    sizes = [len(context.classes[a]) for a in context.attributes]
    guess = {a: np.zeros(context.num_images, dtype=np.int64) for a in context.attributes}
    for fold in np.unique(context.folds):
        held = torch.from_numpy(context.folds == fold)
        learn = torch.nonzero(~held).squeeze(1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            hidden = nn.Linear(inputs.shape[1], _MLP_WIDTH)
            heads = nn.Linear(_MLP_WIDTH, sum(sizes))
        parameters = [*hidden.parameters(), *heads.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.05)
        rng = torch.Generator().manual_seed(context.seed + int(fold))
        for _ in range(_MLP_EPOCHS):
            for rows in torch.split(learn[torch.randperm(len(learn), generator=rng)], _MLP_BATCH):
                outputs = heads(torch.relu(hidden(inputs[rows]))).split(sizes, dim=1)
                loss = torch.stack(
                    [
                        nn.functional.cross_entropy(o, targets[a][rows])
                        for o, a in zip(outputs, targets, strict=True)
                    ]
                ).sum()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        with torch.no_grad():
            outputs = heads(torch.relu(hidden(inputs[held]))).split(sizes, dim=1)
        for output, attribute in zip(outputs, targets, strict=True):
            guess[attribute][held.numpy()] = output.argmax(dim=1).numpy()
    return guess
