"""run_demo: synthetic faces, from drawing to looking, with the same functions that a user calls."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metric_face.config import load_config
from metric_face.errors import ConfigError
from metric_face.files import SUFFIX, holds_only
from metric_face.progress import Say

if TYPE_CHECKING:
    from metric_face.evaluation import Evaluation
    from metric_face.inference import Answer
    from metric_face.metrics import Interval

# Light enough for two cores, and still a task: three masks, two genders, three age groups.
SETTINGS = {
    "recipe": "small",
    "data": {
        "attributes": ["mask", "gender", "age"],
        "bins": {"age": [30, 60]},
        "size": [64, 48],
        "crop": [0.9, 0.9],
        "split": {"val": 0.25},
    },
    "model": {"embedding_size": 64, "pretrained": False},
    # Two losses, so that `why` can ask whether they oppose each other.
    "loss": {"metric": "triplet", "label": "joint"},
    "optimizer": {"lr": 2e-3},
    "trainer": {"epochs": 9},
}


@dataclass(frozen=True)
class DemoResult:
    """What the demo found, and the files to look at."""

    folder: Path
    evaluation: "Evaluation"
    seconds: dict[str, float]
    why: list[str]
    files: list[Path]

    def rows(self) -> "list[tuple[str, Interval]]":
        """The short table: predictor, and macro F1 of the joint class with its interval."""
        predictors = {"head": "head", "knn": "kNN", "probe": "linear probe", "majority": "majority baseline"}
        rows = [
            (shown, self.evaluation.score(predictor, "joint").macro_f1)
            for predictor, shown in predictors.items()
        ]
        nearest = next(r for r in self.evaluation.retrieval if r.label == "joint")
        return [*rows, ("recall@1, same identity left out", nearest.recall_at_1)]

    def closing(self) -> list[str]:
        """What to look at."""
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        total = f"time: {spent}; {sum(self.seconds.values()):.0f} s in all"
        return ["", "what holds it back:", *self.why, "", total, "look at:", *map(str, self.files)]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "folder": str(self.folder),
            "evaluation": self.evaluation.to_dict(),
            "seconds": self.seconds,
            "why": self.why,
            "look_at": [str(path) for path in self.files],
        }


def run_demo(
    folder: str | Path,
    *,
    identities: int = 200,
    say: Say = print,
    show: "Callable[[Answer], object]" = print,
) -> DemoResult:
    """Draw faces, train, embed, index, classify held-out identities, evaluate and draw the map.

    Args:
        folder: for everything that is made; one that is there must be a demo's, and is gone on with.
        identities: to draw, seven images each.
        show: called with each answer of the kNN step.
        say: called with each line.

    Returns:
        Scores, seconds per step and the files to look at.

    Raises:
        ConfigError: the folder holds something else.
    """
    home = Path(folder)
    begun = (f".*{SUFFIX}",)  # a demo that was stopped while it drew
    if not (home / "faces" / "train").is_dir() and not holds_only(home, begun):
        raise ConfigError(f"{home}: holds something other than a demo; give another folder with --out")
    watch = _Watch(say)
    faces = home / "faces"
    if not faces.exists():
        from metric_face.synthetic_faces import contact_sheet, make_faces

        watch.start("faces", f"drawing {identities} identities x 7 photographs")
        make_faces(faces, identities=identities, size=(96, 128))
        contact_sheet(faces, home / "faces.png")
    run_folder = home / "run"
    watch.start("train", "training on two cores, a minute or two (loading PyTorch takes some seconds)")
    from metric_face.training import fit

    run = fit(
        load_config(SETTINGS, values={"data.path": faces}),
        run_folder,
        resume=(run_folder / "config.yaml").is_file(),
        say=say,
    )
    watch.start("embed", "embedding every image")
    from metric_face.extraction import extract

    extract(run, run.table, folder=run.folder / "embeddings")
    watch.start("index", "building the index; how neighbors vote is chosen on validation")
    from metric_face.inference import build_index

    build_index(run).save(run.folder / "index")
    watch.start("knn", "classifying three identities that training has not seen")
    from metric_face.inference import Predictor, write_answers

    held_out = run.table.in_split("val")
    predictor = Predictor(run.folder)
    answers = predictor.predict(held_out.paths[::7][:3], shown=12)
    for answer in answers:
        show(answer)
    answers_page = write_answers(answers, predictor, run.folder / "answers.html")
    watch.start("evaluate", "evaluating head, kNN and probe on the identities held out")
    from metric_face.evaluation import evaluate

    evaluation = evaluate(run)
    watch.start("visualize", "drawing the map (the first time on a machine UMAP compiles for a minute)")
    from metric_face.visualization import visualize

    made = visualize(run)
    watch.start("why", "diagnosing what holds the run back")
    from metric_face.diagnosis import diagnose, write_report

    found = diagnose(run)
    report = write_report(found, run.folder)
    watch.stop()
    files = [home / "faces.png", made.picture, made.page, answers_page, report]
    return DemoResult(home, evaluation, watch.seconds, found.lines(), files)


class _Watch:
    """Says what comes next, and keeps how long each step took."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.seconds: dict[str, float] = {}
        self._step = ""
        self._since = time.monotonic()

    def start(self, step: str, line: str) -> None:
        self.stop()
        self.say(f"{step}: {line}")
        self._step, self._since = step, time.monotonic()

    def stop(self) -> None:
        if self._step:
            self.seconds[self._step] = round(time.monotonic() - self._since, 1)
            self._step = ""
