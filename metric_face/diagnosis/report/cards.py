"""Verdict cards: each finding with its number, its small picture, what to do, and images to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup

from metric_face.arrays import Ints
from metric_face.diagnosis.context import Context
from metric_face.diagnosis.finding import Finding, HypothesisAnswer, Measure
from metric_face.diagnosis.report.sentences import (
    answer_text,
    finding_text,
    regions_text,
    term,
    try_text,
    words,
)
from metric_face.diagnosis.report.summary import LEAST_SHOWN
from metric_face.pages import Series, arrows_chart, bar_chart, histogram_chart, line_chart, svg, tag

_VERDICT_MARKS = {"supported": "yes", "not_supported": "no", "cannot_tell": "open"}


@dataclass(frozen=True)
class Card:
    """A finding, ready to be shown.

    Attributes:
        id: of its element.
        finding: id of the finding.
        texts: title, number, sentence, next step, and what tries it or "".
        chips: short remarks beside the title: tier, confidence, macro F1 explained.
        basis: interval, null, identities and images.
        picture: a chart, or "".
        galleries: heading and key of the images to show.
        value: the number as ``report.json`` has it.
    """

    id: str
    finding: str
    texts: Mapping[str, str]
    chips: Sequence[str]
    basis: str
    picture: Markup
    galleries: Sequence[tuple[str, str]]
    value: float
    tier: str


@dataclass(frozen=True)
class AnswerCard:
    """A hypothesis with its answer."""

    hypothesis: str
    texts: Mapping[str, str]
    mark: str
    basis: str


@dataclass
class Evidence:
    """Rows behind the galleries of a page, by key."""

    rows: dict[str, Ints] = field(default_factory=dict)

    def add(self, key: str, rows: Ints) -> str:
        """Keep rows and return their key."""
        self.rows[key] = np.asarray(rows, dtype=np.int64)
        return key


def card(finding: Finding, number: int, evidence: Evidence, context: Context, lang: str) -> Card:
    """The card of the finding that stands at place ``number``; its rows go to ``evidence``."""
    wording = words(lang)
    chips = [wording.tiers[finding.tier.value], wording.confidence[finding.confidence.value]]
    if finding.explained is not None and finding.explained >= LEAST_SHOWN:
        chips.append(wording.page["explains"].format(explained=finding.explained))
    galleries = []
    if finding.picture.get("kind") == "pairs":
        sides = np.column_stack([finding.picture["left"], finding.picture["right"]]).ravel()
        galleries.append((wording.page["pairs"], evidence.add(f"f{number}-pairs", sides)))
    else:
        for name in ("evidence", "controls"):
            rows = getattr(finding, name)
            if len(rows):
                galleries.append((wording.page[name], evidence.add(f"f{number}-{name}", rows)))
    return Card(
        f"finding-{number}",
        finding.id,
        finding_text(finding, lang) | {"try": try_text(finding, context, lang)},
        chips,
        basis(finding.measure, lang, null_text(finding, lang)),
        picture(finding, lang),
        galleries,
        finding.measure.value,
        finding.tier.value,
    )


def answer_card(answer: HypothesisAnswer, context: Context, lang: str) -> AnswerCard:
    """The card of a hypothesis."""
    wording = "" if answer.measure is None else basis(answer.measure, lang)
    texts = answer_text(answer, lang) | {"regions": regions_text(answer, context, lang)}
    return AnswerCard(answer.hypothesis, texts, _VERDICT_MARKS[answer.verdict.value], wording)


def null_text(finding: Finding, lang: str) -> str:
    """What the null of a finding is: its own text, or else where nothing is wrong."""
    text: str = words(lang).findings[finding.id].get("null", words(lang).page["null"])
    return text


def basis(measure: Measure, lang: str, null: str | None = None) -> str:
    """Interval, null, identities and images of a number, in words."""
    wording, parts = words(lang).page, []
    if measure.low is not None and measure.high is not None:
        parts.append(wording["interval"].format(low=_short(measure.low), high=_short(measure.high)))
    if measure.null is not None:
        parts.append((null or wording["null"]).format(null=_short(measure.null)))
    if measure.identities and measure.images and measure.identities < measure.images:
        parts.append(
            wording["identities_images"].format(identities=measure.identities, images=measure.images)
        )
    elif measure.images:
        parts.append(wording["images_only"].format(images=measure.images))
    return " · ".join(parts)


def picture(finding: Finding, lang: str) -> Markup:
    """The small drawing of a finding; its own title is that of the card."""
    data, title = finding.picture, finding_text(finding, lang)["title"]
    wording = words(lang).page
    match data.get("kind"):
        case "histograms":
            names = tuple(data["series"])
            first, second = data["series"].values()
            return histogram_chart(
                data["edges"],
                first,
                second,
                (names[0], names[1]),
                title=title,
                x_name=wording["score"],
                lang=lang,
            )
        case "lines":
            return _lines(data, title, lang)
        case "bars":
            return _bars(data, title, lang)
        case "arrows":
            names = (wording["metric_loss"], wording["heads_loss"])
            return arrows_chart(data["kappa"], (1.0, 1.0), names, title=title, lang=lang)
        case "frames":
            return _frames(data, title, lang)
        case _:
            return Markup("")


def _lines(data: Mapping[str, Any], title: str, lang: str) -> Markup:
    series = [(name, np.asarray(values, dtype=float)) for name, values in data["series"].items()][:2]
    if data.get("log"):
        series = [(f"log10 {term(name, lang)}", np.log10(np.maximum(v, 1e-12))) for name, v in series]
    count = min(len(values) for _, values in series)
    lines = [Series(term(name, lang), values[:count]) for name, values in series]
    if "line" in data:
        lines.append(Series(term("floors", lang), np.full(count, float(data["line"]))))
    every = np.concatenate([np.asarray(line.values, dtype=float) for line in lines])
    margin = 0.08 * max(float(np.ptp(every)), 0.1)
    low = float(every.min()) - margin if data.get("log") else min(0.0, float(every.min()))
    return line_chart(
        np.linspace(0, 1, count),
        lines[:2],
        title=title,
        x_name=words(lang).page["training"],
        y_name="",
        y_range=(low, float(every.max()) + margin),
        lang=lang,
    )


def _bars(data: Mapping[str, Any], title: str, lang: str) -> Markup:
    names, values, quiet = [], [], []
    several = len(data["series"]) > 1
    for place, label in enumerate(data["labels"]):
        for number, (name, series) in enumerate(data["series"].items()):
            names.append(f"{label} · {term(name, lang)}" if several else str(label))
            values.append(float(series[place]))
            if several and number == 0:
                quiet.append(len(names) - 1)
    return bar_chart(names, values, title=title, quiet=quiet, lang=lang)


def _frames(data: Mapping[str, Any], title: str, lang: str) -> Markup:
    """What training and evaluation see of an image, as frames within it."""
    wording = words(lang).page
    body = [tag("rect", x=60, y=10, width=150, height=200, class_="axis", fill="none")]
    for side, name, label in (
        ("a", "train", wording["train_sees"]),
        ("b", "evaluation", wording["evaluation_sees"]),
    ):
        left, top, right, bottom = data[name]
        body.append(
            tag(
                "rect",
                x=60 + 150 * left,
                y=10 + 200 * top,
                width=150 * (right - left),
                height=200 * (bottom - top),
                class_=f"{side} frame",
            )
        )
        y = 226 if side == "a" else 242
        body.append(tag("text", label, x=60, y=y, class_=f"label-{side}"))
    return tag("figure", tag("h3", title) + svg(body, title, 270, 250, "small"))


def _short(value: float) -> str:
    return f"{value:.3g}"
