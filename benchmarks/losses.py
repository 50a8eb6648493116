"""The triplet losses against pytorch-metric-learning and the bare matrix product; the cost of the conflict probe.

Run with ``python -m benchmarks.losses``; forward and backward, D = 512, K = 4 images per label, float32.
"""

import argparse
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.harness import machine, peak_memory, publish, table, times

WIDTH, PER_LABEL, MARGIN = 512, 4, 0.2
MININGS = ("batch_hard", "batch_all", "semi_hard")


def batch(items: int) -> tuple[Tensor, Tensor]:
    """Embeddings whose labels lie apart by about the margin, so that some triplets are active and some are not."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(items) // PER_LABEL
    centers = torch.randn(items // PER_LABEL, WIDTH, generator=generator)
    return centers[labels] + 1.2 * torch.randn(items, WIDTH, generator=generator), labels


def ours(mining: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Our loss."""
    from metric_face.losses import TripletLoss

    return TripletLoss(MARGIN, mining)


def theirs(mining: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The same loss of pytorch-metric-learning."""
    from pytorch_metric_learning import losses, miners

    loss = losses.TripletMarginLoss(margin=MARGIN)
    if mining == "batch_all":
        return loss
    semi = miners.TripletMarginMiner(margin=MARGIN, type_of_triplets="semihard")
    miner = miners.BatchHardMiner() if mining == "batch_hard" else semi
    return lambda points, labels: loss(points, labels, miner(points, labels))


def product(points: Tensor, labels: Tensor) -> Tensor:
    """The floor: what any loss over all pairs pays, the B x B product and its gradient."""
    return (points @ points.T).sum()


def pass_of(loss: Callable[[Tensor, Tensor], Tensor], points: Tensor, labels: Tensor) -> Callable[[], Tensor]:
    """One forward and backward; returns the gradient."""

    def run() -> Tensor:
        free = points.clone().requires_grad_()
        loss(free, labels).backward()
        assert free.grad is not None
        return free.grad

    return run


def prepared(side: str, mining: str, items: int) -> Callable[[], Tensor]:
    """What a fresh process measures the memory of; a small pass first, so that libraries are loaded."""
    loss = {"ours": ours, "pml": theirs, "product": lambda _: product}[side](mining)
    pass_of(loss, *batch(64))()
    return pass_of(loss, *batch(items))


def speed(items: int, repeats: int) -> str:
    """Times in turn, and whether both give one answer."""
    points, labels = batch(items)
    rows = []
    for mining in MININGS:
        arms = {"ours": ours(mining), "pml": theirs(mining), "product": product}
        runs = {name: pass_of(loss, points, labels) for name, loss in arms.items()}
        taken = times(runs, repeats)
        value = abs(float(arms["ours"](points, labels) - arms["pml"](points, labels)))
        slope = float((runs["ours"]() - runs["pml"]()).abs().max())
        rows.append(
            (
                mining,
                f"{1000 * taken['ours']:.0f}",
                f"{1000 * taken['pml']:.0f}",
                f"{1000 * taken['product']:.0f}",
                f"{taken['pml'] / taken['ours']:.1f} x",
                f"{taken['ours'] / taken['product']:.1f} x",
                f"{value:.0e}",
                f"{slope:.0e}",
            )
        )
    header = (
        "mining",
        "ours ms",
        "pml ms",
        "product ms",
        "faster than pml",
        "of the product",
        "value differs",
        "gradient differs",
    )
    return f"## Time, B = {items}\n\nMedians of {repeats} rounds, in turn.\n\n{table(header, rows)}"


def memory() -> str:
    """Peaks above base, each in a fresh process."""
    cases = [
        ("ours", "batch_all", 1024),
        ("pml", "batch_all", 1024),
        ("ours", "batch_hard", 1024),
        ("pml", "batch_hard", 1024),
        ("product", "-", 1024),
        ("ours", "batch_all", 4096),
        ("ours", "semi_hard", 4096),
        ("product", "-", 4096),
    ]
    rows = [
        (side, mining, items, f"{peak_memory(prepared, side, mining, items):.0f}")
        for side, mining, items in cases
    ]
    return "## Peak memory above base\n\n" + table(("loss", "mining", "B", "MB"), rows)


def probing(repeats: int) -> str:
    """A training step of resnet18 with and without the measure of the losses' angle at the embedding."""
    from metric_face.losses import CrossEntropy, JointLoss, TripletLoss, probe_embeddings, untouched
    from metric_face.models.embedding_model import EmbeddingModel

    items, classes = 64, 18
    generator = torch.Generator().manual_seed(0)
    model = EmbeddingModel("resnet18", {"kind": classes})
    joint = JointLoss({"metric": TripletLoss(), "ce": CrossEntropy(classes)})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    images = torch.randn(items, 3, 96, 96, generator=generator)
    labels = torch.arange(items) // PER_LABEL
    seen: list[Tensor] = []

    def step() -> None:
        output = model(images)
        seen[:] = [output.metric.detach()]
        optimizer.zero_grad()
        joint(
            {"metric": (output.metric, labels, None), "ce": (output.logits["kind"], labels)}
        ).total.backward()
        optimizer.step()

    def probe() -> None:
        with untouched(model.neck, model.dropout, model.heads, joint):
            probe_embeddings(
                lambda e, rows: joint.losses["metric"](e, labels[rows]),
                lambda e, rows: joint.losses["ce"](model.read(e).logits["kind"], labels[rows]),
                seen[0],
                labels,
            )

    step()
    taken = times({"step": step, "probe": probe}, repeats)
    share = taken["probe"] / taken["step"]
    row = (f"{1000 * taken['step']:.0f}", f"{1000 * taken['probe']:.1f}", f"{100 * share:.1f} %")
    header = ("training step ms", "probe ms", "a probe at every step adds")
    return f"## Cost of measuring the angle\n\nresnet18, {items} images of 96 px.\n\n{table(header, [row])}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    publish(
        "losses",
        "Losses",
        f"python -m benchmarks.losses --repeats {repeats}",
        machine("torch", "pytorch-metric-learning"),
        [
            "Forward and backward, D = 512, 4 images per label, float32, margin 0.2, normalized Euclidean distance. "
            "The product is `(x @ x.T).sum()` forward and backward: the floor of any loss over all pairs.",
            speed(256, repeats),
            speed(1024, repeats),
            memory(),
            probing(repeats),
        ],
    )


if __name__ == "__main__":
    main()
