"""What the questions measure with."""
