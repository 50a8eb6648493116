"""The policies of an identity sampler, checked: the size of a batch, coverage, singletons and balance."""

from dataclasses import dataclass
from typing import Any, Literal

from metric_face.errors import ArgumentError

from .checks import choice, whole

Coverage = Literal["images", "identities"]
Singletons = Literal["pad", "drop", "raise"]
Balance = Literal["proportional", "sqrt", "uniform"]


@dataclass(frozen=True)
class Policies:
    """P and K, and how images and labels are chosen; see `RandomIdentitySampler`."""

    num_identities: int
    num_instances: int
    coverage: Coverage
    singletons: Singletons
    balance: Balance

    @classmethod
    def checked(
        cls,
        num_identities: Any,
        num_instances: Any,
        coverage: Coverage = "images",
        singletons: Singletons = "pad",
        balance: Balance | None = None,
    ) -> "Policies":
        """Check every value and fill in the default balance.

        Raises:
            ArgumentError: a value is not allowed, or the balance contradicts the coverage.
        """
        p = whole("num_identities", num_identities, 1)
        k = whole("num_instances", num_instances, 2, "a label needs two images to form a positive pair")
        choice("coverage", coverage, ("images", "identities"))
        choice("singletons", singletons, ("pad", "drop", "raise"))
        if balance is None:
            balance = "proportional" if coverage == "images" else "uniform"
        choice("balance", balance, ("proportional", "sqrt", "uniform"))
        if coverage == "identities" and balance != "uniform":
            raise ArgumentError(
                f"balance must be 'uniform' with coverage='identities', which draws all labels equally often (within "
                f"one draw); found {balance!r}; use coverage='images' for another balance"
            )
        return cls(p, k, coverage, singletons, balance)
