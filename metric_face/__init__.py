"""metric_face: train an image embedding, search it, and see why it is not better.

The public names are loaded when first used, so that ``import metric_face`` and the light commands do not
pay for torch.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
