"""The schema of a run: every value typed, bounded and explained."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from metric_face.configuring.data_schema import DataConfig
from metric_face.configuring.durations import parse_duration
from metric_face.configuring.fields import Auto, Below1, Count, Section, Seed, Share, Steps, Weight
from metric_face.configuring.metric_schema import AddedMetricConfig, MetricLossConfig
from metric_face.configuring.sense import check_losses, check_monitor, distinct
from metric_face.configuring.teacher_schema import TeacherConfig


class ModelConfig(Section):
    backbone: Annotated[str, Field(min_length=1)] = "resnet18"
    """Any timm model by name, with or without a tag; ``hf-hub:OWNER/NAME``; ``local-dir:FOLDER`` with a config.json."""
    pretrained: bool | Auto = "auto"
    """Start from timm's published weights, downloaded once. ``auto``: where they can be had, else from scratch, which
    is reported; ``true`` insists."""
    weights: Annotated[str, Field(min_length=1)] | None = None
    """Start from a local file instead: .safetensors, .pth with tensors only, or the folder of a run of ours."""
    pooling: Literal["auto", "avg", "gem", "token"] = "auto"
    """How the last feature map becomes features: ``auto`` is the model's own way, its head included; ``avg`` is the
    mean over places, ``gem`` a generalized mean with a learned exponent, ``token`` the class token."""
    neck: Literal["auto", "bn", "none", "cosine"] = "auto"
    """``bn``: triplet before a batch norm, classifier after (BNNeck). ``cosine``: normalized embedding and weights.
    ``auto``: ``bn`` where there are heads; ``none`` where there are none, since a batch norm would give every direction
    the same weight again, which is what the metric loss has learned."""
    embedding_size: Annotated[int, Field(ge=1, le=65536)] | None = 128
    """D; null keeps the backbone's own features."""
    heads: Literal["attributes", "joint", "none"] = "attributes"
    """One classifier per attribute, one for the joint class, or none."""
    head_kinds: dict[str, Literal["softmax", "ordinal", "regression"]] = Field(default_factory=dict)
    """What the classifier of an attribute is, such as {age: ordinal}; ``softmax`` without. ``ordinal``,
    for bins or numbers: one score and ascending thresholds, so that neighboring classes are nearer than others.
    ``regression``, for bins: the number itself is learned, and the class is the bin that it lies in; its loss is the
    same for every ``loss.classifier``, without class weights."""
    dropout: Annotated[float, Field(ge=0, le=0.99)] = 0.0
    """On the embedding, before the heads."""
    feature_dropout: Annotated[float, Field(ge=0, le=0.99)] = 0.0
    """On the backbone's features, before the projection."""
    projection: Literal["auto", "random", "whitened", "discriminant"] = "auto"
    """How the projection starts: ``whitened`` is the whitened PCA of the backbone's features on the training images;
    ``discriminant`` is fitted to the metric label, so that images of one label lie close. ``auto``: from trained
    weights ``discriminant`` where the label is the identity, else ``whitened``; from scratch ``random``."""
    tta: Literal["none", "flip"] = "none"
    """Test-time augmentation: what a vector is averaged over wherever the model is used: ``flip`` is the image and its
    mirror image. Training on cached features validates with it; ``embed --tta`` takes another one."""
    batch_norm: Literal["auto", "frozen", "moving"] = "auto"
    """The backbone's batch-norm statistics: as the trained weights have them, or moving with the batches. ``auto``:
    ``frozen`` where the backbone starts from trained weights."""


