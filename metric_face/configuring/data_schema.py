"""The sections of the configuration that say which images there are and how they are seen."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from metric_face.configuring.fields import (
    Alpha,
    Auto,
    Below1,
    CropShare,
    Deviation,
    Pixels,
    Section,
    Seed,
    Share,
)
from metric_face.configuring.sense import both_sides, check_bins, check_split, distinct


class AugmentationConfig(Section):
    flip: Share = 0.5
    """Chance of a left-right flip."""
    scale: Annotated[float, Field(ge=0.01, le=1)] = 0.7
    """Smallest share of the area that a random crop keeps; 1 is no crop."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation in degrees."""
    policy: Literal["none", "randaugment", "trivialaugment"] = "none"
    """Random operations by torchvision: ``randaugment`` is two at magnitude 9, ``trivialaugment`` one at a random
    strength. Both change colors and geometry; with them, ``color`` and ``rotate`` may be 0."""
    color: Share = 0.2
    """Strength of random brightness, contrast and saturation."""
    grayscale: Share = 0.0
    """Chance that an image loses its colors."""
    blur: Share = 0.0
    """Chance of a Gaussian blur of .1 to 2 pixels."""
    erase: Share = 0.0
    """Chance that a random rectangle is blanked."""


class MixingConfig(Section):
    """Mixing the images of a training batch with each other, at size and normalized."""

    mixup: Alpha = 0.0
    """Alpha of mixup, such as 0.2: an image is a sum of two, the share of each drawn from Beta(alpha, alpha). 0 is
    none. Where both mixup and cutmix are on, each is drawn as often."""
    cutmix: Alpha = 0.0
    """Alpha of cutmix, such as 1: a rectangle is taken from another image, its share of the area drawn from
    Beta(alpha, alpha). 0 is none."""
    chance: Share = 0.5
    """Chance that a batch is mixed; the others stay clean. Classifiers and soft F1 learn the shares of the classes from
    mixed batches; the metric loss and a teacher are read on clean batches only. Not with ``trainer.frozen``."""

    @property
    def is_on(self) -> bool:
        """Whether any batch is mixed."""
        return self.chance > 0 and max(self.mixup, self.cutmix) > 0


class SplitConfig(Section):
    val: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the images for validation; a column ``split`` in the table takes precedence."""
    test: Below1 = 0.0
    """Share of the images that training never looks at."""
    group: str | None = None
    """Column whose values must not be in two parts; default ``identity``, else exact copies stay together."""
    folds: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Number of folds, in place of the share ``val``; ``fold`` is held out here, ``train --folds`` holds out each."""
    fold: Annotated[int, Field(ge=0)] = 0
    """Which fold is for validation, from 0."""
    seed: Seed = 0
    """Of the split alone."""

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "SplitConfig":
        check_split(self)
        return self


class DataConfig(Section):
    path: str = ""
    """The competition's folder, a CSV or Parquet file with a ``path`` column, or class folders."""
    attributes: list[str] | None = None
    """Columns to predict, in the joint class's order; [] trains on identities alone; default the obvious ones."""
    bins: dict[str, list[float]] = Field(default_factory=dict)
    """Cuts of continuous attributes, such as {age: [30, 60]}."""
    missing_labels: Literal["refuse", "drop"] = "refuse"
    """What to do with rows that lack a label."""
    skip_broken: bool = False
    """Drop and list broken images instead of refusing."""
    box: tuple[str, str, str, str] | None = ("x1", "y1", "x2", "y2")
    """Columns of left, top, right and bottom of a part of the image, in pixels of the upright image; a row without them
    is the whole image. Where a table lacks one of the columns, or with null, there are no boxes."""
    size: Annotated[tuple[Pixels, Pixels] | Auto, Field(examples=[[96, 96]])] = "auto"
    """Height and width in pixels that the model sees, or one number for both; ``auto``: the model's own where it starts
    from trained weights, else 96. Where a model does not take a size, the nearest that it takes is reported."""
    crop: Annotated[tuple[CropShare, CropShare] | Auto, Field(examples=[[0.9, 0.9]])] = "auto"
    """Height and width of the centered crop, as shares of the image's; ``auto``: the model's own where it starts from
    trained weights and ``fit`` is ``auto`` too, else all of the image."""
    fit: Literal["auto", "stretch", "center", "squash", "border"] = "auto"
    """How an image of other proportions comes to size: ``stretch`` distorts the crop; ``center`` keeps proportions and
    cuts off what is too long, ``border`` keeps all of it on a border, ``squash`` distorts before the crop, each as in
    timm. ``auto``: the model's own where ``crop`` is, else ``stretch``."""
    mean: tuple[Share, Share, Share] | Auto = "auto"
    """Of each channel, with values in 0..1; ``auto``: the model's own."""
    std: tuple[Deviation, Deviation, Deviation] | Auto = "auto"
    """Of each channel; ``auto``: the model's own."""
    interpolation: Literal["auto", "nearest", "bilinear", "bicubic", "lanczos"] = "auto"
    """Of resizing; ``auto``: the model's own."""
    augmentation: AugmentationConfig = AugmentationConfig()
    mixing: MixingConfig = MixingConfig()
    split: SplitConfig = SplitConfig()
    workers: Annotated[int, Field(ge=0, le=256)] = 2
    """Processes that read images."""
    cache_gib: Annotated[float, Field(ge=0, le=65536)] = 2.0
    """Keep the resized images in memory when they take no more than this."""

    _size = field_validator("size", mode="before")(both_sides)
    _attributes = field_validator("attributes")(distinct)
    _bins = field_validator("bins")(check_bins)
