"""One file a question; each gives findings."""