class SamplerConfig(Section):
    batches: Literal["identity", "shuffled"] = "identity"
    """``identity``: P labels with K images each, so that rare labels are drawn as often as common ones, and a metric
    loss has its pairs; ``shuffled``: every image once, in any order."""
    identities: Annotated[int, Field(ge=2, le=65536)] | None = None
    """P: labels in a batch; null is 8 (16 where the label is the identity), or as many as there are."""
    instances: Annotated[int, Field(ge=2, le=65536)] | None = None
    """K: images of a label in a batch; null is 4 where the label is the identity, else what makes about 64 images."""
    coverage: Literal["images", "identities"] = "images"
    """What an epoch shows at least: every image once, or every label as often as any other, give or take one."""
    singletons: Literal["pad", "drop", "raise"] = "pad"
    """Labels of one image: repeat it (``pad``), leave it out (``drop``), or refuse (``raise``)."""
    spread: bool = True
    """Take the K images of a label from different identities, where the label is not the identity."""
    oversample: Share = 0.0
    """Of shuffled batches: images of rare joint classes are drawn again, spread over their identities. 0 is none, 1
    makes all classes as frequent by identities; between, the power of that factor."""
    batch_size: Annotated[int, Field(ge=2, le=65536)] = 64
    """Images of a shuffled batch; of an identity batch about, where ``identities`` or ``instances`` is left open."""


class LossConfig(MetricLossConfig):
    metric: str = "auto"
    """``triplet``, ``none``, or a loss of pytorch-metric-learning such as ``pml.ArcFaceLoss``. ``auto``: none where
    there are classes to predict (on real data, cross-entropy on identity batches was as good or better: see
    ``benchmarks/results/objectives.md``), triplet where there are identities alone."""
    also: list[AddedMetricConfig] = Field(default_factory=list)
    """Further metric losses of the same label, each with the keys of this one and a ``weight``, such as
    [{metric: pml.ProxyAnchorLoss, weight: 0.5}]."""
    label: Annotated[str, Field(min_length=1)] = "joint"
    """The label of the metric loss and of identity batches: ``identity``, ``joint`` or one attribute."""
    metric_weight: Weight = 1.0
    """Weight of the metric loss beside the classifiers'."""
    metric_ramp: Steps = 0
    """Steps over which the metric loss grows to its weight."""
    classifier: Literal["ce", "focal", "logit_adjusted"] = "ce"
    """Of the heads: cross-entropy, focal loss, or cross-entropy adjusted for the mix of labels that is drawn."""
    classifier_weight: Weight = 1.0
    """Weight of the classifiers' loss; the heads share it."""
    label_smoothing: Below1 = 0.0
    """Of the cross-entropy ``ce``."""
    class_balance: Below1 = 0.0
    """Beta of class weights by effective number; 0 is none, 0.999 strong. Not with ``logit_adjusted``."""
    f1_weight: Weight = 0.0
    """Weight of the soft F1 loss beside the classifier's."""
    f1_ramp: Steps = 200
    """Steps over which soft F1 grows to its weight; its gradient dies where the model is confidently wrong."""
    surgery: Literal["none", "pcgrad"] = "none"
    """``pcgrad``: take out of the gradients of the metric and the other losses what opposes the other."""
    probe_every: Steps = 1
    """Steps between two measurements of the angle between the losses; 0 is never."""

    @property
    def metric_losses(self) -> list[MetricLossConfig]:
        """``metric`` and what stands beside it; empty where that is ``none`` or not settled yet."""
        return [] if self.metric in ("none", "auto") else [self, *self.also]


