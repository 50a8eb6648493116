"""Several losses in one sum: named, weighted, warmed up, and watched."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from metric_face.errors import ArgumentError

from .classification import CrossEntropy, FocalLoss, LogitAdjustedCrossEntropy
from .f1 import SoftF1Loss

CROSS_ENTROPIES = (CrossEntropy, FocalLoss, LogitAdjustedCrossEntropy, nn.CrossEntropyLoss, nn.NLLLoss)
WATCHED = 50
"""Steps over which a part must stay at its floor to be named."""
NEAR = 0.02
"""How near to its floor, relative to it, a part's mean must be."""

Floor = float | Callable[..., float]


@dataclass(frozen=True)
class Part:
    """One loss of a `JointLoss`: weight 0 until step `start`, then rising evenly to `weight` over `ramp` steps.

    Attributes:
        loss: called with the inputs given for this part, returns a scalar tensor ().
        weight: its final weight, at least 0.
        start: steps to wait before it counts.
        ramp: steps from no weight to the full one.
        floors: values that mean "it teaches nothing", by name; one that depends on the batch is a function of the
            part's inputs. None asks ``loss.floors()`` if it has that.
    """

    loss: nn.Module
    weight: float = 1.0
    start: int = 0
    ramp: int = 0
    floors: Mapping[str, Floor] | None = None

    def weight_at(self, step: int) -> float:
        """The weight in effect at `step`, counted from 0."""
        if step < self.start:
            return 0.0
        return self.weight * min(1.0, (step - self.start + 1) / (self.ramp + 1))


@dataclass(frozen=True)
class PartValue:
    """What one part contributed to one step."""

    raw: Tensor
    """() the loss as it is, with gradient."""
    weight: float
    """The weight in effect at this step."""
    weighted: Tensor
    """() raw times weight, with gradient."""


@dataclass(frozen=True)
class JointResult:
    """The sum to descend, and its parts."""

    total: Tensor
    """() the sum of the weighted parts, with gradient."""
    parts: dict[str, PartValue]

    def log(self, prefix: str = "loss") -> dict[str, Tensor]:
        """Return detached values to log: PREFIX, and PREFIX/NAME and PREFIX/NAME.weighted for each part."""
        row = {prefix: self.total.detach()}
        for name, part in self.parts.items():
            row[f"{prefix}/{name}"] = part.raw.detach()
            row[f"{prefix}/{name}.weighted"] = part.weighted.detach()
        return row


@dataclass(frozen=True)
class AtFloor:
    """A part that sat at a value which means it teaches nothing."""

    part: str
    floor: str
    """Name of the value: margin, ln 2, ln C, 1 - present / C."""
    value: float
    mean: float
    """Mean of the part over the last steps."""
    steps: int

    def __str__(self) -> str:
        where = f"{self.floor} = {self.value:.4f} (mean {self.mean:.4f} of {self.steps} steps)"
        return f"{self.part} sits at its floor, {where}"


