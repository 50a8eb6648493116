from .checking import audit_source as audit_source
from .duplicates import near_pairs as near_pairs
from .page import write_page as write_page

__all__ = ["audit_source", "near_pairs", "write_page"]
