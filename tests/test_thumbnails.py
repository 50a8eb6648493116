"""Thumbnails: the right image on the right tile, within the budget, whatever the files are."""

import io

import numpy as np
import pytest
from PIL import Image

from metric_face.pages.thumbnails import ACROSS, make_thumbnails

N = 400


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    paths = []
    for row in range(N):
        pixels = rng.integers(0, 60, (24, 24, 3)) + np.array([row % 20, row // 20, 0])[None, None] * 9
        paths.append(folder / f"{row}.png")
        Image.fromarray(pixels.astype(np.uint8)).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def coords():
    return np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32)


def _tile(made, place):
    sheet, at = divmod(place, ACROSS * ACROSS)
    image = Image.open(io.BytesIO(made.sheets[sheet])).convert("RGB")
    x, y = at % ACROSS * made.side, at // ACROSS * made.side
    return np.asarray(image.crop((x, y, x + made.side, y + made.side)), dtype=float)


def test_every_image_is_on_its_tile(images, coords):
    made = make_thumbnails(images, coords, budget=10**7)
    assert sorted(made.order) == list(range(N))
    assert len(made.sheets) == 2
    for place in range(0, N, 37):
        mean = _tile(made, place).mean(axis=(0, 1))
        row = made.order[place]
        assert np.abs(mean - [29.5 + row % 20 * 9, 29.5 + row // 20 * 9, 29.5]).max() < 9


@pytest.mark.parametrize("budget", [1_500_000, 200_000, 60_000])
def test_sheets_keep_to_the_budget(images, coords, budget):
    made = make_thumbnails(images, coords, budget=budget)
    assert sum(map(len, made.sheets)) < 1.15 * budget


def test_a_smaller_budget_means_smaller_tiles_and_then_fewer(images, coords):
    sides = [make_thumbnails(images, coords, budget=budget).side for budget in (10**7, 100_000)]
    assert sides[0] > sides[1]
    few = make_thumbnails(images, coords, budget=20_000, first=[5, 399])
    assert len(few.order) < N
    assert few.order[:2].tolist() == [5, 399]
    assert len(set(few.order.tolist())) == len(few.order)


def test_what_must_be_there_is_there_whatever_the_budget(images, coords):
    must = np.arange(100, 380)
    assert set(must) <= set(make_thumbnails(images, coords, budget=1, first=must).order)


def test_the_first_tiles_are_spread_over_the_map(images, coords):
    first = coords[make_thumbnails(images, coords, budget=10**7).order[:40]]
    quadrants = {(x > 0, y > 0) for x, y in first}
    assert len(quadrants) == 4


def test_broken_images_are_listed_and_gray(images, coords, tmp_path):
    truncated = tmp_path / "half.png"
    truncated.write_bytes(images[0].read_bytes()[:100])
    made = make_thumbnails([tmp_path / "absent.png", truncated, *images[2:]], coords, budget=10**7)
    assert made.broken == (0, 1)
    middle = _tile(made, made.order.tolist().index(1))[16:-16, 16:-16]  # WebP smooths over the edges of tiles
    assert np.abs(middle - 128).max() < 8


def test_portraits_are_cut_to_their_middle(tmp_path):
    path = tmp_path / "tall.png"
    image = Image.new("RGB", (40, 80), (0, 0, 0))
    image.paste((250, 250, 250), (0, 20, 40, 60))
    image.save(path)
    assert _tile(make_thumbnails([path], np.zeros((1, 2), np.float32), budget=10**6), 0)[8:-8].min() > 225


def test_progress_counts_every_image_and_none_is_none(images, coords):
    seen = []
    make_thumbnails(images, coords, budget=10**7, progress=lambda *counts: seen.append(counts))
    assert seen[-1] == (N, N)
    assert make_thumbnails([], np.zeros((0, 2), np.float32), budget=1).sheets == []
