"""The page of what was tried: the ranked table, the learning curve, and what to run next."""

from typing import Any

from metric_face.metrics import Interval
from metric_face.pages import Series, line_chart, page_texts, render
from metric_face.trying.learning_curve import MORE
from metric_face.trying.tried import ChangeEffect, Tried


def page_of(tried: Tried, lang: str = "en") -> str:
    """The HTML, whole and offline.

    Args:
        tried: what was found.
        lang: ``en`` or ``ko``.
    """
    texts = page_texts("try", lang)
    score = texts["scores"][tried.score]
    names = list(tried.baseline)
    heads = [texts["heads"][0]]
    for name in names:
        heads += [texts["scores"][name], texts["heads"][2]]
    own = [texts["own"], *(cell for name in names for cell in (f"{tried.baseline[name]:.3f}", "")), ""]
    every = (*tried.ranked, *(() if tried.null is None else (tried.null,)))
    return render(
        "try.html.j2",
        title=texts["title"],
        lang=lang,
        texts={**texts, "ranked_lead": texts["ranked_lead"].format(score=score)},
        lead=texts["lead"].format(
            changes=len(tried.ranked),
            run=tried.folder,
            images=f"{tried.images:,}",
            identities=f"{tried.identities:,}",
        ),
        verdict=verdict(tried, lang),
        command=tried.command,
        how=_how(tried, texts),
        heads=[*heads, texts["seconds"]],
        rows=[own, *(_row(tried, one, names, lang) for one in every)],
        curve=None if tried.curve is None else _curve(tried, texts, lang),
        curve_lead="" if tried.curve is None else curve_line(tried, lang),
        lost=_lost(tried, texts),
    )


def verdict(tried: Tried, lang: str = "en") -> str:
    """The best change in a line, or that there is none."""
    texts, best = page_texts("try", lang), tried.best
    if best is None:
        text: str = texts["nothing"]
        return text
    difference = shown(best.differences[tried.score])
    line: str = texts["helps"].format(
        name=tried.name_of(best.what_if, lang), difference=difference, score=texts["scores"][tried.score]
    )
    return line


def curve_line(tried: Tried, lang: str = "en") -> str:
    """What more identities would bring, in words."""
    assert tried.curve is not None
    texts = page_texts("try", lang)
    line: str = texts["curve_lead"].format(
        more=MORE,
        gain=f"{tried.curve.gain:+.4f}",
        low=f"{tried.curve.low:+.4f}",
        high=f"{tried.curve.high:+.4f}",
        score=texts["scores"][tried.score],
    )
    return line


def shown(difference: Interval) -> str:
    """``+0.012 [+0.003, +0.021] +``; the mark stands where zero is left out."""
    mark = " +" if difference.low > 0 else " −" if difference.high < 0 else ""
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]{mark}"


def _row(tried: Tried, one: ChangeEffect, names: list[str], lang: str) -> list[str]:
    cells = [tried.name_of(one.what_if, lang)]
    for name in names:
        has = name in one.differences
        cells += [f"{one.scores[name]:.3f}" if has else "", shown(one.differences[name]) if has else ""]
    return [*cells, f"{one.seconds:.1f}"]


def _how(tried: Tried, texts: Any) -> list[str]:
    lines = [line.format(steps=tried.steps, factor=f"{tried.factor:.2f}") for line in texts["how_lines"]]
    return [*lines, texts["seen"]] if tried.seen_training else lines


def _curve(tried: Tried, texts: Any, lang: str) -> Any:
    curve = tried.curve
    assert curve is not None
    least, most = min(curve.scores), max(curve.scores)
    room = 0.2 * (most - least) or 0.05
    return line_chart(
        curve.identities,
        [Series(texts["scores"][tried.score], curve.scores)],
        title=texts["curve"],
        x_name=texts["curve_x"],
        y_name=texts["scores"][tried.score],
        y_range=(least - room, most + room),
        lang=lang,
    )


def _lost(tried: Tried, texts: Any) -> list[str]:
    lines = [texts["refused"].format(name=name, reason=why) for name, why in tried.refused.items()]
    if tried.suspects:
        lines.append(texts["suspects"].format(count=tried.suspects))
    return [*lines, *([texts["left"].format(count=tried.left)] if tried.left else [])]
