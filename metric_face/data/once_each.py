"""Work on files in threads, done once for a file that many images lie in."""

from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)
Made = TypeVar("Made")


def once_each(work: Callable[[Item], Made], items: Iterable[Item], workers: int) -> list[Made]:
    """What ``work`` makes of each of N items, (N,); equal items are worked on once.

    Args:
        work: called in a thread; what it raises for the first item in order is raised.
        items: N items, such as the files of images, of which boxes share one.
        workers: threads.
    """
    listed = list(items)
    unique = dict.fromkeys(listed)
    with ThreadPoolExecutor(workers) as pool:
        made = dict(zip(unique, pool.map(work, unique), strict=True))
    return [made[item] for item in listed]
