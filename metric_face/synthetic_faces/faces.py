"""Synthetic faces with masks, written in the exact folder format of the mask competition.

::

    ROOT/train/train.csv                       id,gender,race,age,path
    ROOT/train/images/000001_male_Asian_20/    incorrect_mask, mask1..mask5, normal (.jpg, .png or .jpeg)
    ROOT/eval/info.csv, ROOT/eval/images/      ImageID,ans and 40 hex digits.jpg (with evaluation identities)
    ROOT/planted_errors.csv                    the label errors: folder, file, attribute, true, written
    ROOT/train_truth.csv, ROOT/eval_truth.csv  what is true, and the age the picture shows

Every trap of the original is kept: ``._*`` litter, mixed extensions, ids with gaps and suffixes, one id twice,
the same imbalance, and clothes, background and pose shared by an identity's photographs.
"""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from metric_face.errors import ArgumentError
from metric_face.files import replace_folder
from metric_face.progress import Progress, silent
from metric_face.synthetic_faces.files import (
    MASK_OF_STEM,
    PlantedError,
    joint_class,
    make_folders,
    planted_errors,
    write_identity,
    write_tables,
)
from metric_face.synthetic_faces.population import (
    ERRORS,
    SMALLEST,
    STEMS,
    DrawnIdentity,
    draw_evaluation_identities,
    draw_identities,
    error_counts,
)
from metric_face.synthetic_faces.sheet import contact_sheet

__all__ = ["FacesReport", "PlantedError", "contact_sheet", "make_faces"]

FEWEST_FOR_WORKERS = 24


@dataclass(frozen=True)
class FacesReport:
    """What `make_faces` wrote.

    ``errors`` has a row for each wrongly labeled image and attribute; ``apparent_age`` the age that the
    pictures of each training folder show; ``classes`` the images of each of the 18 joint classes as written;
    ``files`` the files by kind.
    """

    root: Path
    identities: int
    images: int
    evaluation_identities: int
    evaluation_images: int
    size: tuple[int, int]
    seed: int
    errors: tuple[PlantedError, ...]
    apparent_age: dict[str, float]
    classes: tuple[int, ...]
    files: dict[str, int]


def make_faces(
    root: str | os.PathLike[str],
    *,
    identities: int = 2700,
    size: tuple[int, int] = (192, 256),
    age_noise: float = 3.0,
    label_errors: bool | Mapping[str, int] = True,
    evaluation_identities: int = 0,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = silent,
) -> FacesReport:
    """Draw identities with and without masks and write them as the mask competition's folder.

    An identity's pictures depend on ``seed`` and the identity's number alone, not on ``workers``. The folder appears
    whole: it is written beside its place and renamed.

    Args:
        root: the folder to write; it must not exist or be empty.
        identities: how many identities, seven images each; 2,700 has the competition's ages and genders exactly.
        size: width and height in pixels.
        age_noise: standard deviation, in years, between the age written and the age drawn.
        label_errors: True plants 1 % as in the competition, False none; or identities by kind, of ``swapped``
            (normal and incorrect), ``flipped`` (gender) and ``age`` (of another age group).
        evaluation_identities: identities of the evaluation folder, whose names tell nothing.
        seed: of everything random.
        workers: processes; None takes one a core.
        progress: called with the images written and the images in all.

    Returns:
        What was written, the planted errors included.

    Raises:
        ArgumentError: a value breaks its rule, or the folder is not empty.
    """
    errors = _checked(identities, size, age_noise, label_errors, evaluation_identities, seed, workers)
    place = Path(root)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ArgumentError(f"root must be a new or empty folder: {place} is not; name another or empty it")
    population = [
        *draw_identities(identities, errors, seed),
        *draw_evaluation_identities(evaluation_identities, seed),
    ]
    train = [p for p in population if not p.evaluation]
    planted = planted_errors(train)
    ages: dict[str, float] = {}
    with (
        replace_folder(place) as aside,
        closing(_draw_all(aside, population, size, age_noise, seed, workers)) as drawn,
    ):
        make_folders(aside, evaluation_identities)
        for done, (identity, age) in enumerate(drawn, 1):
            ages[identity.folder] = age
            progress(done * len(STEMS), len(population) * len(STEMS))
        write_tables(aside, train, [p for p in population if p.evaluation], planted, ages, seed)
    return _report(place, train, evaluation_identities, size, seed, planted, ages)


