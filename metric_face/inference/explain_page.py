"""write_answers: one page that shows what each image was answered, who voted for it, and who else was near."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from metric_face.errors import DataError
from metric_face.files import inside, write_text
from metric_face.inference.answers import Answer, Neighbor
from metric_face.inference.predictor import Predictor
from metric_face.inference.target_votes import UNKNOWN, TargetAnswer, TargetVote
from metric_face.pages import ACROSS, Thumbnails, make_thumbnails, pack_ids, page_texts, render

MOST = 50
"""Images that a page shows; of more, the first."""
BARS = 3
"""Classes that a page draws of each vote."""
THUMBNAIL_BYTES = 6_000_000

Texts = Mapping[str, Any]


def write_answers(
    answers: Sequence[Answer],
    predictor: Predictor,
    path: str | os.PathLike[str],
    *,
    thumbnails: bool = True,
    lang: str = "en",
) -> Path:
    """Write the page of some answers as one HTML file, atomically.

    Args:
        answers: of the images asked about; the first 50 are shown.
        predictor: what gave them.
        path: where the page shall be.
        thumbnails: False leaves every image out.
        lang: ``en`` or ``ko``.

    Returns:
        The path written.

    Raises:
        ArgumentError: there are no texts in this language.
    """
    texts, shown = page_texts("answers", lang), answers[:MOST]
    pictures = _Pictures(predictor, thumbnails, texts["not_found"])
    told = [_told(one, pictures, texts) for one in shown]
    drawn = pictures.draw()
    block: dict[str, Any] = {"n": len(pictures.files)}
    if drawn is not None:
        order = pack_ids(drawn.order, block["n"])
        block["thumbnails"] = {"side": drawn.side, "across": ACROSS, "order": order}
    return write_text(
        path,
        render(
            "answers.html.j2",
            title=texts["title"],
            lang=lang,
            texts=SimpleNamespace(**texts),
            block=block,
            sheets=drawn.sheets if drawn is not None else (),
            answers=told,
            lead=f"{_asked(answers, texts)} {_identities(answers, predictor, texts)}",
            thumbnails=thumbnails,
            broken=pictures.broken,
            settings=[_setting(name, vote, answers, texts) for name, vote in predictor.targets.items()],
            index=_index_line(predictor, texts),
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

    def __init__(self, predictor: Predictor, thumbnails: bool, absent: str) -> None:
        self.predictor, self.thumbnails, self.absent = predictor, thumbnails, absent
        self.files: list[Path] = []
        self.broken: frozenset[int] = frozenset()
        self._number: dict[Path, int] = {}

    def asked(self, path: str) -> Tile:
        return self._tile(Path(path))

    def indexed(self, path: str) -> Tile:
        try:
            return self._tile(inside(self.predictor.root, str(self.predictor.where(path))))
        except DataError:  # it leaves the data's folder, or is absolute and gone
            return Tile(None, self.absent)

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
            return Tile(None, self.absent)
        if file not in self._number:
            self._number[file] = len(self.files)
            self.files.append(file)
        return Tile(self._number[file])


def _asked(answers: Sequence[Answer], texts: Texts) -> str:
    key = "asked_more" if len(answers) > MOST else "asked_one" if len(answers) == 1 else "asked"
    return str(texts[key].format(count=len(answers), shown=MOST))


def _told(one: Answer, pictures: _Pictures, texts: Texts) -> dict[str, Any]:
    """One answer as the template shows it."""
    return {
        "path": _printable(one.path),
        "tile": pictures.asked(one.path),
        "targets": [_target(name, verdict, texts) for name, verdict in one.targets.items()],
        "near": [_near(rank, near, one, pictures, texts) for rank, near in enumerate(one.neighbors, start=1)],
        "without": _without(one, texts),
        "nearest": texts["nearest_one" if len(one.neighbors) == 1 else "nearest"].format(
            count=len(one.neighbors)
        ),
    }


def _target(name: str, verdict: TargetAnswer, texts: Texts) -> dict[str, Any]:
    most = verdict.classes[:BARS]
    certainty, needed = (
        ("", "") if verdict.certainty is None else _apart(verdict.certainty, verdict.threshold)
    )
    unknown, probability = verdict.answer == UNKNOWN, percent(verdict.probability)
    note = ""
    if unknown and verdict.k == 0:
        note = texts["no_voter"]
    elif unknown:
        note = texts["likeliest"].format(
            likeliest=verdict.likeliest, probability=probability, certainty=certainty, needed=needed
        )
    basis = [texts["basis"].format(k=verdict.k, votes=verdict.votes)]
    if not verdict.calibrated:
        basis.append(texts["uncalibrated"])
    if needed and not unknown:
        basis.append(texts["certainty"].format(certainty=certainty, needed=needed))
    return {
        "name": name,
        "answer": texts["unknown"] if unknown else verdict.answer,
        "unknown": unknown,
        "note": note,
        "basis": "; ".join(basis),
        "probability": probability,
        "calibrated": verdict.calibrated,
        "classes": [(c.name, 100 * c.share, percent(c.share), percent(c.probability)) for c in most],
        "others": percent(max(0.0, 1 - sum(c.share for c in most))) if len(verdict.classes) > BARS else "",
    }


def _near(rank: int, near: Neighbor, one: Answer, pictures: _Pictures, texts: Texts) -> dict[str, Any]:
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
        "path": _printable(near.path),
        "label": texts["neighbor"].format(rank=rank, path=_printable(near.path)),
        "name": _printable(near.path).replace("\\", "/").rsplit("/", 1)[-1],
        "tile": pictures.indexed(near.path),
        "similarity": f"{near.similarity:.3f}",
        "identity": near.identity,
        "labels": labels,
        "agrees": all(label["agrees"] for label in labels),
        "same_file": near.same_file,
    }


def _without(one: Answer, texts: Texts) -> str:
    if not one.same_identity_excluded:
        return ""
    key = "left_out_one" if one.left_out == 1 else "left_out"
    return str(texts[key].format(count=one.left_out, identity=one.identity))


def _identities(answers: Sequence[Answer], predictor: Predictor, texts: Texts) -> str:
    """Whether an identity's own images counted, in words."""
    excluded = any(one.same_identity_excluded for one in answers)
    key = "excluded" if excluded else "counted" if predictor.knows_identities else "unknown"
    return str(texts["identities"][key])


def _setting(name: str, vote: TargetVote, answers: Sequence[Answer], texts: Texts) -> dict[str, Any]:
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
        "kind": texts["kinds"][kind],
        "macro_f1": None if vote.val_macro_f1 is None else f"{vote.val_macro_f1:.3f}",
        "error": None if errors is None else " → ".join(f"{error:.3f}" for error in errors),
        "below": f"{vote.threshold:.4f}" if vote.rejects else "",
        "rejects": vote.rejects,
    }


def _index_line(predictor: Predictor, texts: Texts) -> str:
    index, told = predictor.index, texts["index"]
    split = index.metadata.get("split", "")
    values = {
        "count": f"{len(index):,}",
        "split": told["split"].format(split=split) if split and split != "all" else "",
        "fingerprint": index.fingerprint,
    }
    if index.kind == "flat":
        return str(told["exact"].format(**values))
    reached = index.recall.reached
    recall = told["unmeasured"] if reached is None else f"{reached:.3f}"
    return str(told["approximate"].format(kind=index.kind, recall=recall, **values))


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
