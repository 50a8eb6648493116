"""What a file stores becomes what a viewer shows, for every mode, with known values."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from metric_face.auditing.inspection import inspect_data
from metric_face.data.dataset import ImageDataset
from metric_face.data.images import open_image
from metric_face.data.table import ImageTable
from metric_face.data.transforms import EvalTransform
from metric_face.errors import ImageError
from metric_face.pages.thumbnails import make_thumbnails

Pixel = tuple[int, int, int]


def shown(path: Path) -> Pixel:
    """The pixel in the middle."""
    image = open_image(path)
    assert image.mode == "RGB"
    pixel = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return pixel  # type: ignore[return-value]


def full(value: float, kind: Any) -> Image.Image:
    return Image.fromarray(np.full((16, 16), value, kind))


def png16(path: Path, values: np.ndarray, color: int = 0, extra: bytes = b"") -> Path:
    """A 16-bit PNG: gray (color 0), RGB (2), gray and alpha (4) or RGBA (6), of (H, W, channels) values."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize(
    ("value", "gray"), [(0, 0), (20000, 78), (45000, 175), (65535, 255), (128, 0), (129, 1)]
)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_gray_is_scaled_and_not_clipped(tmp_path: Path, value: int, gray: int, suffix: str) -> None:
    path = tmp_path / f"deep{suffix}"
    full(value, np.uint16).save(path)
    assert shown(path) == (gray,) * 3


def test_16_bit_gray_of_either_byte_order_inverted_and_as_netpbm(tmp_path: Path) -> None:
    big = full(20000, ">u2")
    assert big.mode == "I;16B"
    big.save(tmp_path / "big.tif")
    assert shown(tmp_path / "big.tif") == (78,) * 3
    inverted = TiffImagePlugin.ImageFileDirectory_v2()
    inverted[262] = 0  # white is zero
    full(20000, np.uint16).save(tmp_path / "white.tif", tiffinfo=inverted)
    with Image.open(tmp_path / "white.tif") as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        assert image.tag_v2[262] == 0
    assert shown(tmp_path / "white.tif") == (255 - 78,) * 3
    (tmp_path / "net.pgm").write_bytes(b"P5 4 4 65535\n" + struct.pack(">H", 45000) * 16)
    assert shown(tmp_path / "net.pgm") == (175,) * 3


def test_12_bits_that_the_file_declares_are_scaled_as_such(tmp_path: Path) -> None:
    # 4095 and 2048 in turn, packed in 12 bits
    path = tmp_path / "twelve.tif"
    packed = bytes([0xFF, 0xF8, 0x00]) * 8
    entries = [
        (256, 4, 4), (257, 4, 4), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, 4),
        (279, 4, len(packed)),
    ]  # fmt: skip
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, 8 + len(packed))
        + packed
        + struct.pack("<H", len(entries))
        + table
        + bytes(4)
    )
    pixels = np.asarray(open_image(path))
    assert pixels[0, 0, 0] == 255
    assert pixels[0, 1, 0] == 128


