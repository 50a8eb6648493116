"""What a run's images are known by, as columns of a map, and which of them a matrix shows."""

import numpy as np

from metric_face.arrays import Ints
from metric_face.data import LabelSpace, targets_of
from metric_face.embeddings import Embeddings
from metric_face.pages import Column, JointColors, joint_colors, page_words, palette
from metric_face.visualization.mixing import with_mixing

_MOST_IN_MATRIX = 24


def confusable(columns: list[Column], attributes: set[str], lang: str) -> list[Column]:
    """The joint class where a matrix of it can be read, else each attribute that fits."""
    fitting = [column for column in columns if 1 < column.num_classes <= _MOST_IN_MATRIX]
    joint = [column for column in fitting if column.name == page_words(lang)["joint"]]
    return joint or [column for column in fitting if column.name in attributes]


def label_columns(held: Embeddings, space: LabelSpace | None, ids: Ints, lang: str) -> list[Column]:
    """Attributes, joint class, values as given and identity, with the pairs that mix among neighbors ``ids``."""
    words = page_words(lang)
    named = {key: words[key] for key in ("joint", "identity")}
    made = [
        Column(
            named.get(name, name),
            codes,
            names,
            ordered=space is not None
            and name != "identity"
            and name != "joint"
            and space[name].cuts is not None,
            joint=space_colors(space) if space is not None and name == "joint" else None,
        )
        for name, (codes, names) in targets_of(held.table, space).items()
    ]
    if space is not None:
        for attribute in space.attributes:
            if attribute.cuts is not None:
                raw = attribute.numbers(held.table.column(attribute.name))
                made.append(Column.of(words["as_given"].format(name=attribute.name), raw))
    known = {column.name for column in made}
    identities = held.table.identities
    if identities is not None and named["identity"] not in known:
        made.append(Column.of(named["identity"], identities))
    return [with_mixing(column, ids) for column in made]


def space_colors(space: LabelSpace) -> JointColors | None:
    """Hue, shade and shape of each joint class of a label space, or None where they cannot show them."""
    split = space.split_joint(np.arange(space.num_classes))
    codes = np.stack([split[name] for name in space.names], axis=1)
    cuts = [attribute.cuts is not None for attribute in space.attributes]
    classes = [attribute.classes for attribute in space.attributes]
    return joint_colors(codes.tolist(), classes, cuts, palette.MOST_CATEGORIES)