class JointLoss(nn.Module):
    """A weighted sum of named losses, each fed its own inputs; the sampler is the one that its parts ask for.

    ::

        joint = JointLoss({
            "triplet": Part(TripletLoss(margin=0.2)),
            "age": Part(CrossEntropy(3, label_smoothing=0.1)),
            "age_f1": Part(SoftF1Loss(3), weight=0.5, ramp=500),
        })
        result = joint({"triplet": (embeddings, labels, indices),
                        "age": (logits, ages), "age_f1": (logits, ages)})
        result.total.backward()

    A step is a call in training mode; `step` counts them and is in the state dict, with the parts' own
    parameters and buffers. Calls in ``eval()`` use the weights in effect and count nothing. A part of weight
    0 is still computed, so that it is logged and its parameters always receive a gradient.

    Args:
        parts: by name; a bare loss stands for ``Part(loss)``. Names appear in logs and in the state dict.

    Raises:
        ArgumentError: if a weight, start or ramp is below 0; if a `SoftF1Loss` stands without a cross-entropy
            or without a ramp or start (its gradient dies where the model is confidently wrong).
    """

    def __init__(self, parts: Mapping[str, Part | nn.Module]) -> None:
        super().__init__()
        if not parts:
            raise ArgumentError("parts must name at least one loss, found none")
        self.parts = {name: p if isinstance(p, Part) else Part(p) for name, p in parts.items()}
        for name, part in self.parts.items():
            _check_part(name, part)
        self._check_soft_f1()
        self.losses = nn.ModuleDict({name: part.loss for name, part in self.parts.items()})
        self.step = 0
        self._recent: dict[str, deque[Tensor]] = {name: deque(maxlen=WATCHED) for name in self.parts}
        self._floors: dict[str, deque[dict[str, float]]] = {n: deque(maxlen=WATCHED) for n in self.parts}

    def forward(self, inputs: Mapping[str, tuple[Any, ...]]) -> JointResult:
        """Evaluate every part on its inputs and sum them.

        Args:
            inputs: for each part's name the arguments of its loss.

        Returns:
            The total and each part's raw and weighted value.

        Raises:
            ArgumentError: if `inputs` has other names than the parts.
        """
        if inputs.keys() != self.parts.keys():
            raise ArgumentError(
                f"inputs must name exactly the parts {sorted(self.parts)}, found {sorted(inputs)}"
            )
        values: dict[str, PartValue] = {}
        for name, part in self.parts.items():
            raw = self.losses[name](*inputs[name])
            weight = part.weight_at(self.step)
            values[name] = PartValue(raw, weight, weight * raw)
            if self.training:
                self._recent[name].append(raw.detach())
                self._floors[name].append(_floors_of_batch(part, inputs[name]))
        total = torch.stack([value.weighted for value in values.values()]).sum()
        self.step += self.training
        return JointResult(total, values)

    def weights(self) -> dict[str, float]:
        """The weight of each part at the coming step."""
        return {name: part.weight_at(self.step) for name, part in self.parts.items()}

    def at_floor(self) -> list[AtFloor]:
        """Name the parts whose mean over the last 50 training steps lies within 2 % of one of their floors.

        Empty before 50 steps. A part at its floor is not converged: a triplet loss at its margin (ln 2 for
        the soft one) sees all distances alike, a cross-entropy at ln C answers the same for every image, an
        F1 loss at 1 - present / C scores classes that the batch does not hold.
        """
        found: list[AtFloor] = []
        for name, part in self.parts.items():
            recent = self._recent[name]
            if len(recent) < WATCHED:
                continue
            mean = float(torch.stack(tuple(recent)).double().mean())
            rows = self._floors[name]
            moving = {key: sum(row[key] for row in rows) / len(rows) for key in rows[-1]}
            for floor, value in {**_fixed_floors(part), **moving}.items():
                if math.isfinite(mean) and abs(mean - value) <= NEAR * abs(value):
                    found.append(AtFloor(name, floor, value, mean, len(recent)))
        return found

    def get_extra_state(self) -> Tensor:
        """The number of steps taken, for the state dict."""
        return torch.tensor(self.step)

    def set_extra_state(self, state: Tensor) -> None:
        """Take up the count from a state dict."""
        self.step = int(state)

    def extra_repr(self) -> str:
        return "\n".join(
            f"{n}: weight={p.weight}, start={p.start}, ramp={p.ramp}" for n, p in self.parts.items()
        )

    def _check_soft_f1(self) -> None:
        beside = any(isinstance(p.loss, CROSS_ENTROPIES) and p.weight > 0 for p in self.parts.values())
        for name, part in self.parts.items():
            if not isinstance(part.loss, SoftF1Loss):
                continue
            if not beside:
                raise ArgumentError(
                    f"parts: {name!r} is a SoftF1Loss, whose gradient dies where the model is confidently "
                    "wrong, and stands without a cross-entropy: add a CrossEntropy part"
                )
            if part.ramp + part.start < 1:
                raise ArgumentError(
                    f"parts: {name!r} is a SoftF1Loss, whose gradient dies where the model is confidently "
                    "wrong, and has ramp 0 and start 0: let cross-entropy lead, such as ramp=500"
                )


def _check_part(name: str, part: Part) -> None:
    if not isinstance(name, str) or not name or "." in name:
        raise ArgumentError(
            f"parts: a name must be text without dots (it keys the state dict), found {name!r}"
        )
    if hasattr(nn.ModuleDict, name):
        raise ArgumentError(f"parts: {name!r} is taken by torch's ModuleDict: choose another name")
    if not isinstance(part.loss, nn.Module):
        raise ArgumentError(
            f"parts: the loss of {name!r} must be a torch module, found {type(part.loss).__name__}"
        )
    for field in ("weight", "start", "ramp"):
        value = getattr(part, field)
        if not (value >= 0 and math.isfinite(value)):
            raise ArgumentError(f"parts: {field} of {name!r} must be at least 0, found {value!r}")


def _fixed_floors(part: Part) -> dict[str, float]:
    if part.floors is not None:
        return {name: float(floor) for name, floor in part.floors.items() if not callable(floor)}
    ask = getattr(part.loss, "floors", None)
    return dict(ask()) if callable(ask) else {}


def _floors_of_batch(part: Part, inputs: tuple[Any, ...]) -> dict[str, float]:
    return {name: float(floor(*inputs)) for name, floor in (part.floors or {}).items() if callable(floor)}
