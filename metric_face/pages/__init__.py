"""Building blocks shared by all pages: templates, scripts, charts and colors."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
