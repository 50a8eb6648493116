"""What a run scores, and what a post-hoc adjustment would add."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