class OptimizerConfig(Section):
    lr: Annotated[float, Field(gt=0, le=10)] = 1e-3
    """Highest learning rate of AdamW, reached after the warm-up."""
    backbone_scale: Annotated[float, Field(gt=0, le=1000)] | Auto = "auto"
    """The backbone's learning rate as a multiple of ``lr``. ``auto``: 0.1 where it starts from trained weights, else
    1."""
    freeze_epochs: Annotated[int, Field(ge=0, le=1_000_000)] | Auto = "auto"
    """Epochs on the cached features of the trained weights before the first one on images, so that projection, neck
    and heads are trained when the backbone begins to move. They run at three times ``lr``, and are left out where they
    end below their start. ``auto``: as many as make about 600 steps, 1 to 30; 0 from scratch."""
    loss_scale: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """The learning rate of a loss's own parameters, such as the class vectors of ``pml.ProxyAnchorLoss``, as a multiple
    of ``lr``."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.05
    """Of AdamW."""
    warmup: Share = 0.05
    """Share of the steps over which the learning rate rises."""
    final: Share = 0.01
    """Share of ``lr`` at which the cosine ends."""
    clip: Annotated[float, Field(ge=0, le=1e9)] = 5.0
    """Largest gradient norm; 0 is no clipping."""
    accumulate: Count = 1
    """Batches per step."""

    @property
    def head_epochs(self) -> int:
        """``freeze_epochs`` as a training has settled it; 0 before that."""
        return 0 if self.freeze_epochs == "auto" else self.freeze_epochs

    @field_validator("lr")
    @classmethod
    def _moves_the_weights(cls, value: float) -> float:
        if value < 1e-9:
            raise ValueError("must be at least 1e-9, below which no weight moves")
        return value

    @field_validator("clip")
    @classmethod
    def _leaves_a_gradient(cls, value: float) -> float:
        if 0 < value < 1e-6:
            raise ValueError("must be 0 (no clipping) or at least 1e-6, below which no gradient is left")
        return value


class TrainerConfig(Section):
    epochs: Count = 10
    """Passes of the sampler; what one shows at least is ``sampler.coverage``."""
    max_time: Annotated[str | None, Field(examples=["30m"])] = None
    """Wall time after which training ends with its best weights, such as 30m, 2h or 01:30:00, counted from its call."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto``: bf16 where the processor or GPU computes in it; on a processor float32 where the backbone has depthwise
    convolutions, such as an EfficientNet's, whose gradients are slower in bf16."""
    ema: Below1 = 0.0
    """Decay of averaged weights; 0 is none."""
    patience: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Epochs without a better validation score after which training ends; 0 is never."""
    monitor: str = "val/macro_f1"
    """What the best checkpoint is chosen by: val/macro_f1, val/macro_f1/ATTRIBUTE or val/recall@1."""
    devices: Annotated[int, Field(ge=0, le=1024)] = 0
    """Processes; 0 is one, or those of torchrun."""
    loggers: list[Literal["tensorboard", "wandb"]] = Field(default_factory=list)
    """Beside the CSV log, which is always written."""
    frozen: bool = False
    """Leave the backbone as it is: its features are computed once and kept in the run, and projection, neck and heads
    are trained on them at thousands of steps a minute. Of the augmentation only the flip is used."""
    compile: bool = False
    """Compile the network of the training steps with torch.compile, which needs a C++ compiler: slower by a minute
    at the start, then faster where the model is large."""
    export_onnx: bool = True
    """Write model.onnx at the end, which makes the kNN command start in under a second."""

    _loggers = field_validator("loggers")(distinct)
    _monitor = field_validator("monitor")(check_monitor)

    @field_validator("max_time")
    @classmethod
    def _is_a_time(cls, value: str | None) -> str | None:
        parse_duration(value)
        return value


class Config(Section):
    """Everything that a run depends on."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    sampler: SamplerConfig = SamplerConfig()
    loss: LossConfig = LossConfig()
    teacher: TeacherConfig = TeacherConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    trainer: TrainerConfig = TrainerConfig()
    seed: Seed = 0
    """Of weights, batches and augmentation."""

    @property
    def identity_batches(self) -> bool:
        """Whether batches are P labels with K images each."""
        return self.sampler.batches == "identity"

    def settled(self, has_classes: bool) -> "Config":
        """The configuration with ``auto`` put into effect, for data with classes to predict or identities alone.

        Raises:
            ConfigError: with ``auto`` put into effect nothing would be learned.
        """
        heads = has_classes and self.model.heads != "none"
        model, loss = self.model, self.loss
        if model.neck == "auto":
            model = model.model_copy(update={"neck": "bn" if heads else "none"})
        if loss.metric == "auto":
            loss = loss.model_copy(update={"metric": "none" if heads else "triplet"})
        settled = self.model_copy(update={"model": model, "loss": loss})
        if self.loss.metric == "auto":
            check_losses(settled, has_classes=has_classes)
        return settled

    @model_validator(mode="after")
    def _has_something_to_learn(self) -> "Config":
        check_losses(self)
        return self
