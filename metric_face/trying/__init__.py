"""What would help a run: changes of its settings, each tried on cached features beside the run's own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
