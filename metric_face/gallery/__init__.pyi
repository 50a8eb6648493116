from .living import Gallery as Gallery
from .living import GalleryChange as GalleryChange

__all__ = ["Gallery", "GalleryChange"]
