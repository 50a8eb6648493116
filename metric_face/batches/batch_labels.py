"""label_columns: the codes of each image that losses and batch sampler read."""

from metric_face.config import Config
from metric_face.data import Codes, ImageTable, LabelSpace, identity_labels

METRIC = "metric"
"""The column, and the term of the loss, of the label that ``loss.label`` names."""


def label_columns(table: ImageTable, space: LabelSpace | None, config: Config) -> dict[str, Codes]:
    """The codes that losses and sampler read: one column per attribute and head; ``loss.label`` under ``metric``."""
    columns: dict[str, Codes] = {}
    if space is not None:
        columns |= space.encode(table)
        if config.model.heads == "joint":
            columns["joint"] = space.joint(columns)
    if config.loss.metric != "none" or config.identity_batches:
        columns[METRIC] = metric_labels(table, space, config.loss.label)
    return columns


def metric_labels(table: ImageTable, space: LabelSpace | None, name: str) -> Codes:
    """The codes of the label that the metric loss and the sampler go by."""
    if name == "identity" or space is None:
        return identity_labels(table)[0]
    return space.labels(table, name)[0]
