"""Every score in one place: F1, retrieval, calibration, thresholds, and intervals over identities."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
