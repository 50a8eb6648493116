"""Any timm model as a feature extractor: what a name stands for, the image sizes that it takes, and building it.

A name is timm's (``resnet18``), with or without a tag (``resnet18.a1_in1k``), a repository of the Hugging Face Hub
(``hf-hub:OWNER/NAME``) or a folder with a ``config.json`` (``local-dir:FOLDER``).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import timm
import torch
from timm.models import parse_model_name
from torch import Tensor, nn

from metric_face.data import IMAGENET_MEAN, IMAGENET_STD, EvalTransform
from metric_face.errors import ArgumentError
from metric_face.models.published import fetch

Size = tuple[int, int]
_MOST_TRIALS = 24


@dataclass(frozen=True)
class Backbone:
    """What a name stands for.

    Attributes:
        name: timm's name, with a tag where it has one.
        arguments: of ``timm.create_model``, plain data.
        own: how its published weights want their images: size, crop, mean, deviation, interpolation.
        configuration: timm's ``pretrained_cfg``, which knows where the weights are.
    """

    name: str
    arguments: Mapping[str, Any]
    own: EvalTransform
    configuration: Mapping[str, Any] = field(repr=False)


def find_backbone(name: str) -> Backbone:
    """Look a name up, without building the model.

    Raises:
        ArgumentError: there is no such model, tag or folder.
        DownloadError: a repository of the Hub cannot be asked what it holds.
    """
    try:
        source, place = parse_model_name(name)
    except ValueError as error:
        raise ArgumentError(f"model.backbone={name!r}: {str(error).partition('.')[0]}") from None
    if source is not None:
        folder = fetch(place, ("config.json",)).parent if source == "hf-hub" else place
        return _described(name, str(folder), place if source == "hf-hub" else None)
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        close = timm.list_models(f"*{name[:6]}*")[:5]
        hint = f"; near it are {', '.join(close)}" if close else ""
        raise ArgumentError(f"backbone={name!r}: must be a timm model{hint}; timm.list_models() lists them")
    try:
        known = timm.get_pretrained_cfg(name)
    except RuntimeError:
        tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{architecture}.*")]
        raise ArgumentError(
            f"backbone={name!r}: has no tag {tag!r}; it has {', '.join(tags) or 'none'}"
        ) from None
    configuration = {} if known is None else known.to_dict()
    return Backbone(name, {}, own_transform(configuration), configuration)


def _described(name: str, folder: str, repository: str | None) -> Backbone:
    from timm.models._hub import load_model_config_from_path

    try:
        configuration, architecture, arguments = load_model_config_from_path(folder)
        if not timm.is_model(architecture):
            raise ValueError(f"architecture {architecture!r} is none of timm's")
        own = own_transform(configuration)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArgumentError(
            f"backbone={name!r}: needs a folder with timm's config.json ({str(error).splitlines()[0][:120]})"
        ) from None
    # The commit of a repository is looked up once: its weights are fetched by the name that described them.
    source = {"hf_hub_id": repository, "source": "hf-hub"} if repository else {}
    return Backbone(architecture, dict(arguments), own, {**configuration, **source})


def own_transform(configuration: Mapping[str, Any]) -> EvalTransform:
    """How the weights of a timm configuration want their images; ImageNet's values where it states none."""
    size = configuration.get("input_size") or (3, 224, 224)
    share = float(configuration.get("crop_pct") or 1.0)
    interpolation = str(configuration.get("interpolation") or "bilinear")
    return EvalTransform(
        (int(size[1]), int(size[2])),
        (share, share),
        _triple(configuration.get("mean"), IMAGENET_MEAN),
        _triple(configuration.get("std"), IMAGENET_STD),
        "bicubic" if interpolation == "random" else interpolation,
        str(configuration.get("crop_mode") or "center"),
    )


def make_timm(
    name: str,
    arguments: Mapping[str, Any],
    size: Size | None,
    published: Mapping[str, Tensor] | None = None,
) -> Any:
    """Build a timm model without a classifier.

    Args:
        name: timm's, with or without a tag.
        arguments: of ``timm.create_model``.
        size: (height, width) of its images; given to the model where it wants to know it (``img_size``).
        published: weights of timm for this model, which timm fits to size and names; None is a random start.
    """
    known = timm.get_pretrained_cfg(name)
    own = None if known is None else tuple((known.input_size or (3, 0, 0))[1:])
    given = {key: value for key, value in arguments.items() if key != "img_size" or size is None}
    if published is not None:
        # Another number of classes than any weights have: timm then leaves out their classifier, whatever its size.
        overlay = {"state_dict": dict(published), "num_classes": -1}
        given |= {"pretrained": True, "pretrained_cfg_overlay": overlay}
    if size is not None and (size != own or "img_size" in arguments):
        try:
            return _forget(timm.create_model(name, num_classes=0, img_size=size, **given))
        except TypeError as error:
            if "img_size" not in str(error):
                raise
    return _forget(timm.create_model(name, num_classes=0, **given))


