"""metric_face: train an image embedding, search it, and see why it is not better.

The public names are loaded when first used, so that ``import metric_face`` and the light commands do not
pay for torch. Without the extra ``train``, whose packages the others need, indexed runs are served all the same.
"""

from typing import Any

import lazy_loader

from metric_face.extras import named_extras

__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    with named_extras():
        return _load(name)
