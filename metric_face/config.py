"""The configuration of a run: every value typed, bounded and explained; YAML in and out.

An unknown key is refused with the nearest known one. ``load_config`` merges a recipe, a file and ``--set``
overrides; ``dump_config`` writes the resolved values and marks which differ from the defaults.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from metric_face.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AugmentationConfig(_Section):
    flip: Share = 0.5
    """Chance of a left-right flip."""
    scale: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Smallest share of the area that a random crop keeps; 1 is no crop."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation in degrees."""
    colour: Share = 0.2
    """Strength of random brightness, contrast and saturation."""
    erase: Share = 0.0
    """Chance that a random rectangle is blanked."""


class SplitConfig(_Section):
    val: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the images for validation; a column ``split`` in the table takes precedence."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the images that training never looks at."""
    group: str | None = None
    """Column whose values must not be in two parts; default ``identity``, else exact copies stay together."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Number of folds, in place of the share ``val``; ``fold`` is held out here, ``train --folds`` holds out each."""
    fold: Annotated[int, Field(ge=0)] = 0
    """Which fold is for validation, from 0."""
    seed: int = 0


class DataConfig(_Section):
    path: str = ""
    """The competition's folder, a CSV or Parquet file with a ``path`` column, or class folders."""
    attributes: list[str] | None = None
    """Columns to predict, in the joint class's order; [] trains on identities alone; default the obvious ones."""
    bins: dict[str, list[float]] = {}
    """Cuts of continuous attributes, such as {age: [30, 60]}."""
    missing_labels: Literal["refuse", "drop"] = "refuse"
    """What to do with rows that lack a label."""
    skip_broken: bool = False
    """Drop and list broken images instead of refusing."""
    size: tuple[Annotated[int, Field(ge=8)], Annotated[int, Field(ge=8)]] = (96, 96)
    """Height and width in pixels that the model sees."""
    crop: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (1.0, 1.0)
    """Height and width of the centred crop, as shares of the image's."""
    augmentation: AugmentationConfig = AugmentationConfig()
    split: SplitConfig = SplitConfig()
    workers: Annotated[int, Field(ge=0)] = 2
    """Processes that read images."""
    cache_gib: NotNegative = 2.0
    """Keep the resized images in memory when they take no more than this."""


class ModelConfig(_Section):
    backbone: str = "resnet18"
    """Any timm model by name."""
    pretrained: bool = False
    """Start from timm's published weights (downloaded once)."""
    weights: str | None = None
    """Start from a local file instead: .safetensors, or .pth with tensors only."""
    neck: Literal["bn", "none", "cosine"] = "bn"
    """``bn``: triplet before a batch norm, classifier after (BNNeck). ``cosine``: normalised embedding and weights."""
    embedding_size: Count | None = 128
    """D; null keeps the backbone's own features."""
    heads: Literal["attributes", "joint", "none"] = "attributes"
    """One classifier per attribute, one for the joint class, or none."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """On the features that the heads see."""


class SamplerConfig(_Section):
    batches: Literal["identity", "shuffled"] = "identity"
    """``identity``: P labels with K images each, so that rare labels are drawn as often as common ones, and a metric
    loss has its pairs; ``shuffled``: every image once, in any order."""
    identities: Annotated[int, Field(ge=2)] | None = None
    """P: labels in a batch; null is 8 (16 where the label is the identity), or as many as there are."""
    instances: Annotated[int, Field(ge=2)] | None = None
    """K: images of a label in a batch; null is 4 where the label is the identity, else what makes about 64 images."""
    coverage: Literal["images", "identities"] = "images"
    singletons: Literal["pad", "drop", "raise"] = "pad"
    spread: bool = True
    """Take the K images of a label from different identities, where the label is not the identity."""
    batch_size: Count = 64
    """Of shuffled batches."""


class LossConfig(_Section):
    metric: str = "auto"
    """``triplet``, ``none``, or a loss of pytorch-metric-learning such as ``pml.ArcFaceLoss``. ``auto``: none where
    there are classes to predict (on real data, cross-entropy on identity batches was as good or better: see
    ``benchmarks/results/objectives.md``), triplet where there are identities alone."""
    arguments: dict[str, Any] = {}
    """Arguments of the metric loss, such as {margin: 0.3, mining: batch_hard}."""
    label: str = "joint"
    """What the metric loss and identity batches go by: ``identity``, ``joint`` or one attribute."""
    metric_weight: NotNegative = 1.0
    metric_ramp: Annotated[int, Field(ge=0)] = 0
    """Steps over which the metric loss grows to its weight."""
    classifier: Literal["ce", "focal", "logit_adjusted"] = "ce"
    classifier_weight: NotNegative = 1.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_balance: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Beta of class weights by effective number; 0 is none, 0.999 strong."""
    f1_weight: NotNegative = 0.0
    """Weight of the soft F1 loss beside the classifier's."""
    f1_ramp: Annotated[int, Field(ge=0)] = 200
    """Steps over which soft F1 grows to its weight; its gradient dies where the model is confidently wrong."""
    surgery: Literal["none", "pcgrad"] = "none"
    """``pcgrad``: take out of the gradients of the metric and the other losses what opposes the other."""
    probe_every: Annotated[int, Field(ge=0)] = 1
    """Steps between two measurements of the angle between the losses; 0 is never."""


