"""Tables of images, their labels, their split, and how an image becomes an array."""
