"""Samplers with the faults of well-known ones, written anew from their description, for the audit to find."""

import random
import time

import numpy as np


def by_label(labels):
    return {label: np.flatnonzero(labels == label) for label in np.unique(labels)}


class Drawing:
    """Base: a plan is drawn anew in each epoch."""

    def __init__(self, labels, p, k, seed=0):
        self.labels, self.p, self.k, self.seed, self.epoch = np.asarray(labels), p, k, seed, 0
        self.of = by_label(self.labels)

    def set_epoch(self, epoch):
        self.epoch = epoch

    def rng(self):
        return np.random.default_rng([self.seed, self.epoch])

    def __len__(self):
        return self.labels.size // (self.p * self.k)


class FreshLabelsEachBatch(Drawing):
    """Draws P labels for each batch without regard to those before: much is never seen."""

    def __iter__(self):
        rng = self.rng()
        for _ in range(len(self)):
            chosen = rng.choice(list(self.of), self.p, replace=False)
            yield [
                int(i)
                for c in chosen
                for i in rng.choice(self.of[c], self.k, replace=self.of[c].size < self.k)
            ]


class CutWithoutRegard(Drawing):
    """Lays K images of every label in a row and cuts it at a length that K does not divide."""

    batch = 31

    def __len__(self):
        return self.labels.size // self.batch

    def __iter__(self):
        rng = self.rng()
        line = [int(i) for c in rng.permutation(list(self.of)) for i in rng.choice(self.of[c], self.k)]
        for start in range(0, len(line) - self.batch, self.batch):
            yield line[start : start + self.batch]


class Redrawing(Drawing):
    """Draws the K images of a label with replacement, although it has K different ones."""

    def __iter__(self):
        rng = self.rng()
        order = rng.permutation(list(self.of))
        for start in range(0, order.size - self.p + 1, self.p):
            yield [int(i) for c in order[start : start + self.p] for i in rng.choice(self.of[c], self.k)]


class FirstImagesOnly(Drawing):
    """Never gets past the first images of a large label."""

    def __iter__(self):
        rng = self.rng()
        order = rng.permutation(list(self.of))
        for start in range(0, order.size - self.p + 1, self.p):
            yield [
                int(i) for c in order[start : start + self.p] for i in rng.permutation(self.of[c][: self.k])
            ]


class LargestLast(Drawing):
    """Serves every label from its own heap and stops when fewer than P are left: the large ones come last."""

    def __len__(self):
        return sum(len(images) // self.k for images in self.of.values()) // self.p

    def __iter__(self):
        rng = self.rng()
        heap = {c: rng.permutation(images) for c, images in self.of.items()}
        left = {c: len(images) // self.k for c, images in heap.items()}
        while len(left) >= self.p:
            batch = []
            for c in rng.choice(list(left), self.p, replace=False):
                left[c] -= 1
                batch += heap[c][left[c] * self.k : (left[c] + 1) * self.k].tolist()
                if not left[c]:
                    del left[c]
            yield batch


class ReseedingGlobal(FreshLabelsEachBatch):
    """Seeds and uses NumPy's global generator."""

    def __iter__(self):
        np.random.seed(self.seed)  # noqa: NPY002 - the fault
        for _ in range(len(self)):
            chosen = np.random.permutation(list(self.of))[: self.p]  # noqa: NPY002
            yield [int(i) for c in chosen for i in np.resize(self.of[c], self.k)]


class UsingPythonsRandom(FreshLabelsEachBatch):
    """Uses Python's global generator."""

    def __iter__(self):
        for _ in range(len(self)):
            yield [
                int(i) for c in random.sample(list(self.of), self.p) for i in np.resize(self.of[c], self.k)
            ]


class NeverYielding(Drawing):
    """Waits for more labels than there are."""

    def __iter__(self):
        while True:
            chosen = set(self.of)
            time.sleep(0.01)  # the thread that is given up shall not slow the tests that follow
            if len(chosen) > len(self.of):
                yield []


class NeverEnding(FreshLabelsEachBatch):
    """Begins again for ever."""

    def __iter__(self):
        while True:
            yield from super().__iter__()


class EmptyEpoch(Drawing):
    """Promises batches and yields none, as it has fewer labels than it needs."""

    def __iter__(self):
        return iter([])


class ChangingLength(FreshLabelsEachBatch):
    """Its length is what is left of it."""

    used = 0

    def __len__(self):
        return super().__len__() - self.used

    def __iter__(self):
        yield from list(super().__iter__())
        self.used += 1


class AddingSeedAndEpoch(FreshLabelsEachBatch):
    """Seeds with seed + epoch."""

    def rng(self):
        return np.random.default_rng(self.seed + self.epoch)


class MultiplyingSeedAndEpoch(FreshLabelsEachBatch):
    """Seeds with seed * epoch: the first epoch is the same for every seed."""

    def rng(self):
        return np.random.default_rng(self.seed * self.epoch)


class ForgettingTheEpoch(FreshLabelsEachBatch):
    """Every epoch is the first."""

    def rng(self):
        return np.random.default_rng(self.seed)


class LockedPairs(Drawing):
    """The same labels share a batch, always."""

    def __len__(self):
        return 10 * (len(self.of) // self.p)

    def __iter__(self):
        rng = self.rng()
        labels = list(self.of)
        for _ in range(10):
            for start in range(0, len(labels) - self.p + 1, self.p):
                yield [
                    int(i)
                    for c in labels[start : start + self.p]
                    for i in rng.choice(self.of[c], self.k, False)
                ]


def one_plan_each(labels, p, k, ranks):
    """One sampler a rank, each with a seed of its own, each taking every W-th batch of its own plan."""

    class Part(Redrawing):
        def __len__(self):
            return len(self.of) // self.p // ranks

        def __iter__(self):
            return iter(list(super().__iter__())[self.seed :: ranks][: len(self)])

    return [Part(labels, p, k, seed=rank) for rank in range(ranks)]
