"""The page and the lines that show a diagnosis."""
