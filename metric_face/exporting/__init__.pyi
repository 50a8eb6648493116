from .exporting_runs import Exported as Exported
from .exporting_runs import export as export

__all__ = ["Exported", "export"]
