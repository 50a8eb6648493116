from .fusing import fuse_sources as fuse_sources

__all__ = ["fuse_sources"]
