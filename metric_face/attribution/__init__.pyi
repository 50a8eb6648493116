from .attributing import attribute as attribute
from .attribution_page import write_attribution as write_attribution
from .class_pairs import PairRegions as PairRegions
from .class_pairs import attribute_classes as attribute_classes
from .class_pairs import write_pair as write_pair
from .result import Attribution as Attribution
from .result import DeletionCheck as DeletionCheck

__all__ = [
    "Attribution",
    "DeletionCheck",
    "PairRegions",
    "attribute",
    "attribute_classes",
    "write_attribution",
    "write_pair",
]
