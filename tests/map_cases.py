"""Maps of none, few and many classes, and which of their names overlap."""

import numpy as np

from metric_face.pages import Column, joint_colors

OVERLAPS = """
const box = document.querySelector(".zooming").getBoundingClientRect(), found = [];
const frame = document.querySelector(".stage").getBoundingClientRect();
const placed = [...metricFace.view.look.placed, { left: box.left - frame.left, right: box.right - frame.left,
  top: box.top - frame.top, bottom: box.bottom - frame.top, code: "buttons" }];
placed.forEach((a, k) => placed.slice(0, k).forEach((b) => {
  if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) found.push([a.code, b.code]);
}));
return found;
"""


def label_columns(count, codes):
    """What N points with codes of ``count`` classes are known by; 18 classes are joint ones, 0 none."""
    if count == 0:
        return []
    if count == 18:
        digits = np.stack(np.unravel_index(np.arange(18), (3, 2, 3)), axis=1)
        names = [("wear", "incorrect", "none"), ("male", "female"), ("<30", "30-59", ">=60")]
        classes = tuple(" / ".join(part[d] for part, d in zip(names, row, strict=True)) for row in digits)
        joint = joint_colors(digits.tolist(), names, (False, False, True), 7)
        return [Column("joint class", codes, classes, joint=joint)]
    return [Column.of("label", np.array([f"class {code}" for code in codes]))]
