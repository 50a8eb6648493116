"""Which regions of an image decide: class activation maps, checked by occlusion and by deletion."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
