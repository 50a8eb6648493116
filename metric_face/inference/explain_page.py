"""write_answers: one page that shows what each image was answered, who voted for it, and who else was near."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.errors import DataError
from metric_face.files import inside, write_text
from metric_face.inference.answers import Answer, Neighbor
from metric_face.inference.predictor import Predictor
from metric_face.inference.target_votes import UNKNOWN, TargetAnswer, TargetVote
from metric_face.pages import ACROSS, Thumbnails, make_thumbnails, pack_ids, render

MOST = 50
"""Images that a page shows; of more, the first."""
BARS = 3
"""Classes that a page draws of each vote."""
THUMBNAIL_BYTES = 6_000_000

_KINDS = {
    "uniform": "each counts alike",
    "distance": "a nearer one counts more (1 / distance)",
    "softmax": "a nearer one counts more (softmax)",
    "prior-corrected": "a nearer one counts more, one of a frequent class less",
}


def write_answers(
    answers: Sequence[Answer], predictor: Predictor, path: str | os.PathLike[str], *, thumbnails: bool = True
) -> Path:
    """Write the page of some answers as one HTML file, atomically.

    Args:
        answers: of the images asked about; the first 50 are shown.
        predictor: who gave them.
        path: where the page shall be.
        thumbnails: False leaves every image out.

    Returns:
        The path written.
    """
    shown = answers[:MOST]
    pictures = _Pictures(predictor, thumbnails)
    told = [_told(one, pictures) for one in shown]
    drawn = pictures.draw()
    block: dict[str, Any] = {"n": len(pictures.files)}
    if drawn is not None:
        order = pack_ids(drawn.order, block["n"])
        block["thumbnails"] = {"side": drawn.side, "across": ACROSS, "order": order}
    return write_text(
        path,
        render(
            "answers.html.j2",
            title="What the neighbors say",
            block=block,
            sheets=drawn.sheets if drawn is not None else (),
            answers=told,
            count=len(answers),
            thumbnails=thumbnails,
            broken=pictures.broken,
            identities=_identities(answers, predictor),
            settings=[_setting(name, vote, answers) for name, vote in predictor.targets.items()],
            index=_index_line(predictor),
            rejects=any(verdict.rejects for one in shown for verdict in one.targets.values()),
        ),
    )


@dataclass(frozen=True)
class Tile:
    """An image on the page: its number among the thumbnails, or why it has none."""

    thumbnail: int | None
    reason: str = ""


class _Pictures:
    """The files that the page shows, each once."""

    def __init__(self, predictor: Predictor, thumbnails: bool) -> None:
        self.predictor, self.thumbnails = predictor, thumbnails
        self.files: list[Path] = []
        self.broken: frozenset[int] = frozenset()
        self._number: dict[Path, int] = {}

    def asked(self, path: str) -> Tile:
        return self._tile(Path(path))

    def indexed(self, path: str) -> Tile:
        try:
            return self._tile(inside(self.predictor.root, str(self.predictor.where(path))))
        except DataError:  # it leaves the data's folder, or is absolute and gone
            return Tile(None, "file not found")

    def draw(self) -> Thumbnails | None:
        if not self.files:
            return None
        everywhere = np.zeros((len(self.files), 2), np.float32)
        drawn = make_thumbnails(
            self.files, everywhere, budget=THUMBNAIL_BYTES, first=np.arange(len(self.files), dtype=np.int64)
        )
        self.broken = frozenset(drawn.broken)
        return drawn

    def _tile(self, file: Path) -> Tile:
        if not self.thumbnails:
            return Tile(None)
        if not file.is_file():
            return Tile(None, "file not found")
        if file not in self._number:
            self._number[file] = len(self.files)
            self.files.append(file)
        return Tile(self._number[file])


def _told(one: Answer, pictures: _Pictures) -> dict[str, Any]:
    """One answer as the template shows it."""
    return {
        "path": _printable(one.path),
        "tile": pictures.asked(one.path),
        "targets": [_target(name, verdict) for name, verdict in one.targets.items()],
        "near": [_near(rank, near, one, pictures) for rank, near in enumerate(one.neighbors, start=1)],
        "without": _without(one),
    }


def _target(name: str, verdict: TargetAnswer) -> dict[str, Any]:
    most = verdict.classes[:BARS]
    certainty, needed = (
        ("", "") if verdict.certainty is None else _apart(verdict.certainty, verdict.threshold)
    )
    return {
        "name": name,
        "answer": verdict.answer,
        "likeliest": verdict.likeliest,
        "unknown": verdict.answer == UNKNOWN,
        "probability": percent(verdict.probability),
        "certainty": certainty,
        "needed": needed,
        "calibrated": verdict.calibrated,
        "k": verdict.k,
        "votes": verdict.votes,
        "classes": [(c.name, 100 * c.share, percent(c.share), percent(c.probability)) for c in most],
        "others": percent(max(0.0, 1 - sum(c.share for c in most))) if len(verdict.classes) > BARS else "",
    }


def _near(rank: int, near: Neighbor, one: Answer, pictures: _Pictures) -> dict[str, Any]:
    labels = [
        {
            "target": name,
            "label": near.labels[name],
            "agrees": near.labels[name] == one.targets[name].likeliest,
            "votes": rank <= one.targets[name].k,
        }
        for name in one.shown_targets
        if name in near.labels
    ]
    return {
        "rank": rank,
        "path": _printable(near.path),
        "name": _printable(near.path).replace("\\", "/").rsplit("/", 1)[-1],
        "tile": pictures.indexed(near.path),
        "similarity": f"{near.similarity:.3f}",
        "identity": near.identity,
        "labels": labels,
        "agrees": all(label["agrees"] for label in labels),
        "same_file": near.same_file,
    }


def _without(one: Answer) -> str:
    if not one.same_identity_excluded:
        return ""
    images = "1 image" if one.left_out == 1 else f"{one.left_out} images"
    return f"{images} of {one.identity} in the index did not count"


def _identities(answers: Sequence[Answer], predictor: Predictor) -> str:
    """Whether an identity's own images counted, in words."""
    if any(one.same_identity_excluded for one in answers):
        return "Images of the identity asked about were left out of the neighbors."
    if predictor.knows_identities:
        return (
            "Every image of the index counted, also those of the identity asked about if there are any: "
            "--identity NAME leaves them out."
        )
    return "Every image of the index counted; it does not know who is on its images."


