from .embedded import Embedded as Embedded
from .embedding_images import embed as embed
from .merging import merge_shards as merge_shards

__all__ = ["Embedded", "embed", "merge_shards"]
