"""The sentences of a diagnosis, in English and Korean."""
