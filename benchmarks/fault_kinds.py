"""More than thirty kinds of fault in three worlds: where the true cause stands, and what following the advice gives.

    python -m benchmarks.fault_kinds            # goes on where it was stopped; results/fault_kinds.json keeps it
    python -m benchmarks.fault_kinds --table    # the table alone, from what is done
    python -m benchmarks.fault_kinds --again    # what other code has measured is measured anew

Drawn arrays, drawn faces and photographs through frozen features (where ``../shared`` has weights and photographs).
The rules were tuned on these kinds, and not on those of :mod:`benchmarks.sealed_faults` and
:mod:`benchmarks.sealed_again`.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import feature_worlds
from benchmarks.fault_remedies import carried_out
from benchmarks.fault_worlds import Kind, World, arguments, draw, fitted
from benchmarks.first_faults import FIRST
from benchmarks.harness import RESULTS, machine, publish, read_kept, state_of, table, write_kept
from benchmarks.more_faults import MORE
from metric_face import diagnose

STORE = RESULTS / "fault_kinds.json"
KINDS = (*FIRST, *MORE)
SEEDS = {"arrays": 3, "drawn faces": 1, "photographs": 1}
CLEAN_SEEDS = 3
Record = dict[str, Any]
CODE = (
    "metric_face/diagnosis",
    "benchmarks/fault_worlds.py",
    "benchmarks/fault_remedies.py",
    "benchmarks/first_faults.py",
    "benchmarks/more_faults.py",
    "benchmarks/feature_worlds.py",
)
"""What a measurement depends on most."""


def tight_class(world: World, rng: np.random.Generator) -> World:
    """Class 0 lies twice as dense as the others, and nothing is wrong."""
    mine, vectors = world["labels"]["kind"] == 0, world["embeddings"].copy()
    vectors[mine] = 0.5 * (vectors[mine] + vectors[mine].mean(axis=0))
    return fitted(world | {"embeddings": vectors})


def as_drawn(world: World, rng: np.random.Generator) -> World:
    return fitted(world)


CLEAN = tuple(
    Kind(name, frozenset(), plant, build)
    for name, plant, build in (
        ("300 identities", as_drawn, {}),
        ("few identities", as_drawn, {"identities": 100}),
        ("one image of each", as_drawn, {"each": 1, "identities": 600}),
        ("classes apart", as_drawn, {"gap": 7.0}),
        ("classes near", as_drawn, {"gap": 2.5}),
        ("many dimensions", as_drawn, {"dimensions": 96}),
        ("more dimensions than identities", as_drawn, {"dimensions": 160, "identities": 120, "gap": 5.0}),
        ("imbalanced", as_drawn, {"shares": (0.8, 0.12, 0.08), "identities": 500}),
        ("a tight class", tight_class, {}),
        ("half held out", as_drawn, {"held_out": 0.5, "gap": 3.0}),
    )
)
"""Arrays with nothing wrong, by what is peculiar about them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="write the table of what is done")
    parser.add_argument("--again", action="store_true", help="measure anew what other code has measured")
    parser.add_argument("--worlds", nargs="+", default=list(SEEDS), choices=list(SEEDS))
    parser.add_argument("--shared", type=Path, default=feature_worlds.HOME, help="weights and photographs")
    options = parser.parse_args()
    done: dict[str, Record] = read_kept(STORE)
    state = state_of(*CODE)
    if not options.table:
        for key, make in _planned(options.worlds, options.shared):
            if key not in done or (options.again and done[key].get("state") != state):
                done[key] = make() | {"state": state}
                write_kept(STORE, done)
                print(key, done[key], sep=" | ", flush=True)
    sections = [_age(done, state), _faults(done), _marks(done), _remedies(done), _clean(done)]
    title = f"{len(KINDS)} kinds of fault in three worlds"
    publish(
        "fault_kinds",
        title,
        "python -m benchmarks.fault_kinds",
        machine("numpy", "scikit-learn", "faiss-cpu"),
        sections,
    )


def _planned(worlds: list[str], shared: Path) -> Iterator[tuple[str, Callable[[], Record]]]:
    """Every measurement by its key, the cheap worlds first."""
    for name in worlds:
        drawn = _drawn(name, shared)
        if drawn is None:
            continue
        for seed in range(SEEDS[name]):
            for kind in KINDS:
                yield f"{name}|{kind.name}|{seed}", lambda k=kind, s=seed, d=drawn: _planted(k, s, d)
        if name == "arrays":
            for kind in CLEAN:
                for seed in range(100, 100 + CLEAN_SEEDS):
                    yield f"clean|{kind.name}|{seed}", lambda k=kind, s=seed: {"ids": _ids(k.make(s))}


def _drawn(name: str, shared: Path) -> Callable[..., World] | None:
    if name == "arrays":
        return draw
    if not (shared / "weights").is_dir():
        print(f"{name}: left out, there are no weights in {shared}")
        return None
    make = feature_worlds.drawn_faces if name == "drawn faces" else feature_worlds.photographs
    return make(shared).draw


def _ids(world: World) -> list[str]:
    return [f.id for f in diagnose(**arguments(world)).findings if f.tier.value != "limit"]


def _planted(kind: Kind, seed: int, drawn: Callable[..., World]) -> Record:
    """Findings of the world with the fault and of its twin, and what the advice of the true cause gives."""
    world = kind.make(seed, drawn)
    found = diagnose(**arguments(world))
    own, limits, score = _twin(json.dumps(kind.build, sort_keys=True), seed, drawn)
    new = list(found.findings)
    if drawn is not draw:  # what faces and photographs hold of their own is not what was planted
        new = [f for f in new if f.id not in own or abs(f.measure.value) > 2 * abs(own[f.id])]
    true = next((f for f in new if f.id in kind.found_as), None)
    scores = None if true is None else carried_out(world, true)
    return {
        "ids": [f.id for f in found.findings],
        "place": None if true is None else new.index(true) + 1,
        "before": [f.id for f in (new if true is None else new[: new.index(true)])],
        "twin": [name for name in own if name not in limits],
        "scores": scores,
        "twin_f1": score,
    }


