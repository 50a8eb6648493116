"""For the ecosystem around: the Hub, Lightning loops, loggers, FiftyOne, and testers of other packages."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
