from .faces import contact_sheet as contact_sheet
from .faces import make_faces as make_faces

__all__ = ["contact_sheet", "make_faces"]
