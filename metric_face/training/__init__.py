"""From a configuration to a run directory: loaders, losses, the Lightning module, callbacks, checkpoints and folds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