def test_two_deep_images_keep_their_difference_in_brightness(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    for name, peak in (("dim", 20000), ("bright", 60000)):
        Image.fromarray((ramp * peak).astype(np.uint16)).save(tmp_path / f"{name}.png")
    dim, bright = (np.asarray(open_image(tmp_path / f"{name}.png")).max() for name in ("dim", "bright"))
    assert (dim, bright) == (78, 233)


def test_32_bit_integers_are_16_bit_gray_or_refused(tmp_path: Path) -> None:
    full(20000, np.int32).save(tmp_path / "wide.tif")
    assert shown(tmp_path / "wide.tif") == (78,) * 3
    for value in (-1, 65536):
        full(value, np.int32).save(tmp_path / "far.tif")
        with pytest.raises(
            ImageError, match=f"must be 0 .black. to 65535 .white., found {value} to {value}; save"
        ):
            open_image(tmp_path / "far.tif")


@pytest.mark.parametrize(("value", "gray"), [(0.0, 0), (0.2, 51), (0.5, 128), (1.0, 255), (1.0005, 255)])
def test_floating_point_runs_from_0_to_1(tmp_path: Path, value: float, gray: int) -> None:
    full(value, np.float32).save(tmp_path / "float.tif")
    assert shown(tmp_path / "float.tif") == (gray,) * 3


@pytest.mark.parametrize("value", [255.0, -0.5, np.nan, np.inf])
def test_other_floating_point_is_refused_in_one_line(tmp_path: Path, value: float) -> None:
    full(value, np.float32).save(tmp_path / "float.tif")
    with pytest.raises(
        ImageError, match=r"must be 0 \(black\) to 1 \(white\), found .*; save it with 8 or 16"
    ) as caught:
        open_image(tmp_path / "float.tif")
    assert "\n" not in str(caught.value)


def palette(**options: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        image = Image.new("P", (16, 16), 1)
        image.putpalette([0, 0, 0, 200, 100, 50])
        image.save(path, **options)

    return save


def keyed(path: Path) -> None:
    Image.new("RGB", (16, 16), (9, 8, 7)).save(path, transparency=(9, 8, 7))


@pytest.mark.parametrize(
    ("suffix", "save", "expected"),
    [
        (".png", lambda path: Image.new("1", (16, 16), 1).save(path), (255, 255, 255)),
        (".png", lambda path: Image.new("L", (16, 16), 77).save(path), (77, 77, 77)),
        (".png", palette(), (200, 100, 50)),
        (".png", palette(transparency=1), (255, 255, 255)),
        (".png", palette(transparency=bytes([255, 0])), (255, 255, 255)),
        (".gif", palette(transparency=1), (255, 255, 255)),
        (".gif", palette(), (200, 100, 50)),
        (".png", lambda path: Image.new("LA", (16, 16), (40, 0)).save(path), (255, 255, 255)),
        (".png", lambda path: Image.new("LA", (16, 16), (40, 255)).save(path), (40, 40, 40)),
        (".png", lambda path: Image.new("RGBA", (16, 16), (255, 0, 0, 0)).save(path), (255, 255, 255)),
        (".png", lambda path: Image.new("RGBA", (16, 16), (255, 0, 0, 51)).save(path), (255, 204, 204)),
        (".webp", lambda path: Image.new("RGBA", (16, 16), (255, 0, 0, 0)).save(path, lossless=True, exact=True),
         (255, 255, 255)),
        (".tif", lambda path: Image.new("RGBA", (16, 16), (10, 20, 30, 255)).save(path), (10, 20, 30)),
        (".png", keyed, (255, 255, 255)),
        (".png", lambda path: Image.new("L", (16, 16), 77).save(path, transparency=77), (255, 255, 255)),
        (".tif", lambda path: Image.new("YCbCr", (16, 16), (128, 128, 128)).save(path), (128, 128, 128)),
        (".tif", lambda path: Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path), (255, 0, 0)),
    ],
)  # fmt: skip
def test_each_mode_is_what_a_viewer_shows(
    tmp_path: Path, suffix: str, save: Callable[[Path], None], expected: Pixel
) -> None:
    path = tmp_path / f"image{suffix}"
    save(path)
    assert shown(path) == expected


def test_lab_is_converted_with_its_colors(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    for color in ((200, 100, 50), (255, 255, 255), (0, 0, 0)):
        to_lab.apply(Image.new("RGB", (16, 16), color)).save(tmp_path / "lab.tif")
        assert np.abs(np.subtract(shown(tmp_path / "lab.tif"), color)).max() <= 3


def test_a_cmyk_jpeg_with_inverted_inks_is_not_a_negative(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "inks.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "inks.jpg").read_bytes()
    assert np.abs(np.subtract(shown(tmp_path / "inks.jpg"), (255, 0, 0))).max() <= 4


def test_deep_color_and_deep_transparency(tmp_path: Path) -> None:
    color = np.broadcast_to([20000, 45000, 65535], (8, 8, 3))
    assert np.abs(np.subtract(shown(png16(tmp_path / "rgb.png", color, 2)), (78, 175, 255))).max() <= 1
    clear = np.broadcast_to([20000, 0, 0, 0], (8, 8, 4))
    assert shown(png16(tmp_path / "rgba.png", clear, 6)) == (255, 255, 255)
    gray = np.broadcast_to([20000, 0], (8, 8, 2))
    assert shown(png16(tmp_path / "la.png", gray, 4)) == (255, 255, 255)

    def key(*values: int) -> bytes:
        data = struct.pack(f">{len(values)}H", *values)
        return struct.pack(">I", len(data)) + b"tRNS" + data + struct.pack(">I", zlib.crc32(b"tRNS" + data))

    assert shown(png16(tmp_path / "key.png", color[..., :1], 0, key(20000))) == (255, 255, 255)
    assert shown(png16(tmp_path / "other.png", color[..., :1], 0, key(20001))) == (78, 78, 78)
    assert shown(png16(tmp_path / "keys.png", color, 2, key(20000, 45000, 65535))) == (255, 255, 255)


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".png", ".webp"])
def test_of_several_frames_the_first_is_taken(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"frames{suffix}"
    later = [Image.new("RGB", (16, 16), (0, 0, 250))]
    more: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    Image.new("RGB", (16, 16), (250, 0, 0)).save(path, save_all=True, append_images=later, **more)
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert shown(path) == (250, 0, 0)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_an_image_stored_sideways_is_turned(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"side{suffix}"
    Image.new("RGB", (40, 20), (10, 200, 30)).save(path, exif=exif)
    assert open_image(path).size == (20, 40)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_block_turns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "exif.jpg"
    Image.new("RGB", (40, 20), (10, 200, 30)).save(
        path, exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\0\xff\x01\x12\0\x03"
    )
    assert open_image(path).size == (40, 20)
    Image.new("RGB", (40, 20), (10, 200, 30)).save(path, exif=b"Exif\0\0nonsense")
    assert open_image(path).size == (40, 20)


def wide_gamut() -> bytes:
    """A profile whose red, green and blue are those of sRGB in another order."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = made.index(b"rXYZ"), made.index(b"gXYZ")
    return (made[:red] + b"gXYZ" + made[red + 4 : green] + b"rXYZ" + made[green + 4 :]).replace(
        "sRGB".encode("utf-16-be"), "mine".encode("utf-16-be")
    )


def test_a_color_profile_is_applied_and_a_broken_or_foreign_one_ignored(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    red.save(tmp_path / "swapped.png", icc_profile=wide_gamut())
    assert np.abs(np.subtract(shown(tmp_path / "swapped.png"), (0, 255, 0))).max() <= 3
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red.save(tmp_path / "plain.png", icc_profile=srgb)
    assert shown(tmp_path / "plain.png") == (255, 0, 0)
    red.save(tmp_path / "broken.png", icc_profile=b"no profile at all")
    assert shown(tmp_path / "broken.png") == (255, 0, 0)
    Image.new("L", (16, 16), 77).save(tmp_path / "foreign.png", icc_profile=srgb)
    assert shown(tmp_path / "foreign.png") == (77, 77, 77)


def test_training_extraction_and_thumbnails_see_the_same_pixels(tmp_path: Path) -> None:
    names = ["deep.png", "clear.png"]
    full(20000, np.uint16).save(tmp_path / names[0])
    Image.new("RGBA", (16, 16), (255, 0, 0, 51)).save(tmp_path / names[1])
    expected = [(78, 78, 78), (255, 204, 204)]
    transform = EvalTransform((16, 16), mean=(0, 0, 0), std=(1, 1, 1))
    dataset = ImageDataset(ImageTable(pd.DataFrame({"path": names}), tmp_path), transform)
    made = make_thumbnails([tmp_path / name for name in names], np.zeros((2, 2), np.float32), budget=100_000)
    sheet = np.asarray(Image.open(io.BytesIO(made.sheets[0])).convert("RGB")).astype(int)
    for row, color in enumerate(expected):
        assert transform.load(tmp_path / names[row])[5, 5].tolist() == list(color)
        trained = dataset[row]["image"].numpy()[:, 5, 5] * 255
        np.testing.assert_allclose(trained, color, atol=1e-3)
        tile = int(np.flatnonzero(made.order == row)[0])
        middle = sheet[made.side // 2, tile * made.side + made.side // 2]
        assert np.abs(middle - color).max() <= 6


def test_flat_and_black_images_are_found(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    names = ["fine.png", "flat.png", "dark.png", "broken.png"]
    Image.fromarray(noise).save(tmp_path / names[0])
    Image.new("RGB", (16, 16), (1, 2, 3)).save(tmp_path / names[1])
    Image.fromarray(noise[..., 0].astype(np.uint16) * 16).save(tmp_path / names[2])  # 12 bits, not declared
    (tmp_path / names[3]).write_text("no image")
    report = inspect_data(ImageTable(pd.DataFrame({"path": names, "label": list("abab")}), tmp_path))
    found = {finding.id: finding for finding in report.findings}
    assert found["flat-images"].rows == ((1,),)
    assert "1 of 4 images are of a single color; the first: " in found["flat-images"].sentence
    assert "flat.png (RGB 1, 2, 3)" in found["flat-images"].sentence
    assert found["black-images"].rows == ((2,),)
    assert "dark.png (at most 16 of 255)" in found["black-images"].sentence
    assert "0 (black) to 65535 (white)" in found["black-images"].remedy
