"""One rule a mode for turning what a file stores into the RGB that a viewer shows.

===================  ===========================================================================================
mode                 rule
===================  ===========================================================================================
RGB, 1, L, YCbCr,    as they are, gray repeated in the three channels
HSV
16-bit gray          0..65535 is black to white (0..4095 where the file declares 12 bits), whatever the image holds:
                     two images keep their difference in brightness
32-bit integers      as 16-bit gray; a value outside 0..65535 is refused
floating point       0..1 is black to white; a value outside, or NaN, is refused
transparency         laid on white, whether it is a channel, a palette's or one color's
CMYK, LAB            to sRGB, by the file's color profile where it has one
color profile        other than sRGB: converted to sRGB; one that cannot be read or does not fit is ignored
several frames       the first
===================  ===========================================================================================
"""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

from metric_face.errors import ImageError

BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels: white, as on a page."""

_FLOAT_SLACK = 1e-3  # what a resize or a rounding leaves beyond 0 and 1


def as_seen(image: Image.Image, name: object) -> Image.Image:
    """The first frame of an opened image as RGB, upright, as a viewer shows it.

    Args:
        image: opened, not yet decoded, or drafted to a smaller size.
        name: the file, for the message.

    Raises:
        ImageError: its numbers have no agreed meaning as brightness (see the table above).
    """
    top = 4095 if _declared(image, 258) == (12,) else 65535
    white_is_zero = image.mode[0] in "IF" and _declared(image, 262) == 0  # Pillow inverts 8-bit gray alone
    image.load()
    profile = image.info.get("icc_profile")
    seen = _rgb(_upright(image), name, top, white_is_zero, profile if isinstance(profile, bytes) else b"")
    return seen if seen.mode == "RGB" else seen.convert("RGB")


def _declared(image: Image.Image, tag: int) -> Any:
    """A tag of a TIFF file; None in other files."""
    return image.tag_v2.get(tag) if isinstance(image, TiffImagePlugin.TiffImageFile) else None


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF data say; data that cannot be read turn nothing, as in a viewer."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Pillow reads EXIF with struct and raises whatever that meets
        return image


def _rgb(image: Image.Image, name: object, top: int, white_is_zero: bool, profile: bytes) -> Image.Image:
    if image.mode[0] in "IF":
        gray = _levels(np.asarray(image), name, top)
        if white_is_zero:
            gray = 255 - gray
        shown = Image.fromarray(gray)
        hidden = image.info.get("transparency")
        if isinstance(hidden, int):  # one value of a 16-bit PNG
            shown.putalpha(Image.fromarray(np.where(np.asarray(image) == hidden, 0, 255).astype(np.uint8)))
            shown = _on_background(shown)
        return _managed(shown, profile)
    if image.mode in ("CMYK", "LAB"):
        return _managed(image, profile)
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        image = _on_background(_eight_bit_key(image))
    elif image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    return _managed(image, profile)


def _levels(values: NDArray[Any], name: object, top: int) -> NDArray[np.uint8]:
    """(H, W) numbers of 12, 16 or 32 bits, or floating point, as 0..255."""
    low, high = values.min(), values.max()
    if np.issubdtype(values.dtype, np.floating):
        if not (low >= -_FLOAT_SLACK and high <= 1 + _FLOAT_SLACK):  # false for NaN too
            raise ImageError(
                f"{name}: floating-point pixels must be 0 (black) to 1 (white), found {low:g} to {high:g}; save it "
                "with 8 or 16 bits"
            )
        return np.asarray(np.rint(np.clip(values, 0, 1) * 255), dtype=np.uint8)
    if low < 0 or high > 65535:
        raise ImageError(
            f"{name}: 32-bit pixels must be 0 (black) to 65535 (white), found {low} to {high}; save it with 8 or 16 "
            "bits"
        )
    return np.asarray((np.minimum(values.astype(np.uint32), top) * 255 + top // 2) // top, dtype=np.uint8)


def _eight_bit_key(image: Image.Image) -> Image.Image:
    """With the transparent color in 8 bits, to which Pillow reduces the pixels of a 16-bit PNG but not this."""
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image


def _on_background(image: Image.Image) -> Image.Image:
    seen = image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
    if seen.getchannel("A").getextrema() == (255, 255):
        return seen.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", seen.size, (*BACKGROUND, 255)), seen).convert("RGB")


def _managed(image: Image.Image, profile: bytes) -> Image.Image:
    """In sRGB: by the profile, by what the mode means, or as it is."""
    if profile or image.mode == "LAB":
        transform = _to_srgb(b"" if image.mode == "LAB" else profile, image.mode)
        if transform is not None:
            return transform.apply(image)
    return image.convert("RGB")


@lru_cache(maxsize=32)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile's colors, or those of LAB, to sRGB; None where nothing is to be done, or can be."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
        if "srgb" in ImageCms.getProfileDescription(source).lower() and mode == "RGB":
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
