"""The index and the neighbor graph: FAISS in its kinds, tuned, filed and merged."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