def _setting(name: str, vote: TargetVote, answers: Sequence[Answer]) -> dict[str, Any]:
    """How one target was voted on, in words."""
    used = next((one.targets[name] for one in answers), None)
    if used is None or (used.k, used.votes, used.calibrated) != (
        vote.k,
        vote.votes,
        vote.calibration is not None,
    ):
        vote = replace(vote, calibration=None, val_macro_f1=None, rejects="")  # k or the vote was given
    kind = vote.votes if used is None else used.votes
    calibration = vote.calibration
    errors = None if calibration is None else (calibration.error_before, calibration.error_after)
    return {
        "name": name,
        "k": vote.k if used is None else used.k,
        "kind": _KINDS[kind],
        "macro_f1": None if vote.val_macro_f1 is None else f"{vote.val_macro_f1:.3f}",
        "error": None if errors is None else " → ".join(f"{error:.3f}" for error in errors),
        "below": f"{vote.threshold:.4f}" if vote.rejects else "",
        "rejects": vote.rejects,
    }


def _index_line(predictor: Predictor) -> str:
    index = predictor.index
    reached = index.recall.reached
    recall = "not measured since it changed" if reached is None else f"{reached:.3f}"
    found = "searched exactly" if index.kind == "flat" else f"{index.kind}, recall {recall}"
    split = index.metadata.get("split", "")
    which = f" of the split {split!r}" if split and split != "all" else ""
    return f"{len(index):,} indexed images{which}, {found}; model {index.fingerprint}"


def percent(share: float) -> str:
    """A share as a reader should take it: never 0 or 100 % where it is neither."""
    if 0 < share < 0.005:
        return "< 1\N{NO-BREAK SPACE}%"
    if 0.995 < share < 1 - 1e-12:
        return "> 99\N{NO-BREAK SPACE}%"
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def _apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers below 1 with as many digits as it takes to tell them apart, and from 1."""
    shown = (((f"{one:.{d}f}", f"{other:.{d}f}"), d) for d in range(2, 7))
    digits = next((d for pair, d in shown if pair[0] != pair[1] and not pair[1].startswith("1")), 6)
    return f"{one:.{digits}f}", f"{other:.{digits}f}"


def _printable(path: str) -> str:
    """A path with what is no UTF-8 shown as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