class OptimizerConfig(_Section):
    lr: Positive = 1e-3
    weight_decay: NotNegative = 0.05
    warmup: Share = 0.05
    """Share of the steps over which the learning rate rises."""
    final: Share = 0.01
    """Share of ``lr`` at which the cosine ends."""
    clip: NotNegative = 5.0
    """Largest gradient norm; 0 is no clipping."""
    accumulate: Count = 1
    """Batches per step."""


class TrainerConfig(_Section):
    epochs: Count = 10
    max_time: str | None = None
    """Wall time after which training ends with its best weights, such as 30m, 2h or 01:30:00."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto``: bf16 where the processor or GPU computes in it."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of averaged weights; 0 is none."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Epochs without a better validation score after which training ends; 0 is never."""
    monitor: str = "val/macro_f1"
    """What the best checkpoint is chosen by."""
    devices: Annotated[int, Field(ge=0)] = 0
    """Processes; 0 is one, or those of torchrun."""
    loggers: list[Literal["tensorboard", "wandb"]] = []
    """Beside the CSV log, which is always written."""
    compile: bool = False
    """torch.compile the backbone."""
    export_onnx: bool = True
    """Write model.onnx at the end, which makes the kNN command start in under a second."""


class Config(_Section):
    """Everything that a run depends on."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    sampler: SamplerConfig = SamplerConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    trainer: TrainerConfig = TrainerConfig()
    seed: int = 0

    @property
    def identity_batches(self) -> bool:
        """Whether batches are P labels with K images each."""
        return self.sampler.batches == "identity"

    def settled(self, has_classes: bool) -> "Config":
        """The configuration with ``auto`` put into effect, for data with classes to predict or identities alone."""
        if self.loss.metric != "auto":
            return self
        metric = "none" if has_classes and self.model.heads != "none" else "triplet"
        return self.model_copy(update={"loss": self.loss.model_copy(update={"metric": metric})})

    @model_validator(mode="after")
    def _has_something_to_learn(self) -> "Config":
        if self.loss.metric not in ("auto", "none", "triplet") and not self.loss.metric.startswith("pml."):
            raise ValueError(
                f"loss.metric={self.loss.metric}: must be auto, triplet, none, or pml.NAME (pytorch-metric-learning)"
            )
        if self.loss.metric == "none" and self.model.heads == "none":
            raise ValueError(
                "loss.metric and model.heads are both 'none': nothing would be learnt; choose one"
            )
        if self.model.weights is not None and self.model.pretrained:
            raise ValueError(
                "model.weights and model.pretrained: give one, a file or timm's published weights"
            )
        return self


def load_config(
    source: str | Path | Mapping[str, Any] | None = None, overrides: Iterable[str] = ()
) -> Config:
    """Build a configuration.

    Args:
        source: a YAML file, the name of a recipe (see :func:`recipes`), a mapping, or None for the defaults.
            A file may name the recipe that it starts from in a key ``recipe``.
        overrides: ``section.key=value`` each, the value read as YAML.

    Returns:
        The configuration, all values in effect.

    Raises:
        ConfigError: one line that names the key, the rule and the value, or the nearest known key.
    """
    values = dict(source) if isinstance(source, Mapping) else _read(source)
    base = values.pop("recipe", None)
    if base is not None:
        values = _merge(_read(base), values)
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign or not key:
            raise ConfigError(f"--set {override}: must be key=value, such as optimizer.lr=3e-4")
        value = _parse_yaml(text, f"--set {override}")
        for part in reversed(key.split(".")):
            value = {part: value}
        values = _merge(values, value)
    return validate(values)


def validate(values: Mapping[str, Any]) -> Config:
    """Check plain values against the schema.

    Raises:
        ConfigError: as :func:`load_config`.
    """
    try:
        return Config.model_validate(_numbers(values))
    except ValidationError as error:
        raise ConfigError(_one_line(error)) from None


def dump_config(config: Config) -> str:
    """The configuration as YAML; a value that differs from its default is marked so."""
    defaults = Config().model_dump(mode="json")
    values = config.model_dump(mode="json")
    lines: list[str] = []
    for section, content in values.items():
        if not isinstance(content, dict):
            lines.append(f"{section}: {_scalar(content)}{_mark(content, defaults[section])}")
            continue
        lines.append(f"{section}:")
        lines += _dump_section(content, defaults[section], "  ")
    return "\n".join(lines) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON schema of a configuration file, for editors."""
    return Config.model_json_schema()


