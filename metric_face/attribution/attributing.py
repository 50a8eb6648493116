"""attribute: which regions make two images similar, or an answer what it is."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from metric_face.arrays import Floats
from metric_face.attribution.deletion import ScoreOf, faithfulness, occlusion_map, scores_of, to_patches
from metric_face.attribution.gradient_map import Score, gradient_map
from metric_face.attribution.result import Attribution, ImageMap, border_share
from metric_face.data import ImageInput, input_names
from metric_face.errors import ArgumentError
from metric_face.models import EmbeddingModel, ModelOutput
from metric_face.progress import Progress, silent
from metric_face.run import Run

SIDE = 8


def attribute(
    run: Run | str | Path,
    images: Sequence[ImageInput],
    *,
    head: str | None = None,
    answer: str | None = None,
    side: int = SIDE,
    orders: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> Attribution:
    """Explain the similarity of two images, or the answer of a head about one.

    Two maps are made of each image: activation times gradient at the backbone's last places, and occlusion. Each is
    checked by covering its highest patches first: a map that names what matters lowers the score faster than random
    orders of the same patches do.

    Args:
        run: a run, or its folder.
        images: two images for their similarity, one for a head's answer; paths, images of Pillow, arrays or open files.
        head: whose answer is explained; default the first.
        answer: the class; default the one that the head answers.
        side: patches along each side, of occlusion and deletion.
        orders: random orders that a map is compared with.
        seed: of the random orders.
        progress: called with (maps done, maps in all).

    Raises:
        ArgumentError: not one or two images, a head or class that the run does not have, or a setting out of range.
        ImageError: an image cannot be used.

    Example:
        >>> print(*metric_face.attribute("runs/first", ["a.jpg", "b.jpg"]).lines(), sep="\\n")
    """
    if len(images) not in (1, 2):
        raise ArgumentError(
            f"images: give two for their similarity, or one for a head's answer; found {len(images)}"
        )
    if not 2 <= side <= 32:
        raise ArgumentError(f"side={side} (--side): must lie between 2 and 32 patches")
    if orders < 1:
        raise ArgumentError(f"orders={orders} (--orders): must be at least 1")
    run = Run.open(run)
    model, names = run.model.float().cpu(), input_names(images)
    pixels = [run.transform.load(image, name) for image, name in zip(images, names, strict=True)]
    prepared = [torch.from_numpy(run.transform.normalize(one)) for one in pixels]
    if len(images) == 2:
        if head is not None or answer is not None:
            raise ArgumentError(
                "head (--head, --class): goes with one image; two are explained by their similarity"
            )
        with torch.inference_mode():
            vectors = [model.embed(one[None]) for one in prepared]
        scores = [similarity_to(vectors[1]), similarity_to(vectors[0])]
        target = ""
    else:
        target, score = _class_score(run, model, prepared[0], head, answer)
        scores = [score]
    found = []
    for number, (name, image, shown, score) in enumerate(zip(names, prepared, pixels, scores, strict=True)):
        found.append(_maps(model, name, image, shown, score, side, orders, seed))
        progress(number + 1, len(names))
    value = float(scores_of([prepared[0]], on_images(model, scores[0]))[0])
    return Attribution("class" if len(images) == 1 else "similarity", target, value, tuple(found))


def similarity_to(vector: Tensor) -> Score:
    """The cosine to a vector (1, D) that stays as it is.

    Its gradient takes the length of the embedding for fixed: that of the cosine itself vanishes where two images are
    most alike, and would show rounding. What is left is what each place adds along the other's direction.
    """
    direction = F.normalize(vector.detach().float(), dim=1)[0]

    def score(output: ModelOutput) -> Tensor:
        embedding = output.embedding.float()
        cosine: Tensor = embedding @ direction / embedding.norm(dim=1).detach().clamp_min(1e-12)
        return cosine

    return score


def on_images(model: EmbeddingModel, score: Score) -> ScoreOf:
    """A score of what the model makes, as a score of images."""
    return lambda images: score(model(images))


def _class_score(
    run: Run, model: EmbeddingModel, image: Tensor, head: str | None, answer: str | None
) -> tuple[str, Score]:
    """Head and class in words, and the logit."""
    if not model.head_names or run.space is None:
        raise ArgumentError("images: the run has no heads, so one image has no answer; give a second image")
    chosen = head or model.head_names[0]
    if chosen not in model.head_names:
        raise ArgumentError(f"head={chosen!r} (--head): must be one of {', '.join(model.head_names)}")
    names = run.space.joint_names if chosen not in run.space.names else run.space[chosen].classes
    if answer is not None and answer not in names:
        raise ArgumentError(f"answer={answer!r} (--class): must be one of {', '.join(names)}")
    with torch.inference_mode():
        code = int(model(image[None]).logits[chosen].argmax()) if answer is None else names.index(answer)
    return f"{chosen}: {names[code]}", lambda output: output.logits[chosen][:, code]


def _maps(
    model: EmbeddingModel,
    name: str,
    image: Tensor,
    pixels: object,
    score: Score,
    side: int,
    orders: int,
    seed: int,
) -> ImageMap:
    of_images = on_images(model, score)
    gradient = to_patches(gradient_map(model, image[None], score)[0], side)
    total = float(gradient.sum())
    gradient = gradient / total if total > 0 else gradient
    occlusion = occlusion_map(image, of_images, side)
    maps = {"gradient": gradient, "occlusion": occlusion}
    checks = faithfulness(image, of_images, maps, orders=orders, seed=seed)
    return ImageMap(
        name,
        pixels,
        gradient,
        occlusion,
        checks,
        rank_correlation(gradient, occlusion),
        border_share(gradient),
    )


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation of two maps; NaN where one is flat."""
    from scipy.stats import rankdata

    ranks = [rankdata(one.ravel()) for one in (first, second)]
    if any(one.std() == 0 for one in ranks):
        return float("nan")
    return float(np.corrcoef(ranks)[0, 1])
