"""write_answers: one page that shows each image, its prediction, and the neighbors that voted for it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from metric_face.inference.answers import Answer, Neighbor
from metric_face.inference.page_pictures import PagePictures
from metric_face.inference.predictor import Predictor
from metric_face.inference.shown_numbers import apart, percent, printable
from metric_face.inference.target_votes import UNKNOWN, TargetAnswer, TargetVote
from metric_face.pages import page_texts

MOST = 50
"""Images that a page shows; of more, the first."""
BARS = 3
"""Classes that a page draws of each vote."""
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
        answers: of the query images; the first 50 are shown.
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
    pictures = PagePictures(predictor, thumbnails, texts["not_found"])
    cards = [_answer_texts(one, pictures, texts) for one in shown]
    return pictures.write(
        path,
        "answers.html.j2",
        texts,
        lang,
        answers=cards,
        lead=f"{_asked(answers, texts)} {_identities(answers, predictor, texts)}",
        settings=[_setting(name, vote, answers, texts) for name, vote in predictor.targets.items()],
        index=_index_line(predictor, texts),
        rejects=any(verdict.rejects for one in shown for verdict in one.targets.values()),
    )


def _asked(answers: Sequence[Answer], texts: Texts) -> str:
    key = "asked_more" if len(answers) > MOST else "asked_one" if len(answers) == 1 else "asked"
    return str(texts[key].format(count=len(answers), shown=MOST))


def _answer_texts(one: Answer, pictures: PagePictures, texts: Texts) -> dict[str, Any]:
    """One answer as the template shows it."""
    return {
        "path": printable(one.path),
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
    certainty, needed = ("", "") if verdict.certainty is None else apart(verdict.certainty, verdict.threshold)
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


def _near(rank: int, near: Neighbor, one: Answer, pictures: PagePictures, texts: Texts) -> dict[str, Any]:
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
        "path": printable(near.path),
        "label": texts["neighbor"].format(rank=rank, path=printable(near.path)),
        "name": printable(near.path).replace("\\", "/").rsplit("/", 1)[-1],
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
    index, wording = predictor.index, texts["index"]
    split = index.metadata.get("split", "")
    values = {
        "count": f"{len(index):,}",
        "split": wording["split"].format(split=split) if split and split != "all" else "",
        "fingerprint": index.fingerprint,
    }
    if index.kind == "flat":
        return str(wording["exact"].format(**values))
    reached = index.recall.reached
    recall = wording["unmeasured"] if reached is None else f"{reached:.3f}"
    return str(wording["approximate"].format(kind=index.kind, recall=recall, **values))
