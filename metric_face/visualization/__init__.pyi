from .faithfulness import measure_faithfulness as measure_faithfulness
from .faithfulness import neighbor_confusion as neighbor_confusion
from .kept_umap import keep_umap_compiled as keep_umap_compiled
from .map_page import MapPart as MapPart
from .map_page import build_map as build_map
from .map_plots import plot_map as plot_map
from .maps import visualize as visualize
from .matrices import MatrixChart as MatrixChart
from .matrices import confusion_chart as confusion_chart
from .mixing import MAP_DEPTH as MAP_DEPTH
from .mixing import with_mixing as with_mixing
from .projection import Projection as Projection
from .umap_projection import project as project
from .ways import ways_to_look as ways_to_look

__all__ = [
    "MAP_DEPTH",
    "MapPart",
    "MatrixChart",
    "Projection",
    "build_map",
    "confusion_chart",
    "keep_umap_compiled",
    "measure_faithfulness",
    "neighbor_confusion",
    "plot_map",
    "project",
    "visualize",
    "ways_to_look",
    "with_mixing",
]
