from .checking import audit as audit
from .duplicates import near_pairs as near_pairs
from .page import write_page as write_page

__all__ = ["audit", "near_pairs", "write_page"]