def _checked(
    identities: int,
    size: tuple[int, int],
    age_noise: float,
    label_errors: bool | Mapping[str, int],
    evaluation_identities: int,
    seed: int,
    workers: int | None,
) -> dict[str, int]:
    if identities < SMALLEST:
        raise ArgumentError(
            f"identities must be at least {SMALLEST} (every class and trap needs room): got {identities}"
        )
    if evaluation_identities != 0 and evaluation_identities < 6:
        raise ArgumentError(
            f"evaluation_identities must be 0 or at least 6 (one a class): got {evaluation_identities}"
        )
    if len(size) != 2 or min(size) < 24 or max(size) > 2048:
        raise ArgumentError(f"size must be (width, height) within 24..2048 pixels: got {size}")
    if not age_noise >= 0:
        raise ArgumentError(f"age_noise must be 0 or more years: got {age_noise}")
    if seed < 0:
        raise ArgumentError(f"seed must be 0 or more: got {seed}")
    if workers is not None and workers < 1:
        raise ArgumentError(f"workers must be at least 1, or None for one a core: got {workers}")
    if isinstance(label_errors, Mapping):
        unknown = sorted(set(label_errors) - set(ERRORS))
        if unknown:
            raise ArgumentError(f"label_errors knows {', '.join(ERRORS)}: got {unknown[0]!r}")
        if min(label_errors.values(), default=0) < 0:
            raise ArgumentError(f"label_errors counts identities, 0 or more: got {dict(label_errors)}")
    errors = error_counts(identities, label_errors)
    if sum(errors.values()) > identities:
        raise ArgumentError(
            f"label_errors must not exceed identities: got {sum(errors.values())} of {identities}"
        )
    return errors


def _draw_all(
    root: Path,
    population: list[DrawnIdentity],
    size: tuple[int, int],
    age_noise: float,
    seed: int,
    workers: int | None,
) -> Generator[tuple[DrawnIdentity, float]]:
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = 1 if len(population) < FEWEST_FOR_WORKERS else workers
    job = (repeat(root), population, repeat(size), repeat(age_noise), repeat(seed))
    if workers == 1:
        yield from zip(population, map(write_identity, *job), strict=False)
        return
    # spawn: a fork of a process that holds threads (torch, BLAS) can stop for ever
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _leave_interrupts) as pool:
        try:
            yield from zip(population, pool.map(write_identity, *job, chunksize=4), strict=False)
        except BrokenProcessPool:
            raise ArgumentError(
                f"workers={workers} needs processes and one died: in a script, call make_faces under "
                "'if __name__ == \"__main__\":', or pass workers=1"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts() -> None:
    """In a worker: Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _report(
    root: Path,
    train: list[DrawnIdentity],
    evaluation_identities: int,
    size: tuple[int, int],
    seed: int,
    planted: tuple[PlantedError, ...],
    ages: dict[str, float],
) -> FacesReport:
    classes = Counter(joint_class(MASK_OF_STEM[s], p.gender, p.age) for p in train for s in STEMS)
    files = Counter(e for p in train for e in p.extensions)
    mixed = sum(len(set(p.extensions)) > 1 for p in train)
    return FacesReport(
        root=root,
        identities=len(train),
        images=len(train) * len(STEMS),
        evaluation_identities=evaluation_identities,
        evaluation_images=evaluation_identities * len(STEMS),
        size=size,
        seed=seed,
        errors=planted,
        apparent_age={p.folder: ages[p.folder] for p in train},
        classes=tuple(classes[c] for c in range(18)),
        files={**files, "mixed_folders": mixed, "litter": len(train) * len(STEMS)},
    )
