"""The mark of a picture that this program drew, by which it is known again."""

MARK = "metric_face figure"
"""What stands in the PNG field ``Software`` of every picture that this program draws."""
