"""What stands behind ``metric_face.config``: the schema, the reading of YAML, and the words of an error."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
