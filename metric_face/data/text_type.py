"""The type of a column of text, the same for every pandas."""

import numpy as np
import pandas as pd

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""What pandas 3 calls "str". To pandas 2 that is any objects, and an empty column of those has no Arrow type."""
