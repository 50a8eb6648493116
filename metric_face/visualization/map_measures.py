"""What a map's faithfulness gives to color by: purity, mismatch and distortion of each attribute."""

from dataclasses import replace

import numpy as np

from metric_face.pages import Column, page_words
from metric_face.visualization.faithfulness import Faithfulness


def measures_of(name: str, one: Faithfulness, lang: str = "en") -> list[Column]:
    """The columns purity, mismatch and distortion of an attribute."""
    words = page_words(lang)
    mismatch = np.where(np.isfinite(one.purity_D), one.mismatch, np.nan).astype(np.float32)
    made = [
        Column(words["purity"].format(name=name), one.purity_D, note=words["purity_note"]),
        Column(words["mismatch"].format(name=name), mismatch, ramp="alarm", note=words["mismatch_note"]),
        Column(
            words["distortion"].format(name=name), one.distortion, ramp="alarm", note=words["distortion_note"]
        ),
    ]
    return [replace(column, group=words["measures"].format(name=name)) for column in made]