def feature_width(features: Callable[[Tensor], Any], model: nn.Module, size: Size) -> int:
    """How many features an extractor gives for images of a size, asked of it; the model is left as it was.

    Raises:
        ArgumentError: it gives something else than (B, F).
    """
    weight = next(model.parameters())
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.inference_mode():
            found = features(torch.zeros(1, 3, *size, device=weight.device, dtype=weight.dtype))
    finally:
        for module, mode in modes:
            module.training = mode
    if not isinstance(found, Tensor) or found.ndim != 2:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ArgumentError(
            f"model.backbone: must give (B, F) features, found {shape}; choose another model.pooling"
        )
    return int(found.shape[1])


def fitting_size(backbone: Backbone, wanted: Size) -> Size:
    """The size nearest to the one wanted that a model takes: patches and windows divide some sizes and not others.

    The model is tried on the meta device, which computes shapes and no values.

    Raises:
        ArgumentError: it takes none of the sizes near, nor its own.
    """
    problem = _problem(backbone, wanted, "meta")
    if problem is None:
        return wanted
    own = backbone.own.size
    device = "meta" if _problem(backbone, own, "meta") is None else "cpu"
    if device == "cpu" and _problem(backbone, wanted, "cpu") is None:
        return wanted
    for size in _near(wanted, _step(backbone)):
        if _problem(backbone, size, device) is None:
            return size
    if _problem(backbone, own, device) is None:
        return own
    raise ArgumentError(
        f"data.size: {backbone.name} takes neither {wanted[0]} x {wanted[1]} px nor any size near it ({problem})"
    )


def _near(wanted: Size, step: int) -> Iterator[Size]:
    """Multiples of a step between two thirds and twice the size, the nearest first, the larger of two as near."""
    sides = [range(step * math.ceil(side / 1.5 / step), 2 * side + 1, step) for side in wanted]
    pairs = (
        [(side, side) for side in sides[0]]
        if wanted[0] == wanted[1]
        else [(height, width) for height in sides[0] for width in sides[1]]
    )
    pairs.sort(key=lambda pair: (abs(pair[0] - wanted[0]) + abs(pair[1] - wanted[1]), -sum(pair)))
    yield from (pair for pair in pairs[:_MOST_TRIALS] if pair != wanted)


def _problem(backbone: Backbone, size: Size, device: str) -> str | None:
    """Why a model does not take images of a size; None where it does."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device(device), torch.inference_mode():
            model = make_timm(backbone.name, backbone.arguments, size).eval()
            patch = _patch(model)
            if (
                size[0] % patch[0] or size[1] % patch[1]
            ):  # some models cut off what fills no patch, and say nothing
                return f"its patches are {patch[0]} x {patch[1]} px"
            model(torch.zeros(2, 3, *size))
    except Exception as error:  # each family says in its own way that shapes do not fit
        text = str(error).strip()
        return text.splitlines()[0][:120] if text else type(error).__name__
    return None


def _step(backbone: Backbone) -> int:
    """What a side is taken to be a multiple of: the patch where the model says it, else four pixels."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            patch = _patch(make_timm(backbone.name, backbone.arguments, None))
    except (AssertionError, TypeError, RuntimeError, ValueError):
        return 4
    return max(patch) if max(patch) > 1 else 4


def _patch(model: Any) -> Size:
    """(height, width) of the patches that a model cuts its images into; 1 x 1 where it says of none."""
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", 1)
    sides = tuple(patch) if isinstance(patch, tuple | list) else (patch, patch)
    return (int(sides[0]), int(sides[-1])) if all(isinstance(side, int) for side in sides) else (1, 1)


def _forget(model: Any) -> Any:
    """Without the published weights, of which timm keeps a reference beside the model."""
    if isinstance(getattr(model, "pretrained_cfg", None), dict):
        model.pretrained_cfg.pop("state_dict", None)
    return model


def _triple(values: Any, default: tuple[float, float, float]) -> tuple[float, float, float]:
    found = tuple(float(value) for value in (values or default))
    if len(found) == 1:
        found *= 3
    if len(found) != 3:
        raise ArgumentError(
            f"model.backbone: must take images of 3 channels, its mean has {len(found)}; choose another"
        )
    return found
