"""Settings of OpenMP, alone and beside busy processes: how fast the work of a training and of an extraction goes.

    python -m benchmarks.threads [--repeats 7] [--busy 1]

Threads of OpenMP wait for each other by spinning. Where another process has one of the cores, a thread spins for as
long as the one it waits for is not scheduled. Each setting has a process of its own, since OpenMP reads its variables
when it is loaded. The processes take turns, alone and beside ``--busy`` processes that never rest, so that whatever
else the machine does slows all settings alike; those that wait for their turn use no processor. A round of
all settings is kept as it ends; a call that was stopped goes on with the next one.
"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection

from benchmarks.harness import Kept, machine, publish, table

SETTINGS: dict[str, dict[str, str]] = {
    "nothing set": {},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "GOMP_SPINCOUNT=10000": {"GOMP_SPINCOUNT": "10000"},
    "OMP_NUM_THREADS=1": {"OMP_NUM_THREADS": "1"},
}
READ = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")


def works() -> dict[str, Callable[[], object]]:
    """What is timed; loads the libraries, so it is called where the variables are set."""
    import faiss
    import numpy as np
    import torch

    from metric_face.classifiers import LinearProbe
    from metric_face.models import EmbeddingModel

    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.standard_normal((64, 3, 64, 64), dtype=np.float32))
    model = EmbeddingModel("resnet18", embedding_size=128)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    frozen = EmbeddingModel("resnet18", embedding_size=128).eval()
    vectors = rng.standard_normal((20_000, 128), dtype=np.float32)
    labels = rng.integers(0, 8, 2000)

    def step() -> None:
        optimizer.zero_grad()
        model.embed(images).square().sum().backward()
        optimizer.step()

    def forward() -> None:
        with torch.inference_mode():
            frozen.embed(images)

    return {
        "training step": step,
        "forward pass": forward,
        "FAISS, 200 of 20,000": lambda: faiss.knn(vectors[:200], vectors, 100),
        "LinearProbe, 2,000 rows": lambda: LinearProbe(1e-3).fit(vectors[:2000], labels),
    }


def _work_on(requests: Connection, setting: Mapping[str, str]) -> None:
    """The process of a setting: runs the work that it is asked for and answers with seconds."""
    for name in READ:
        os.environ.pop(name, None)
    os.environ.update(setting)
    known = works()
    for run in known.values():
        run()
    requests.send(list(known))
    while name := requests.recv():
        started = time.perf_counter()
        known[name]()
        requests.send(time.perf_counter() - started)


def _never_rest() -> None:
    while True:
        pass


@contextmanager
def _process(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def measure(repeats: int, busy: int, kept: Kept) -> dict[tuple[str, str, bool], float]:
    """Return (work, setting, beside busy processes) -> median seconds."""
    with ExitStack() as stack:
        ends: dict[str, Connection] = {}
        for setting, variables in SETTINGS.items():
            ends[setting], theirs = multiprocessing.Pipe()
            stack.enter_context(_process(_work_on, theirs, variables))
        names = [end.recv() for end in ends.values()].pop()

        def round_of() -> list[tuple[str, str, float]]:
            each = []
            for name in names:
                for setting, end in ends.items():
                    end.send(name)
                    each.append((name, setting, end.recv()))
            return each

        taken: dict[tuple[str, str, bool], list[float]] = {}
        for beside in (False, True):
            with ExitStack() as others:
                for _ in range(busy if beside else 0):
                    others.enter_context(_process(_never_rest))
                time.sleep(2 if beside else 0)  # until they are started
                for number in range(repeats):
                    for name, setting, seconds in kept.get(f"{number} {beside}", round_of):
                        taken.setdefault((name, setting, beside), []).append(seconds)
    return {key: statistics.median(each) for key, each in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--busy", type=int, default=1, help="processes that never rest")
    options = parser.parse_args()
    kept = Kept("threads", {"busy": options.busy})
    taken = measure(options.repeats, options.busy, kept)
    sections = []
    for name in dict.fromkeys(work for work, _, _ in taken):
        free = taken[name, "nothing set", False]
        rows = [
            [setting]
            + [f"{1e3 * taken[name, setting, beside]:.0f}" for beside in (False, True)]
            + [f"{taken[name, setting, beside] / free:.2f}" for beside in (False, True)]
            for setting in SETTINGS
        ]
        header = ["setting", "alone, ms", "beside, ms", "alone, x", "beside, x"]
        sections.append(f"## {name}\n\n" + table(header, rows))
    note = f"Medians of {options.repeats}; x is the time against the same work alone with nothing set."
    command = f"python -m benchmarks.threads --repeats {options.repeats} --busy {options.busy}"
    title = "OpenMP alone and beside a busy process"
    packages = ("torch", "faiss-cpu", "scikit-learn", "numpy")
    publish("threads", title, command, machine(*packages), [note, *sections])
    kept.forget()


if __name__ == "__main__":
    main()
