from .answers import Answer as Answer
from .explain_page import write_answers as write_answers
from .index_building import index_run as index_run
from .predictor import Asker as Asker
from .submission import Asked as Asked
from .submission import asked_for as asked_for
from .submission import fill as fill
from .target_votes import TargetAnswer as TargetAnswer
from .watch import ask_lines as ask_lines
from .watch import watch_folder as watch_folder

__all__ = [
    "Answer",
    "Asked",
    "Asker",
    "TargetAnswer",
    "ask_lines",
    "asked_for",
    "fill",
    "index_run",
    "watch_folder",
    "write_answers",
]
