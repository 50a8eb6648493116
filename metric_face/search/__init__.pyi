from .exact import nearest as nearest
from .graph_cache import DEPTH as DEPTH
from .graph_cache import graph_between as graph_between
from .graph_cache import graph_file as graph_file
from .graph_cache import kept_graph as kept_graph
from .index import EmbeddingIndex as EmbeddingIndex
from .nearest_cells import MOST_CELLS as MOST_CELLS
from .nearest_cells import Cells as Cells
from .neighbor_graph import NeighborGraph as NeighborGraph
from .new_rows import CODE as CODE
from .order import Queries as Queries
from .points import Points as Points
from .result import SearchResult as SearchResult

__all__ = [
    "CODE",
    "DEPTH",
    "MOST_CELLS",
    "Cells",
    "EmbeddingIndex",
    "NeighborGraph",
    "Points",
    "Queries",
    "SearchResult",
    "graph_between",
    "graph_file",
    "kept_graph",
    "nearest",
]
