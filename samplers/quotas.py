"""What every batch must hold of an attribute: so many images of each value, or so many values."""

from typing import Any

from metric_face.errors import ArgumentError

from .labels import encode


class Quota:
    """A promise about an attribute that every batch keeps.

    Args:
        values: (N,) the attribute, one value an image, in the order of the labels.
        images: at least this many images of every value in each batch.
        classes: at least this many different values in each batch.
        name: what to call the attribute in messages.

    Raises:
        ArgumentError: neither or both of images and classes, or one below 1, or a missing value.
    """

    def __init__(
        self, values: Any, *, images: int | None = None, classes: int | None = None, name: str = "attribute"
    ) -> None:
        if (images is None) == (classes is None):
            raise ArgumentError(
                f"quota of {name!r} must set one of images and classes, found images={images!r} and "
                f"classes={classes!r}; write one quota for each promise"
            )
        wanted = images if images is not None else classes
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
            raise ArgumentError(
                f"quota of {name!r} must ask for a whole number of at least 1, found {wanted!r}"
            )
        self.codes, self.names = encode(values, f"quota of {name!r}")
        self.images, self.classes, self.name = images, classes, name
