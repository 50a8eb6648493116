from . import palette as palette
from .charts import Series as Series
from .charts import bar_chart as bar_chart
from .charts import histogram_chart as histogram_chart
from .charts import line_chart as line_chart
from .columns import Column as Column
from .columns import MapView as MapView
from .columns import as_columns as as_columns
from .columns import choose_view as choose_view
from .columns import crossed as crossed
from .gradient_arrows import arrows_chart as arrows_chart
from .joint_colors import SHAPES as SHAPES
from .joint_colors import JointColors as JointColors
from .joint_colors import joint_colors as joint_colors
from .languages import LANGUAGES as LANGUAGES
from .languages import check_language as check_language
from .languages import page_texts as page_texts
from .languages import page_words as page_words
from .page import pack as pack
from .page import pack_ids as pack_ids
from .page import render as render
from .svg import number as number
from .svg import svg as svg
from .svg import tag as tag
from .thumbnails import ACROSS as ACROSS
from .thumbnails import Thumbnails as Thumbnails
from .thumbnails import gray_tile as gray_tile
from .thumbnails import make_thumbnails as make_thumbnails
from .thumbnails import read_tile as read_tile

__all__ = [
    "ACROSS",
    "SHAPES",
    "Column",
    "JointColors",
    "MapView",
    "Series",
    "Thumbnails",
    "arrows_chart",
    "as_columns",
    "bar_chart",
    "choose_view",
    "crossed",
    "gray_tile",
    "histogram_chart",
    "joint_colors",
    "line_chart",
    "make_thumbnails",
    "number",
    "pack",
    "pack_ids",
    "page_words",
    "palette",
    "read_tile",
    "render",
    "svg",
    "tag",
]
