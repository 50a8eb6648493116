from .fusing import fuse as fuse

__all__ = ["fuse"]
