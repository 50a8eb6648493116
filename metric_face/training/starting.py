"""What a training starts from: which weights, and the image size and preprocessing that go with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from metric_face.config import Config
from metric_face.data import EvalTransform
from metric_face.errors import ConfigError, DownloadError
from metric_face.models import (
    Backbone,
    EmbeddingModel,
    find_backbone,
    fitting_size,
    load_backbone,
    published_weights,
    read_card,
)
from metric_face.progress import Say

SCRATCH_SIZE = (96, 96)
"""Height and width where neither the configuration nor trained weights say one."""

TRAINED_SCALE = 0.1
"""The learning rate of a trained backbone as a share of the others', where the configuration leaves it open."""


@dataclass(frozen=True)
class StartingPoint:
    """Which weights a training starts from.

    Attributes:
        facts: for ``run.json`` and ``model.json``: ``weights`` (``scratch``, ``published``, ``file`` or ``run``),
            ``name`` (of the weights), ``note`` (why there are none, or empty), ``backbone`` and ``arguments`` (of
            timm) and ``own`` (the transform that the weights were trained with).
        published: the weights of timm, where those are it.
        file: the local file, where that is it.
    """

    facts: Mapping[str, Any]
    published: Mapping[str, Tensor] | None = field(default=None, repr=False)
    file: Path | None = None

    @property
    def trained(self) -> bool:
        """Whether it starts from trained weights."""
        return bool(self.facts["weights"] != "scratch")

    @property
    def own(self) -> EvalTransform:
        """How the weights, or else the model, want their images."""
        return EvalTransform.from_dict(self.facts["own"])

    def build(
        self,
        config: Config,
        num_classes: Mapping[str, int],
        say: Say,
        head_kinds: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> EmbeddingModel:
        """The model with its weights.

        Args:
            config: settled.
            num_classes: head name -> C.
            say: called with one line where a file holds more than the model takes.
            head_kinds: of the heads that are no softmax, see :class:`EmbeddingModel`.

        Raises:
            FileFormatError: the local file cannot be read, or does not fit.
        """
        model = EmbeddingModel(
            self.facts["backbone"],
            num_classes,
            embedding_size=config.model.embedding_size,
            neck="none"
            if config.model.neck == "auto"
            else config.model.neck,  # settled once the data are known
            dropout=config.model.dropout,
            feature_dropout=config.model.feature_dropout,
            head_kinds=head_kinds,
            pooling=config.model.pooling,
            size=transform_of(config).size,
            arguments=self.facts["arguments"],
            published=self.published,
        )
        if self.file is not None:
            load_backbone(model, self.file, say)
        return model


def choose_start(config: Config, say: Say) -> tuple[Config, StartingPoint]:
    """Find the weights to start from, and settle what depends on them.

    Args:
        config: what is wanted.
        say: called with what the user should know: from scratch, another size, other preprocessing than the weights'.

    Returns:
        The configuration with every ``auto`` of size and preprocessing put into effect, and the starting point.

    Raises:
        ArgumentError: there is no such backbone, or it takes no such size.
        ConfigError: published weights are insisted on and cannot be had, or a run to start from has another backbone.
    """
    try:
        backbone = find_backbone(config.model.backbone)
    except DownloadError as error:
        raise ConfigError(f"model.backbone={config.model.backbone}: {error}") from None
    start = _weights(config, backbone, say)
    wanted, own = config.data, start.own
    size = wanted.size if wanted.size != "auto" else own.size if start.trained else SCRATCH_SIZE
    taken = fitting_size(backbone, size)
    if taken != size:
        say(f"data.size={_pixels(taken)}: {backbone.name} does not take {_pixels(size)}, this is the nearest")
    elif wanted.size == "auto" and start.trained:
        say(f"data.size={_pixels(taken)}: the size that the weights were trained with; smaller is faster")
    of_weights = start.trained and wanted.crop == "auto" and wanted.fit == "auto"
    crop = wanted.crop if wanted.crop != "auto" else own.crop if of_weights else (1.0, 1.0)
    fit = wanted.fit if wanted.fit != "auto" else own.fit if of_weights else "stretch"
    data = {
        "size": taken,
        "crop": crop,
        "fit": fit,
        "mean": own.mean if wanted.mean == "auto" else wanted.mean,
        "std": own.std if wanted.std == "auto" else wanted.std,
        "interpolation": own.interpolation if wanted.interpolation == "auto" else wanted.interpolation,
    }
    model: dict[str, object] = {"pretrained": start.published is not None}
    if config.model.batch_norm == "auto":
        model["batch_norm"] = "frozen" if start.trained else "moving"
    scale = config.optimizer.backbone_scale
    optimizer = {"backbone_scale": (TRAINED_SCALE if start.trained else 1.0) if scale == "auto" else scale}
    settled = config.model_copy(
        update={
            "data": wanted.model_copy(update=data),
            "model": config.model.model_copy(update=model),
            "optimizer": config.optimizer.model_copy(update=optimizer),
        }
    )
    if start.trained:
        for name in transform_of(settled).differences(own):
            used, right = getattr(transform_of(settled), name), getattr(own, name)
            say(f"data.{name}={used}: the weights were trained with {right}; set data.{name}=auto")
    return settled, start


def resumed_start(facts: Mapping[str, Any], config: Config) -> StartingPoint:
    """The starting point of a run that goes on, whose weights come from its checkpoint.

    Args:
        facts: of the run; a run of an older version says nothing of its start.
        config: of the run.
    """
    stored = facts.get("start")
    if isinstance(stored, Mapping):
        return StartingPoint(stored)
    backbone = find_backbone(config.model.backbone)
    weights = (
        "file" if config.model.weights else "published" if config.model.pretrained is True else "scratch"
    )
    return StartingPoint(_facts(weights, config.model.weights or backbone.name, "", backbone, backbone.own))


def transform_of(config: Config) -> EvalTransform:
    """The evaluation transform of a settled configuration."""
    data = config.data
    if "auto" in (data.size, data.crop, data.fit, data.mean, data.std, data.interpolation):
        raise ConfigError("data: size and preprocessing are settled by choose_start, found auto")
    return EvalTransform(data.size, data.crop, data.mean, data.std, data.interpolation, data.fit)  # type: ignore[arg-type]


def _weights(config: Config, backbone: Backbone, say: Say) -> StartingPoint:
    wanted = config.model
    if wanted.weights is not None:
        return _local(Path(wanted.weights), backbone)
    note = "model.pretrained=false"
    if wanted.pretrained is not False:
        try:
            tensors = published_weights(backbone.configuration)
            return StartingPoint(_facts("published", _name(backbone), "", backbone, backbone.own), tensors)
        except DownloadError as error:
            note = str(error)
            if wanted.pretrained is True:
                raise ConfigError(
                    f"model.pretrained=true: no weights of {backbone.name} ({error}); give a file with "
                    "--set model.weights=FILE, or set model.pretrained=auto"
                ) from None
            say(
                f"{backbone.name} trains from scratch: no published weights ({error}); give a file with "
                "--set model.weights=FILE, or set model.pretrained=false"
            )
    return StartingPoint(_facts("scratch", "", note, backbone, backbone.own))


def _local(place: Path, backbone: Backbone) -> StartingPoint:
    """A file of weights, or the folder or ``model.safetensors`` of a run of ours, which knows its own transform."""
    folder = place if place.is_dir() else place.parent
    of_run = place.is_dir() or (place.name == "model.safetensors" and (folder / "model.json").is_file())
    if not of_run:
        return StartingPoint(_facts("file", place.name, "", backbone, backbone.own), file=place)
    card = read_card(folder)
    theirs = str(card["architecture"].get("backbone"))
    if theirs.partition(".")[0] != backbone.name.partition(".")[0]:
        raise ConfigError(
            f"model.weights={place}: is a run of {theirs}, found model.backbone={backbone.name}; set "
            f"model.backbone={theirs}"
        )
    own = EvalTransform.from_dict(card["transform"])
    return StartingPoint(_facts("run", folder.name, "", backbone, own), file=folder)


def _facts(weights: str, name: str, note: str, backbone: Backbone, own: EvalTransform) -> dict[str, Any]:
    return {
        "weights": weights,
        "name": name,
        "note": note,
        "backbone": backbone.name,
        "arguments": dict(backbone.arguments),
        "own": own.to_dict(),
    }


def _name(backbone: Backbone) -> str:
    """Of the published weights: timm's name with the tag that was meant, or the repository."""
    tag = backbone.configuration.get("tag")
    plain = backbone.name.partition(".")[0]
    return str(f"{plain}.{tag}" if tag else backbone.configuration.get("hf_hub_id") or backbone.name)


def _pixels(size: tuple[int, int]) -> str:
    return f"[{size[0]}, {size[1]}]"
