"""What the images of a change are labeled with, and how many trainings it takes."""

from metric_face.config import Config
from metric_face.data import Attribute, LabelSpace
from metric_face.trying.changes import WhatIf


def labeled_as(space: LabelSpace | None, one: WhatIf) -> LabelSpace | None:
    """The attributes as the training images of a change are labeled with them: with its boundaries."""
    cuts = dict(one.cuts)
    if space is None or not cuts:
        return space
    return LabelSpace(
        tuple(
            Attribute.binned(each.name, cuts[each.name]) if each.name in cuts else each
            for each in space.attributes
        )
    )


def trainings(
    space: LabelSpace | None, config: Config, one: WhatIf
) -> list[tuple[LabelSpace | None, Config]]:
    """What is trained for a change: all attributes at once, or each with the run's settings by itself."""
    labeled = labeled_as(space, one)
    if labeled is None or not one.separate:
        return [(labeled, config)]
    label = "identity" if config.loss.label == "identity" else "joint"
    alone = config.model_copy(update={"loss": config.loss.model_copy(update={"label": label})})
    return [(LabelSpace((attribute,)), alone) for attribute in labeled.attributes]
