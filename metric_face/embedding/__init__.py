"""Tables of images, their labels, their split, and how an image becomes an array."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
