"""One of two processes that join, and of which one fails in the way that the command line names."""

import os
import sys
import time

import torch.distributed as dist

from metric_face.errors import TrainingError
from metric_face.training.process_group import (
    first_goes_first,
    from_each,
    from_first,
    joined,
    rows_of_this_rank,
    wait_for_all,
)


def main(how: str) -> None:
    """Print what this process has seen, or of which class its error is."""
    try:
        with joined() as process:
            assert from_first(dist.get_rank) == 0
            order = f"{os.environ['ORDER']}"
            with first_goes_first():
                if process.is_first:
                    time.sleep(0.5)
                with open(order, "a", encoding="utf-8") as file:
                    file.write(f"{process.rank}")
            assert from_each(process.rank) == [0, 1]
            assert sorted(row for rows in from_each(rows_of_this_rank(5)) for row in rows) == [
                0,
                0,
                1,
                2,
                3,
                4,
            ]
            if how == f"error {process.rank}":
                raise TrainingError("the loss is not finite")
            if how == f"kill {process.rank}":
                os._exit(9)
            wait_for_all()
        print("done")
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
