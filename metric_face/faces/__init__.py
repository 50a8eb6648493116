"""Faces on images: three cascaded networks, boxes as a table, crops that are aligned by eyes, nose and mouth."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
