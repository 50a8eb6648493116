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
from .numbers import NumberLoss

_OURS = (CrossEntropy, FocalLoss, LogitAdjustedCrossEntropy, NumberLoss)
CROSS_ENTROPIES = (*_OURS, nn.CrossEntropyLoss, nn.NLLLoss)
WATCHED = 50
"""Steps over which a term must stay at its floor to be named."""
NEAR = 0.02
"""How near to its floor, relative to it, a term's mean must be."""
Floor = float | Callable[..., float]


@dataclass(frozen=True)
class LossTerm:
    """One loss of a `JointLoss`: weight 0 until step `start`, then rising evenly to `weight` over `ramp` steps.

    Attributes:
        loss: called with the inputs given for this term, returns a scalar tensor ().
        weight: its final weight, at least 0.
        start: steps to wait before it counts.
        ramp: steps from no weight to the full one.
        floors: values at which the loss carries no signal, by name; one that depends on the batch is a function of the
            term's inputs. None asks ``loss.floors()`` if it has that.
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
class TermValue:
    """What one term contributed to one step."""

    raw: Tensor
    """() the loss as it is, with gradient."""
    weight: float
    """The weight in effect at this step."""
    weighted: Tensor
    """() raw times weight, with gradient."""


@dataclass(frozen=True)
class JointResult:
    """The sum to minimize, and its terms."""

    total: Tensor
    """() the sum of the weighted terms, with gradient."""
    terms: dict[str, TermValue]

    def log(self, prefix: str = "loss") -> dict[str, Tensor]:
        """Return detached values to log: PREFIX, and PREFIX/NAME and PREFIX/NAME.weighted for each term."""
        row = {prefix: self.total.detach()}
        for name, term in self.terms.items():
            row[f"{prefix}/{name}"] = term.raw.detach()
            row[f"{prefix}/{name}.weighted"] = term.weighted.detach()
        return row


@dataclass(frozen=True)
class AtFloor:
    """A term that stayed at a value at which it carries no signal."""

    term: str
    floor: str
    """Name of the value: margin, ln 2, ln C, 1 - present / C."""
    value: float
    mean: float
    """Mean of the term over the last steps."""
    steps: int

    def __str__(self) -> str:
        where = f"{self.floor} = {self.value:.4f} (mean {self.mean:.4f} of {self.steps} steps)"
        return f"{self.term} sits at its floor, {where}"


class JointLoss(nn.Module):
    """A weighted sum of named losses, each fed its own inputs; its terms determine the sampler it needs.

    ::

        joint = JointLoss({
            "triplet": LossTerm(TripletLoss(margin=0.2)),
            "age": LossTerm(CrossEntropy(3, label_smoothing=0.1)),
            "age_f1": LossTerm(SoftF1Loss(3), weight=0.5, ramp=500),
        })
        result = joint({"triplet": (embeddings, labels, indices),
                        "age": (logits, ages), "age_f1": (logits, ages)})
        result.total.backward()

    A step is a call in training mode; `step` counts them and is in the state dict, with parameters and buffers of the
    terms. ``eval()`` counts nothing. A term of weight 0 is computed and logged, and its parameters get a gradient.

    Args:
        terms: by name; a bare loss stands for ``LossTerm(loss)``. Names appear in logs and in the state dict.

    Raises:
        ArgumentError: if a weight, start or ramp is below 0; if a `SoftF1Loss` stands without a cross-entropy
            or without a ramp or start (its gradient dies where the model is confidently wrong).
    """

    def __init__(self, terms: Mapping[str, LossTerm | nn.Module]) -> None:
        super().__init__()
        if not terms:
            raise ArgumentError("terms must name at least one loss, found none")
        self.terms = {name: p if isinstance(p, LossTerm) else LossTerm(p) for name, p in terms.items()}
        for name, term in self.terms.items():
            _check_term(name, term)
        self._check_soft_f1()
        self.losses = nn.ModuleDict({name: term.loss for name, term in self.terms.items()})
        self.step = 0
        self._recent: dict[str, deque[Tensor]] = {name: deque(maxlen=WATCHED) for name in self.terms}
        self._floors: dict[str, deque[dict[str, float]]] = {n: deque(maxlen=WATCHED) for n in self.terms}

    def forward(self, inputs: Mapping[str, tuple[Any, ...] | None]) -> JointResult:
        """Evaluate every term on its inputs and sum them.

        Args:
            inputs: for each term's name the arguments of its loss; or None, which leaves the term out of this batch.

        Returns:
            The total, and the raw and weighted value of each term that has inputs.

        Raises:
            ArgumentError: if `inputs` has other names than the terms, or nothing for any of them.
        """
        if inputs.keys() != self.terms.keys():
            raise ArgumentError(
                f"inputs must name exactly the terms {sorted(self.terms)}, found {sorted(inputs)}"
            )
        if all(given is None for given in inputs.values()):
            raise ArgumentError("inputs must hold those of one term at least, found None for each")
        values: dict[str, TermValue] = {}
        idle: list[Tensor] = []  # a gradient of zero for parameters of a loss that is left out
        for name, term in self.terms.items():
            given = inputs[name]
            if given is None:
                idle += [0.0 * p.sum() for p in self.losses[name].parameters() if p.requires_grad]
                continue
            raw, weight = self.losses[name](*given), term.weight_at(self.step)
            values[name] = TermValue(raw, weight, weight * raw)
            if self.training:
                self._recent[name].append(raw.detach())
                self._floors[name].append(_floors_of_batch(term, given))
        total = torch.stack([*(value.weighted for value in values.values()), *idle]).sum()
        self.step += self.training
        return JointResult(total, values)

    def weights(self) -> dict[str, float]:
        """The weight of each term at the coming step."""
        return {name: term.weight_at(self.step) for name, term in self.terms.items()}

    def at_floor(self) -> list[AtFloor]:
        """Name the terms whose mean over the last 50 training steps lies within 2 % of one of their floors.

        Empty before 50 steps. A term at its floor is not converged: a triplet loss at its margin (ln 2: the soft one)
        sees all distances alike, a cross-entropy at ln C answers the same for every image, an F1 loss at
        1 - present / C scores classes that the batch does not hold.
        """
        found: list[AtFloor] = []
        for name, term in self.terms.items():
            recent = self._recent[name]
            if len(recent) < WATCHED:
                continue
            mean = float(torch.stack(tuple(recent)).double().mean())
            rows = self._floors[name]
            moving = {key: sum(row[key] for row in rows) / len(rows) for key in rows[-1]}
            for floor, value in {**_fixed_floors(term), **moving}.items():
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
            f"{n}: weight={p.weight}, start={p.start}, ramp={p.ramp}" for n, p in self.terms.items()
        )

    def _check_soft_f1(self) -> None:
        beside = any(isinstance(p.loss, CROSS_ENTROPIES) and p.weight > 0 for p in self.terms.values())
        for name, term in self.terms.items():
            if not isinstance(term.loss, SoftF1Loss):
                continue
            if not beside:
                raise ArgumentError(
                    f"terms: {name!r} is a SoftF1Loss, whose gradient dies where the model is confidently "
                    "wrong, and stands without a cross-entropy: add a CrossEntropy term"
                )
            if term.ramp + term.start < 1:
                raise ArgumentError(
                    f"terms: {name!r} is a SoftF1Loss, whose gradient dies where the model is confidently "
                    "wrong, and has ramp 0 and start 0: let cross-entropy lead, such as ramp=500"
                )


def _check_term(name: str, term: LossTerm) -> None:
    if not isinstance(name, str) or not name or "." in name:
        raise ArgumentError(
            f"terms: a name must be text without dots (it keys the state dict), found {name!r}"
        )
    if hasattr(nn.ModuleDict, name):
        raise ArgumentError(f"terms: {name!r} is taken by torch's ModuleDict: choose another name")
    if not isinstance(term.loss, nn.Module):
        raise ArgumentError(
            f"terms: the loss of {name!r} must be a torch module, found {type(term.loss).__name__}"
        )
    for field in ("weight", "start", "ramp"):
        value = getattr(term, field)
        if not (value >= 0 and math.isfinite(value)):
            raise ArgumentError(f"terms: {field} of {name!r} must be at least 0, found {value!r}")


def _fixed_floors(term: LossTerm) -> dict[str, float]:
    if term.floors is not None:
        return {name: float(floor) for name, floor in term.floors.items() if not callable(floor)}
    ask = getattr(term.loss, "floors", None)
    return dict(ask()) if callable(ask) else {}


def _floors_of_batch(term: LossTerm, inputs: tuple[Any, ...]) -> dict[str, float]:
    return {name: float(floor(*inputs)) for name, floor in (term.floors or {}).items() if callable(floor)}
