"""Files and folders that are whole or absent, and replaced only where they are ours."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
