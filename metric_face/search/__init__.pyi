from .choices import check_column as check_column
from .choices import check_values as check_values
from .choices import nearest_words as nearest_words
from .choices import parse_filters as parse_filters
from .choices import row_of as row_of
from .exact import Exclusion as Exclusion
from .exact import nearest as nearest
from .graph_cache import DEPTH as DEPTH
from .graph_cache import graph_between as graph_between
from .graph_cache import graph_file as graph_file
from .graph_cache import kept_graph as kept_graph
from .index import EmbeddingIndex as EmbeddingIndex
from .indexed_files import files_of as files_of
from .indexed_files import rows_of_files as rows_of_files
from .nearest_cells import MOST_CELLS as MOST_CELLS
from .nearest_cells import Cells as Cells
from .neighbor_graph import NeighborGraph as NeighborGraph
from .neighbors_of import neighbors as neighbors
from .new_rows import ADDED as ADDED
from .new_rows import CODE as CODE
from .order import Queries as Queries
from .points import Points as Points
from .reranking import k_reciprocal as k_reciprocal
from .result import SearchResult as SearchResult
from .stored_vectors import stored_vectors as stored_vectors
from .where import rows_where as rows_where

__all__ = [
    "ADDED",
    "CODE",
    "DEPTH",
    "MOST_CELLS",
    "Cells",
    "EmbeddingIndex",
    "Exclusion",
    "NeighborGraph",
    "Points",
    "Queries",
    "SearchResult",
    "check_column",
    "check_values",
    "files_of",
    "graph_between",
    "graph_file",
    "k_reciprocal",
    "kept_graph",
    "nearest",
    "nearest_words",
    "neighbors",
    "parse_filters",
    "row_of",
    "rows_of_files",
    "rows_where",
    "stored_vectors",
]
