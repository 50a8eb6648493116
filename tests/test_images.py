"""Every way an image can be broken is one line; the transform is the same wherever it is used."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from metric_face.data import images
from metric_face.data.augmentation import Augmentation
from metric_face.data.dataset import ImageDataset, PixelCache
from metric_face.data.images import content_hashes, find_broken, open_image, refuse_broken
from metric_face.data.table import ImageTable
from metric_face.data.transforms import EvalTransform
from metric_face.errors import ArgumentError, DataError, ImageError


def noise(path: Path, size: tuple[int, int] = (64, 48), **save: object) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path, **save)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, Path]:
    good = noise(tmp_path / "good.jpg")
    (tmp_path / "truncated.jpg").write_bytes(good.read_bytes()[:600])
    (tmp_path / "text.jpg").write_text("I am no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    return {
        "missing": tmp_path / "missing.jpg",
        "truncated": tmp_path / "truncated.jpg",
        "text": tmp_path / "text.jpg",
        "empty": tmp_path / "empty.png",
    }


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file; restore it or drop its row"),
        ("truncated", "cannot be decoded"),
        ("text", "not an image that can be read; replace it or drop its row"),
        ("empty", "not an image that can be read"),
    ],
)
def test_a_broken_image_is_one_line(broken: dict[str, Path], kind: str, message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        open_image(broken[kind])
    assert str(broken[kind]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="64 x 48 pixels; at most 1,000 are decoded"):
        open_image(noise(tmp_path / "big.png"))


def test_broken_images_are_found_and_refused_by_name(tmp_path: Path, broken: dict[str, Path]) -> None:
    paths = [noise(tmp_path / "fine.jpg"), broken["text"], broken["truncated"]]
    seen: list[tuple[int, ...]] = []
    found = find_broken(paths, progress=lambda *counts: seen.append(counts))
    assert list(found) == [1, 2]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(
        DataError, match=r"text\.jpg: not an image .* \(and 1 more\); --skip-broken drops and lists them"
    ):
        refuse_broken(found)


def test_sideways_gray_and_transparent_images_become_upright_rgb(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), (10, 200, 30))
    exif = image.getexif()
    exif[0x0112] = 6  # stored lying on its side
    image.save(tmp_path / "side.jpg", exif=exif)
    Image.new("L", (8, 8), 7).save(tmp_path / "gray.png")
    Image.new("RGBA", (8, 8), (1, 2, 3, 128)).save(tmp_path / "clear.png")
    assert open_image(tmp_path / "side.jpg").size == (20, 40)
    assert open_image(tmp_path / "gray.png").mode == "RGB"
    assert open_image(tmp_path / "clear.png").mode == "RGB"


def test_copies_have_one_hash(tmp_path: Path) -> None:
    one = noise(tmp_path / "one.png")
    (tmp_path / "two.png").write_bytes(one.read_bytes())
    other = noise(tmp_path / "three.png", (60, 48))
    first, second, third = content_hashes([one, tmp_path / "two.png", other])
    assert first == second != third


def test_the_transform_is_the_arithmetic_it_says(tmp_path: Path) -> None:
    path = tmp_path / "flat.png"
    Image.new("RGB", (50, 40), (255, 0, 127)).save(path)
    transform = EvalTransform((16, 12), mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 1.0))
    result = transform(path)
    assert result.shape == (3, 16, 12)
    assert result.dtype == np.float32
    np.testing.assert_allclose(
        result[:, 3, 3], [(1 - 0.5) / 0.5, (0 - 0.5) / 0.25, (127 / 255 - 0.5) / 1.0], atol=1e-6
    )


def test_the_crop_takes_the_center(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 40), (0, 0, 0))
    image.paste((255, 255, 255), (10, 10, 30, 30))
    image.save(tmp_path / "square.png")
    pixels = EvalTransform((20, 20), crop=(0.5, 0.5)).load(tmp_path / "square.png")
    assert (pixels == 255).all()


def test_a_scaled_jpeg_is_nearly_the_whole_one(tmp_path: Path) -> None:
    y, x = np.mgrid[:960, :720]
    smooth = np.stack([x % 256, y % 256, (x + y) % 256], -1).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "large.jpg", quality=95)
    transform = EvalTransform((64, 48))
    scaled = transform.load(tmp_path / "large.jpg").astype(int)
    whole = transform.geometry(open_image(tmp_path / "large.jpg")).astype(int)
    assert np.abs(scaled - whole).mean() < 3


def test_the_transform_reads_back_from_plain_data() -> None:
    transform = EvalTransform((16, 12), crop=(0.8, 0.9))
    assert EvalTransform.from_dict(transform.to_dict()) == transform
    with pytest.raises(ArgumentError, match="crop="):
        EvalTransform((16, 12), crop=(0.0, 1.0))
    with pytest.raises(ArgumentError, match="at least 8 pixels"):
        EvalTransform((4, 12))


def test_the_augmentation_depends_on_seed_epoch_and_row_alone(toy: Path) -> None:
    table = ImageTable.read(toy)
    transform = EvalTransform((32, 32))
    one = ImageDataset(table, transform, augmentation=Augmentation(erase=0.5), seed=3)
    other = ImageDataset(
        table, transform, augmentation=Augmentation(erase=0.5), seed=3, cache=PixelCache(len(table), (32, 32))
    )
    first = one.__getitems__([5, 5, 7])
    assert not first[0]["image"].equal(first[1]["image"])  # two copies in a batch differ
    assert other.__getitems__([7])[0]["image"].equal(first[2]["image"])
    one.set_epoch(1)
    assert not one.__getitems__([7])[0]["image"].equal(first[2]["image"])
    one.set_epoch(0)
    assert one.__getitems__([7])[0]["image"].equal(first[2]["image"])


@pytest.mark.parametrize("policy", ["randaugment", "trivialaugment"])
def test_a_policy_by_name_is_torchvision_s(policy: str) -> None:
    plain = {"flip": 0.0, "scale": 1.0, "color": 0.0}
    transform = EvalTransform((32, 24))
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(256, (3, 32, 24), dtype=torch.uint8, generator=generator)
    build = {"randaugment": v2.RandAugment(), "trivialaugment": v2.TrivialAugmentWide()}[policy]
    for seed in range(4):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            ours = Augmentation(policy=policy, **plain).build(transform)(image)
            torch.manual_seed(seed)
            theirs = transform.normalize(build(image).permute(1, 2, 0).numpy())
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


def test_gray_has_no_colors_blur_has_no_edges_and_a_policy_that_is_none_is_refused() -> None:
    plain = {"flip": 0.0, "scale": 1.0, "color": 0.0}
    transform = EvalTransform((40, 40), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(256, (3, 40, 40), dtype=torch.uint8, generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        gray = Augmentation(grayscale=1.0, **plain).build(transform)(image)
        blurred = Augmentation(blur=1.0, **plain).build(transform)(image)
    assert gray[0].equal(gray[1])
    assert gray[0].equal(gray[2])
    assert blurred.diff(dim=2).abs().mean() < 0.5 * (image / 255).diff(dim=2).abs().mean()
    assert blurred.mean() == pytest.approx(float((image / 255).mean()), abs=0.01)
    with pytest.raises(
        ArgumentError, match="policy='autoaugment': must be one of none, randaugment, trivialaugment"
    ):
        Augmentation(policy="autoaugment")


def test_evaluation_pixels_are_the_transform_s(toy: Path) -> None:
    table = ImageTable.read(toy)
    transform = EvalTransform((24, 24))
    dataset = ImageDataset(table, transform)
    np.testing.assert_array_equal(dataset[4]["image"].numpy(), transform(table.paths[4]))
