"""Classifiers on frozen embeddings: k nearest neighbors and the linear probe."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