def recipes() -> dict[str, str]:
    """The recipes that ship, and the comment each begins with."""
    folder = resources.files("metric_face") / "recipes"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name
    )
    return {file.name[:-5]: file.read_text("utf-8").splitlines()[0].lstrip("# ") for file in files}


def _dump_section(content: Mapping[str, Any], default: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in content.items():
        before = default.get(key)
        if isinstance(value, dict) and value and isinstance(before, dict) and before:
            lines.append(f"{indent}{key}:")
            lines += _dump_section(value, before, indent + "  ")
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}{_mark(value, before)}")
    return lines


def _scalar(value: Any) -> str:
    # JSON is YAML on one line; it also quotes a text that YAML would take for something else.
    return json.dumps(value, ensure_ascii=False)


def _mark(value: Any, default: Any) -> str:
    return "" if value == default else f"  # default: {_scalar(default)}"


def _read(source: str | Path | None) -> dict[str, Any]:
    if source is None:
        return {}
    known = recipes()
    if str(source) in known:
        text = (resources.files("metric_face") / "recipes" / f"{source}.yaml").read_text("utf-8")
    else:
        path = Path(source)
        if not path.is_file():
            raise ConfigError(f"{source}: no such file, and no recipe; the recipes are {', '.join(known)}")
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{source}: must be a YAML text in UTF-8 ({error.reason})") from None
    values = _parse_yaml(text, str(source))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            f"{source}: must hold sections such as 'data:' and 'model:'; found {type(values).__name__}"
        )
    return values


def _parse_yaml(text: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(
            f"{where}{line}: not YAML ({getattr(error, 'problem', None) or 'cannot be parsed'})"
        ) from None


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _numbers(value: Any) -> Any:
    """YAML 1.1 reads 3e-4 as text; make the number of it that everybody means."""
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, str) and "e" in value.lower() and value[:1] in "+-.0123456789":
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: no such key{_nearest(first['loc'])}{more}"
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return f"{message}{more}"
    return f"{key}={first['input']!r}: {message[0].lower()}{message[1:]}{more}"


def _nearest(location: tuple[Any, ...]) -> str:
    section: Any = Config
    for part in location[:-1]:
        section = section.model_fields[part].annotation
    known = list(section.model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {'.'.join([*map(str, location[:-1]), close[0]])}?"
    everywhere = {
        key: f"{name}.{key}"
        for name, field in Config.model_fields.items()
        for key in getattr(field.annotation, "model_fields", {})
    }
    close = difflib.get_close_matches(str(location[-1]), list(everywhere), n=1, cutoff=0.7)
    return f"; did you mean {everywhere[close[0]]}?" if close else f"; the keys here are {', '.join(known)}"
