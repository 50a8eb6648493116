from .asking import what_if as what_if
from .changes import WhatIf as WhatIf
from .changes import what_ifs as what_ifs
from .tried import ChangeEffect as ChangeEffect
from .tried import Tried as Tried
from .try_page import curve_line as curve_line
from .try_page import shown as shown
from .try_page import verdict as verdict

__all__ = [
    "ChangeEffect",
    "Tried",
    "WhatIf",
    "curve_line",
    "shown",
    "verdict",
    "what_if",
    "what_ifs",
]
