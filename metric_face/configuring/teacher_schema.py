"""The section ``teacher``: a finished run that a training learns from."""

from typing import Annotated

from pydantic import Field

from metric_face.configuring.fields import Section, Weight


class TeacherConfig(Section):
    run: Annotated[str, Field(min_length=1)] | None = None
    """The folder of a finished run, whose embedding and logits are distilled into this one. It sees the clean images
    with its own preprocessing, once, before the first step."""
    embedding_weight: Weight = 1.0
    """Weight of 1 - cosine to the teacher's embedding; through a learned projection where the dimensions differ."""
    logits_weight: Weight = 1.0
    """Weight of the divergence from the teacher's logits, for each head that predicts the same classes."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Of the softmax of the logits; higher looks more at the unlikely classes."""
