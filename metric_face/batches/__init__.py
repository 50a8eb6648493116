"""What a training reads of its images: label columns, and batches of P labels with K images each, or shuffled."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
