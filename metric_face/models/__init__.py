"""The network, its weights in files, and the forms in which it leaves: safetensors and ONNX."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
