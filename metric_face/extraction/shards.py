"""RowShard: one of n contiguous shares of a table's rows, each embedded by a process of its own."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from metric_face.errors import ArgumentError

_FORM = re.compile(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", re.ASCII)


@dataclass(frozen=True)
class RowShard:
    """One of ``count`` shares of the rows.

    Attributes:
        number: from 1.
        count: of all.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ArgumentError(
                f"--shard: must be i/n with i from 1 to n, such as 2/4; found {self.number}/{self.count}"
            )

    @classmethod
    def parse(cls, text: "str | RowShard", environment: Mapping[str, str] = os.environ) -> Self:
        """Read ``i/n``, or ``slurm``: the number of this task in a Slurm array.

        Args:
            text: as the user gives it.
            environment: in which Slurm states the task.

        Raises:
            ArgumentError: it is neither, or Slurm states no task.
        """
        if isinstance(text, RowShard):
            return cls(text.number, text.count)
        if text.strip().lower() == "slurm":
            return cls(*_slurm_task(environment))
        found = _FORM.fullmatch(text)
        if found is None:
            raise ArgumentError(f"--shard: must be i/n, such as 2/4, or slurm; found {text!r}")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def name(self) -> str:
        """Of the folder that it is kept in."""
        return f"{self.number}-of-{self.count}"

    def span(self, rows: int, batch_size: int) -> range:
        """The numbers of its rows: whole batches, so that each batch is as it is without shards.

        Args:
            rows: of the table.
            batch_size: images a forward pass.
        """
        batches = -(-rows // batch_size)
        first, stop = (
            (number * batches // self.count) * batch_size for number in (self.number - 1, self.number)
        )
        return range(min(first, rows), min(stop, rows))


def _slurm_task(environment: Mapping[str, str]) -> tuple[int, int]:
    """Number, from 1, and count of the tasks of an array, whatever number it begins with."""
    try:
        step = int(environment.get("SLURM_ARRAY_TASK_STEP", "1"))
        first = int(environment["SLURM_ARRAY_TASK_MIN"])
        number = (int(environment["SLURM_ARRAY_TASK_ID"]) - first) // step
        return number + 1, int(environment["SLURM_ARRAY_TASK_COUNT"])
    except (KeyError, ValueError, ZeroDivisionError):
        raise ArgumentError(
            "--shard slurm: needs SLURM_ARRAY_TASK_ID, _MIN and _COUNT, as Slurm sets them in an array; elsewhere give "
            "i/n, such as 2/4"
        ) from None