@cache
def _twin(
    build: str, seed: int, drawn: Callable[..., World]
) -> tuple[dict[str, float], frozenset[str], float | None]:
    """Findings of the world without a fault, those that are limits, and its macro F1."""
    twin = diagnose(**arguments(fitted(drawn(seed, **json.loads(build)))))
    limits = frozenset(f.id for f in twin.findings if f.tier.value == "limit")
    return (
        {f.id: f.measure.value for f in twin.findings},
        limits,
        None if twin.score is None else twin.score.value,
    )


def _of(done: dict[str, Record], kind: Kind, world: str) -> list[Record]:
    found = [done[key] for s in range(SEEDS[world]) if (key := f"{world}|{kind.name}|{s}") in done]
    return [_with_own(one, kind) for one in found] if kind.own else found


def _with_own(one: Record, kind: Kind) -> Record:
    """The record of a fault that lies in the world itself, whose twin has it too."""
    place = next((at for at, name in enumerate(one["ids"], 1) if name in kind.found_as), None)
    return one | {"place": place, "before": one["ids"][: (place or len(one["ids"]) + 1) - 1]}


def _places(records: list[Record]) -> str:
    return ", ".join("-" if one["place"] is None else str(one["place"]) for one in records) or "not run"


def _age(done: dict[str, Record], state: str) -> str:
    """How many measurements are of the code as it is."""
    old = sum(one.get("state") != state for one in done.values())
    if not old:
        return "Every measurement is of the code as it was when this table was written."
    return (
        f"{old} of {len(done)} measurements are of an earlier state of `metric_face/diagnosis` or of the planted "
        "faults than this table was written with; `--again` measures them anew."
    )


def _faults(done: dict[str, Record]) -> str:
    rows = []
    for kind in KINDS:
        every = [one for world in SEEDS for one in _of(done, kind, world)]
        before = sorted({name for one in every for name in one["before"]})
        merged = sum("overlap.classes" in one["before"] for one in every)
        places = [_places(_of(done, kind, world)) for world in SEEDS]
        rows.append((kind.name, kind.severity, *places, ", ".join(before) or "-", merged))
    head = ("planted", "severity", *SEEDS, "named before it", "told to merge")
    note = (
        "Place of the true cause; in faces and photographs among the findings that the same world without the fault "
        "does not have, or not by half, unless the world itself is the fault. `-`: not found. "
        "Photographs show each identity once, so that identities on both sides cannot be planted there."
    )
    return f"## Place of the true cause\n\n{table(head, rows)}\n\n{note}"


def _marks(done: dict[str, Record]) -> str:
    rows = []
    for severity, mark in (("strong", 0.9), ("mild", 0.7)):
        for world in SEEDS:
            every = [one for k in KINDS if k.severity == severity for one in _of(done, k, world)]
            if every:
                right = sum(one["place"] == 1 for one in every)
                wrong = sum(bool(one["before"]) for one in every)
                rows.append(
                    (severity, world, f"{right} of {len(every)}", f"{right / len(every):.2f}", mark, wrong)
                )
    head = ("severity", "world", "true cause first", "share", "mark", "with another finding before it")
    return f"## Marks\n\n{table(head, rows)}"


def _remedies(done: dict[str, Record]) -> str:
    rows, rose = [], [0, 0]
    for kind in KINDS:
        every = [one for world in SEEDS for one in _of(done, kind, world) if one.get("scores")]
        if not every:
            continue
        before, after = (np.array([one["scores"][at] for one in every]) for at in (0, 1))
        rose = [rose[0] + int((after > before + 0.005).sum()), rose[1] + len(every)]
        cells = (f"{before.mean():.3f}", f"{after.mean():.3f}", f"{(after - before).mean():+.3f}")
        twin = float(np.mean([one["twin_f1"] for one in every]))
        rows.append((kind.name, kind.severity, len(every), *cells, f"{twin:.3f}"))
    head = ("planted", "severity", "worlds", "macro F1 before", "after", "change", "without the fault")
    note = (
        f"The advice of the true cause carried out (`benchmarks/fault_remedies.py`), on features: macro F1 rises "
        f"by more than .005 in {rose[0]} of {rose[1]} worlds. Causes whose remedy needs a training of the network, "
        "other images or another split are left out."
    )
    return f"## Doing what it says\n\n{table(head, rows)}\n\n{note}"


def _clean(done: dict[str, Record]) -> str:
    rows, count, false = [], 0, 0
    for kind in CLEAN:
        every = [done[k]["ids"] for s in range(100, 103) if (k := f"clean|{kind.name}|{s}") in done]
        count, false = count + len(every), false + sum(map(len, every))
        rows.append((kind.name, "; ".join(", ".join(ids) or "-" for ids in every)))
    for world in ("drawn faces", "photographs"):
        twins = sorted({name for kind in KINDS for one in _of(done, kind, world) for name in one["twin"]})
        rows.append((f"{world}, as they are", ", ".join(twins) or "-"))
    note = (
        f"Findings on {count} clean arrays, what a set is too small to show left out: {false}. What is found in faces "
        "and photographs as they are may be true of them and is not counted."
    )
    return f"## Clean worlds\n\n{table(('world', 'findings'), rows)}\n\n{note}"


if __name__ == "__main__":
    main()
