"""The what-ifs: changes of a configuration that can be tried on cached features, the most promising first."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.util import find_spec

from metric_face.arrays import Doubles
from metric_face.config import Config, load_config
from metric_face.data import LabelSpace
from metric_face.errors import ConfigError
from metric_face.trying.boundaries import Cuts, moved_cuts

PML = {"SupCon": "SupConLoss", "ArcFace": "ArcFaceLoss", "MultiSimilarity": "MultiSimilarityLoss"}
SHARES = (0.125, 0.25, 0.5, 0.75)
"""Of the training identities, for the learning curve."""
_PLAIN = re.compile("[A-Za-z0-9._]+")
"""A label that stays as it is in the name of a file."""


@dataclass(frozen=True)
class WhatIf:
    """One change.

    Attributes:
        key: of its texts in ``pages/texts/*/try.json``.
        blanks: what the text leaves open.
        overrides: ``section.key=value``, as ``metric-face train --set`` takes them.
        share: of the training identities that are trained on.
        drops: whether training images whose label their neighbors contradict are left out.
        cuts: attribute -> its boundaries for the training images; what is scored keeps the run's own.
        separate: whether each attribute is trained by itself, and the answers and vectors joined.
    """

    key: str
    blanks: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    share: float = 1.0
    drops: bool = False
    cuts: tuple[tuple[str, Cuts], ...] = ()
    separate: bool = False

    @property
    def name(self) -> str:
        """A name for files."""
        words = [self.key, *self.blanks.values()]
        label = self.blanks.get("label", "")
        if label and not _PLAIN.fullmatch(label):  # two columns of the user's must not share a file
            words.append(sha256("\0".join(words).encode()).hexdigest()[:8])
        return "-".join(
            "".join(c if (c.isascii() and c.isalnum()) or c == "." else "_" for c in w) for w in words
        )

    @property
    def is_setting(self) -> bool:
        """Whether a training can be told so by settings alone."""
        return bool(self.overrides)


BASELINE = WhatIf("baseline")
ANOTHER_SEED = WhatIf("another_seed", overrides=("seed=1",))


def what_ifs(
    config: Config,
    space: LabelSpace | None,
    *,
    identities: bool,
    numbers: Mapping[str, Doubles] | None = None,
) -> list[WhatIf]:
    """The changes that can be tried on a run: each differs from what it has, and is allowed.

    Args:
        config: of the run, settled.
        space: its attributes; None where it was trained on identities alone.
        identities: whether its images name identities, some with several images.
        numbers: binned attribute -> (N,) the numbers of the training images behind its classes.
    """
    has_heads = space is not None and config.model.heads != "none"
    found = [ANOTHER_SEED, *(_of_heads(space) if has_heads and space is not None else ())]
    found += [*_of_metric_loss(space, has_heads, identities), *_of_model(config), *_of_batches(identities)]
    found += [
        *_of_optimizer(config),
        *(WhatIf("share", {"share": f"{share:.0%}"}, share=share) for share in SHARES),
    ]
    if has_heads:
        found.insert(8, WhatIf("without_suspects", drops=True))
    if has_heads and space is not None:
        if len(space.names) > 1:
            found.insert(6, WhatIf("separate", separate=True))
        found += _of_boundaries(space, numbers or {})
    found = [replace(one, overrides=(*_without_parts(config, one), *one.overrides)) for one in found]
    return [one for one in found if not one.is_setting or _changes(config, one)]


def changed(config: Config, overrides: Sequence[str]) -> Config:
    """The configuration with overrides.

    Raises:
        ConfigError: the values do not go together.
    """
    return load_config(config.model_dump(mode="json"), overrides)


def _changes(config: Config, one: WhatIf) -> bool:
    try:
        return changed(config, one.overrides) != config
    except ConfigError:
        return False


def _of_heads(space: LabelSpace) -> Iterator[WhatIf]:
    yield WhatIf("logit_adjusted", overrides=("loss.classifier=logit_adjusted", "loss.class_balance=0"))
    yield WhatIf("soft_f1", overrides=("loss.f1_weight=1", "loss.f1_ramp=100"))
    yield WhatIf("focal", overrides=("loss.classifier=focal",))
    if len(space.names) > 1:
        yield WhatIf("joint_head", overrides=("model.heads=joint",))
        yield WhatIf("head_each", overrides=("model.heads=attributes",))
    yield WhatIf("smoothing", {"value": "0.1"}, ("loss.classifier=ce", "loss.label_smoothing=0.1"))
    yield WhatIf("class_balance", overrides=("loss.classifier=ce", "loss.class_balance=0.999"))


def _of_boundaries(space: LabelSpace, numbers: Mapping[str, Doubles]) -> Iterator[WhatIf]:
    for one in space.attributes:
        if one.cuts is None or one.name not in numbers:
            continue
        for before, cuts in moved_cuts(one.cuts, numbers[one.name]):
            after = cuts[one.cuts.index(before)]
            blanks = {"label": one.name, "before": f"{before:g}", "value": f"{after:g}"}
            yield WhatIf("boundary", blanks, cuts=((one.name, cuts),))


def _without_parts(config: Config, one: WhatIf) -> Iterator[str]:
    """What takes the arguments, the miner and the like from a run whose metric loss is changed; mappings are merged."""
    if not any(override.startswith("loss.metric=") for override in one.overrides):
        return
    nothing = dict.fromkeys(("miner", "distance", "reducer", "arguments"), "null") | {
        "memory": "0",
        "also": "[]",
    }
    yield from (f"loss.{key}={value}" for key, value in nothing.items() if getattr(config.loss, key))


def _of_metric_loss(space: LabelSpace | None, has_heads: bool, identities: bool) -> Iterator[WhatIf]:
    if has_heads:
        yield WhatIf("no_metric", overrides=("loss.metric=none",))
    labels = [*(["identity"] if identities else []), *(["joint"] if space is not None else [])]
    for label in labels:
        for mining in ("batch_hard", "batch_all"):
            yield triplet(label, mining, "0.2")
    if space is not None and len(space.names) > 1:
        for name in space.names:
            yield triplet(name, "batch_all", "0.2")
    for label in labels[:1]:
        for mining, margin in (("batch_all", "0.1"), ("batch_all", "0.5"), ("batch_hard", "soft")):
            yield triplet(label, mining, margin)
        yield triplet(label, "semi_hard", "0.2")
        if has_heads:
            yield triplet(label, "batch_all", "0.2", "0.1")
        if find_spec("pytorch_metric_learning") is not None:
            for short, name in PML.items():
                yield WhatIf(
                    "pml",
                    {"loss": short, "label": label},
                    (f"loss.metric=pml.{name}", *_by(label)),
                )


def triplet(label: str, mining: str, margin: str, weight: str = "1") -> WhatIf:
    """A triplet loss by a label."""
    blanks = {"label": label, "mining": mining.replace("_", "-"), "margin": margin}
    arguments = f"{{margin: {margin}, mining: {mining}}}"
    overrides = (
        "loss.metric=triplet",
        f"loss.arguments={arguments}",
        f"loss.metric_weight={weight}",
        *_by(label),
    )
    if weight != "1":
        return WhatIf("triplet_weight", {**blanks, "weight": weight}, overrides)
    return WhatIf("triplet", blanks, overrides)


def _by(label: str) -> tuple[str, ...]:
    """Batches by a label, with as many labels and images of each as are usual for it."""
    return (
        f"loss.label={label}",
        "sampler.batches=identity",
        "sampler.identities=null",
        "sampler.instances=null",
    )


def _of_model(config: Config) -> Iterator[WhatIf]:
    for neck in ("bn", "none", "cosine"):
        yield WhatIf("neck", {"neck": neck}, (f"model.neck={neck}",))
    size = config.model.embedding_size
    for width in (max(2, size // 2), min(65536, 2 * size)) if size is not None else ():
        yield WhatIf("embedding_size", {"value": str(width)}, (f"model.embedding_size={width}",))
    for kind in ("discriminant", "whitened") if size is not None else ():
        yield WhatIf("projection", {"kind": kind}, (f"model.projection={kind}",))
    yield WhatIf("tta", overrides=("model.tta=flip",))
    for value in ("0", "0.2", "0.5"):
        yield WhatIf("feature_dropout", {"value": value}, (f"model.feature_dropout={value}",))


def _of_batches(identities: bool) -> Iterator[WhatIf]:
    yield WhatIf("shuffled", overrides=("loss.metric=none", "sampler.batches=shuffled"))
    if identities:
        yield WhatIf("identity_batches", overrides=_by("identity"))
    yield WhatIf("balanced", overrides=("sampler.batches=identity", "sampler.coverage=identities"))
    yield WhatIf(
        "batch_size",
        {"value": "256"},
        ("sampler.batch_size=256", "sampler.identities=null", "sampler.instances=null"),
    )


def _of_optimizer(config: Config) -> Iterator[WhatIf]:
    for factor in (1 / 3, 3.0):
        value = f"{config.optimizer.lr * factor:.1g}"
        yield WhatIf("lr", {"value": value}, (f"optimizer.lr={value}",))
    yield WhatIf("weight_decay", {"value": "0"}, ("optimizer.weight_decay=0",))
    yield WhatIf("untrained", overrides=("optimizer.lr=1e-9",))
