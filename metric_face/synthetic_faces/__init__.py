"""Drawn faces in the format of the mask competition, for the demo, the tests and the benchmarks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
