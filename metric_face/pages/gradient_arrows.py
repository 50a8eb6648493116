"""Two gradients as arrows, drawn as inline SVG with their table."""

import numpy as np
from markupsafe import Markup

from metric_face.pages.languages import page_words
from metric_face.pages.svg import anchor, figure, number, svg, tag


def arrows_chart(
    kappa: float,
    norms: tuple[float, float],
    names: tuple[str, str],
    *,
    title: str,
    caption: str = "",
    lang: str = "en",
) -> Markup:
    """Two gradients as arrows at the angle ``arccos(kappa)``, as long as their norms."""
    words = page_words(lang)
    half, longest = float(np.arccos(np.clip(kappa, -1, 1))) / 2, max(*norms, 1e-12)
    body = []
    for norm, angle, name, side in zip(norms, (half, -half), names, "ab", strict=True):
        along = np.array([np.cos(angle), -np.sin(angle)])
        tip = np.array([150, 130]) + 92 * norm / longest * along
        across = np.array([-along[1], along[0]])
        head = [tip, tip - 9 * along + 4.5 * across, tip - 9 * along - 4.5 * across]
        label = tip + 16 * along
        body += [
            tag("line", x1=150, y1=130, x2=tip[0], y2=tip[1], class_=side),
            tag(
                "path",
                d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in head) + "Z",
                class_=f"label-{side}",
            ),
            tag(
                "text",
                name,
                x=label[0],
                y=label[1] + 4,
                class_=f"label-{side}",
                text_anchor=anchor(along[0]),
            ),
        ]
    degrees = f"{np.rad2deg(2 * half):.0f}°"
    rows = [[name, number(norm), degrees] for name, norm in zip(names, norms, strict=True)]
    return figure(
        title,
        svg(body, title, 320, 260, "small"),
        caption,
        ["", words["length"], words["angle"]],
        rows,
        lang=lang,
    )
