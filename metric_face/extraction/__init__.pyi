from .embedder import Embedder as Embedder
from .extracting import extract as extract
from .joining import join_shards as join_shards
from .ray_embedder import RayEmbedder as RayEmbedder
from .shard_files import StoredShard as StoredShard
from .shard_files import check_shards_folder as check_shards_folder
from .shard_files import shards_folder as shards_folder
from .shard_files import write_shard as write_shard
from .shards import RowShard as RowShard
from .writing import Embeds as Embeds
from .writing import Written as Written
from .writing import write_embeddings as write_embeddings

__all__ = [
    "Embedder",
    "Embeds",
    "RayEmbedder",
    "RowShard",
    "StoredShard",
    "Written",
    "check_shards_folder",
    "extract",
    "join_shards",
    "shards_folder",
    "write_embeddings",
    "write_shard",
]
