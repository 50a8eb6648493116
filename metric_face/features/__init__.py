"""What a frozen backbone makes of images: kept on disk, and where training starts from."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
