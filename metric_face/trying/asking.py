"""what_if: what changes of a run's settings would bring, tried on its cached features."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from metric_face.configuring import parse_duration
from metric_face.data import ImageTable, refuse_missing
from metric_face.errors import ArgumentError
from metric_face.files import check_holds_nothing_else, claim, write_json, write_text
from metric_face.metrics import Interval, Tally, simultaneous_intervals
from metric_face.pages import check_language
from metric_face.progress import Progress, Say, silent
from metric_face.run import Run
from metric_face.trying.changes import ANOTHER_SEED, BASELINE, WhatIf, what_ifs
from metric_face.trying.learning_curve import LearningCurve, learning_curve
from metric_face.trying.outcome import SCORES, ChangeOutcome
from metric_face.trying.tried import ChangeEffect, Tried
from metric_face.trying.try_page import page_of
from metric_face.trying.workbench import STEPS, Workbench

FOLDER = "try"
"""In the run directory."""
VERSION = 1
_OURS = ("features", "outcomes", "try.json", "try.html", ".*")


def what_if(
    run: Run | str | Path,
    *,
    time_limit: str | None = None,
    steps: int = STEPS,
    lang: str = "en",
    say: Say = silent,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
) -> Tried:
    """Try changes of a run's settings on its cached features, and rank them beside the run's own.

    The features of the run's own backbone are computed once. On them the run's settings and each change are trained
    as ``trainer.frozen`` trains, for about as many batches each, without choosing an epoch; all answer the same
    validation images. What is finished is kept in ``RUN/try``: a call that was stopped or killed goes on there.

    Args:
        run: a run, or its folder; trained on images, on features, or not at all.
        time_limit: such as ``5m``, after which no further change is begun; what is left is counted. None tries all.
        steps: batches that each change is trained on, about.
        lang: of the page, ``en`` or ``ko``.
        say: called with each line that a user should know of.
        progress: called with (images done, images in all), then with (changes tried, changes in all).
        clock: seconds, for the limit.

    Returns:
        The changes, ranked, with intervals over identities that hold for all of them together. ``RUN/try/try.json`` and
        ``try.html`` hold the same.

    Raises:
        ArgumentError: the run has no training or no validation images, or a value is wrong.
        OutputError: another call tries the same run.

    Example:
        >>> tried = metric_face.what_if("runs/first", time_limit="5m")
        >>> tried.command
        'metric-face train --config runs/first/config.yaml --set loss.classifier=logit_adjusted'
    """
    check_language(lang)
    seconds = _seconds_of(time_limit)
    if steps < 1:
        raise ArgumentError(f"steps must be at least 1, found {steps}")
    run = Run.open(run) if isinstance(run, str | Path) else run
    begun = clock()
    if run.config.teacher.run is not None:
        say("teacher.run: is left out, all changes are trained without a teacher")
    refuse_missing(run.table)
    home = check_holds_nothing_else(run.folder / FOLDER, _OURS)
    with claim(home):
        home.mkdir(exist_ok=True)
        bench = Workbench.of(run, home / "features", steps, progress)
        identities = _repeated(bench.table)
        wanted = [
            BASELINE,
            *what_ifs(bench.config, bench.space, identities=identities, numbers=bench.numbers()),
        ]
        outcomes = _train(bench, home / "outcomes", wanted, seconds, begun, progress, clock)
        tried = _compare(bench, wanted, outcomes)
        write_json(home / "try.json", tried.to_dict(), version=VERSION)
        write_text(home / "try.html", page_of(tried, lang))
    for name, why in tried.refused.items():
        say(f"{name}: not tried, {why}")
    return tried


def _seconds_of(time_limit: str | None) -> float | None:
    try:
        return parse_duration(time_limit)
    except ArgumentError as error:
        raise ArgumentError(f"time_limit (--time) {time_limit}: {error}") from None


def _train(
    bench: Workbench,
    folder: Path,
    wanted: list[WhatIf],
    seconds: float | None,
    begun: float,
    progress: Progress,
    clock: Callable[[], float],
) -> dict[str, ChangeOutcome]:
    """The outcomes by name; those that an earlier call kept are read. The baseline is trained whatever the limit."""
    folder.mkdir(exist_ok=True)
    found: dict[str, ChangeOutcome] = {}
    longest = 0.0
    for number, one in enumerate(wanted):
        file, state = folder / f"{one.name}.npz", bench.state(one)
        outcome = ChangeOutcome.kept(file, state)
        if outcome is None and (number == 0 or seconds is None or clock() - begun + longest < seconds):
            outcome = bench.train_on(one, clock)
            outcome.save(file, state)
            longest = max(longest, outcome.seconds)
        if outcome is not None:
            found[one.name] = outcome
        progress(number + 1, len(wanted))
    return found


def _compare(bench: Workbench, wanted: list[WhatIf], outcomes: Mapping[str, ChangeOutcome]) -> Tried:
    val, own = bench.validation(), outcomes[BASELINE.name]
    if own.refused:
        raise ArgumentError(
            f"{bench.run.folder}: its own settings cannot be trained on features: {own.refused}"
        )
    if val.identities < 2:
        raise ArgumentError(
            f"{bench.run.folder}: its validation images are of one identity, so no interval can be given"
        )
    done = [one for one in wanted if one.name in outcomes and not outcomes[one.name].refused]
    tallies: list[Tally] = []
    at: dict[tuple[str, str], int] = {}
    for one in done:
        for name, tally in outcomes[one.name].tallies(val).items():
            at[one.name, name] = len(tallies)
            tallies.append(tally)
    pairs = {
        key: (place, at[BASELINE.name, key[1]]) for key, place in at.items() if (BASELINE.name, key[1]) in at
    }
    score = next((name for name in SCORES if (BASELINE.name, name) in at), None)
    if score is None:
        raise ArgumentError(
            f"{bench.run.folder}: nothing can be scored, its validation images have no classes, and no two of them "
            "share a label"
        )
    found = simultaneous_intervals(tallies, list(pairs.values()), val.identities)
    by = dict(zip(pairs, found.intervals, strict=True))
    whole = {key: float(found.scores[place]) for key, place in at.items()}
    differences = {one.name: _difference(one, outcomes[one.name], by, whole) for one in done}
    ranked = [differences[one.name] for one in done if one.share == 1 and one not in (BASELINE, ANOTHER_SEED)]
    ranked = [one for one in ranked if score in one.differences]
    return Tried(
        bench.run.folder,
        score,
        differences[BASELINE.name].scores,
        tuple(sorted(ranked, key=lambda one: -one.differences[score].value)),
        differences.get(ANOTHER_SEED.name),
        _curve(bench, done, at, whole, found.draws, score),
        {
            one.name: outcomes[one.name].refused
            for one in wanted
            if one.name in outcomes and outcomes[one.name].refused
        },
        len(wanted) - len([one for one in wanted if one.name in outcomes]),
        own.steps,
        len(val.groups),
        val.identities,
        len(bench.suspects) if any(one.drops for one in done) else 0,
        found.factor,
        bench.run.trained and not bench.run.config.trainer.frozen,
    )


def _difference(
    one: WhatIf,
    outcome: ChangeOutcome,
    intervals: Mapping[tuple[str, str], Interval],
    whole: Mapping[tuple[str, str], float],
) -> ChangeEffect:
    return ChangeEffect(
        one,
        {name: whole[one.name, name] for name in SCORES if (one.name, name) in whole},
        {name: intervals[one.name, name] for name in SCORES if (one.name, name) in intervals},
        outcome.seconds,
    )


def _curve(
    bench: Workbench,
    done: list[WhatIf],
    at: Mapping[tuple[str, str], int],
    whole: Mapping[tuple[str, str], float],
    draws: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
    score: str,
) -> LearningCurve | None:
    points = [one for one in done if (one.share < 1 or one == BASELINE) and (one.name, score) in at]
    counts = [len(np.unique(bench.identities(bench.rows(one)))) for one in points]
    columns = [at[one.name, score] for one in points]
    return learning_curve(counts, [whole[one.name, score] for one in points], draws[:, columns])


def _repeated(table: ImageTable) -> bool:
    """Whether some identity has several training images."""
    identities = table.in_split("train").identities
    return identities is not None and len(np.unique(identities)) < len(identities)
