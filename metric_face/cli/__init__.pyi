from .entry import main as main
from .terminal import show_answer as show_answer
from .terminal import with_interval as with_interval

__all__ = ["main", "show_answer", "with_interval"]
