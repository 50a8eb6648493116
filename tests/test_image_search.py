"""search: similar images by image, vector and row; filters, range, expansion and diversity against brute force."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import metric_face
from metric_face.arrays import Floats
from metric_face.errors import ArgumentError, FileFormatError, ImageError
from metric_face.inference import ImageHits, Predictor, search_images, write_hits
from metric_face.inference.image_search import read_vectors
from metric_face.run import Run
from metric_face.search import EmbeddingIndex, k_reciprocal, stored_vectors
from tests.test_command import command, refused


@pytest.fixture(scope="module")
def predictor(indexed: Run) -> Predictor:
    return Predictor(indexed.folder)


def unit(values: Floats) -> Any:
    return values / np.linalg.norm(values.astype(np.float64), axis=-1, keepdims=True)


def gallery(predictor: Predictor) -> Any:
    return unit(stored_vectors(predictor.index, np.arange(len(predictor.index))))


def ranked(predictor: Predictor, query: Floats, allowed: Any) -> list[int]:
    """The rows that may be found, the most similar first."""
    similar = np.where(allowed, gallery(predictor) @ unit(query), -np.inf)
    return np.argsort(-similar, kind="stable")[: int(np.sum(allowed))].tolist()


def rows(found: ImageHits) -> list[int]:
    return [hit.row for hit in found.hits]


@pytest.mark.parametrize("seed", range(4))
def test_filters_range_and_diversity_are_brute_force(predictor: Predictor, seed: int) -> None:
    columns, generator = predictor.index.columns, np.random.default_rng(seed)
    query = generator.normal(size=predictor.index.dimensions).astype(np.float32)
    color, shape = columns["color"].astype(str), columns["shape"].astype(str)
    everything = np.ones(len(color), bool)
    [plain] = search_images(predictor, vectors=query, k=7)
    assert rows(plain) == ranked(predictor, query, everything)[:7]
    [some] = search_images(predictor, vectors=query, k=7, where=["color=red", "shape=disc"])
    assert rows(some) == ranked(predictor, query, (color == "red") & (shape == "disc"))[:7]
    [either] = search_images(predictor, vectors=query, k=500, where=["shape=disc", "shape=square"])
    assert rows(either) == ranked(predictor, query, everything)
    similar = gallery(predictor) @ unit(query)
    floor = float(np.sort(similar)[-9] - 1e-6)
    [within] = search_images(predictor, vectors=query, within=floor)
    assert rows(within) == ranked(predictor, query, everything)[:9]
    [none] = search_images(predictor, vectors=query, within=1.0)
    assert none.hits == ()
    identities = columns["identity"].tolist()
    first: dict[str, int] = {}
    for row in ranked(predictor, query, everything):
        first.setdefault(identities[row], row)
    [each] = search_images(predictor, vectors=query, unique="identity", k=100)
    assert rows(each) == list(first.values())
    [few] = search_images(predictor, vectors=query, unique="identity", k=5, where={"color": "blue"})
    assert rows(few) == [row for row in first.values() if color[row] == "blue"][:5]


def test_expansion_and_reranking_are_their_formulas(predictor: Predictor) -> None:
    query = np.random.default_rng(5).normal(size=predictor.index.dimensions).astype(np.float32)
    everything = np.ones(len(predictor.index), bool)
    base, order = gallery(predictor), ranked(predictor, query, everything)
    mean = unit(query) + base[order[:4]].sum(axis=0)
    [expanded] = search_images(predictor, vectors=query, expand=4, k=20)
    assert rows(expanded) == ranked(predictor, mean.astype(np.float32), everything)[:20]
    distances = k_reciprocal(query[None], base[order].astype(np.float32))[0]
    [again] = search_images(predictor, vectors=query, rerank="k-reciprocal", k=15)
    np.testing.assert_allclose([hit.distance for hit in again.hits], np.sort(distances)[:15], atol=1e-5)
    similar = {row: float(base[row] @ unit(query)) for row in order}
    np.testing.assert_allclose(
        [hit.similarity for hit in again.hits], [similar[hit.row] for hit in again.hits], atol=1e-5
    )


def test_a_row_finds_others_and_not_itself(predictor: Predictor) -> None:
    path, identity = (str(predictor.index.columns[name][3]) for name in ("path", "identity"))
    by = search_images(predictor, rows=[3, "3", path, path.rsplit("/", 1)[-1]], k=4)
    assert {tuple(rows(one)) for one in by} == {tuple(rows(by[0]))}
    assert 3 not in rows(by[0])
    assert by[0].query == f"row 3 ({path})"
    [others] = search_images(predictor, rows=[3], k=200, others=True)
    own = (predictor.index.columns["identity"] == identity).sum()
    assert len(others.hits) == len(predictor.index) - own
    assert identity not in {hit.columns["identity"] for hit in others.hits}
    [named] = search_images(predictor, vectors=np.ones(predictor.index.dimensions), k=200, identity=identity)
    assert len(named.hits) == len(others.hits)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"where": ["colour=red"]}, r"where colour: the index has no such column; near it are color"),
        ({"where": {"color": "rad"}}, r"where color=rad: no image of the index has it; near it are red"),
        ({"where": ["color"]}, r"must be COLUMN=VALUE"),
        ({"unique": "identy"}, r"--unique identy: the index has no such column; near it are identity"),
        ({"identity": "p999"}, r"--identity p999: no image of the index is of it; near it are p"),
        ({"rows": ["p0_1.png"]}, r"--row p0_1\.png: no image of the index is called so; near it are"),
        ({"rows": [100000]}, r"--row 100000: the index has the rows 0 to "),
        ({"k": 0}, "k=0: must be at least 1"),
        ({"within": 2.0}, r"within=2 \(--within\)"),
        ({"rerank": "magic"}, "must be one of k-reciprocal"),
        ({"vectors": np.ones(3)}, "vectors must have D = "),
        ({"vectors": np.full(8, np.nan)}, "vectors must"),
        ({"others": True, "vectors": None, "rows": []}, None),
    ],
)
def test_what_does_not_fit_is_one_line_with_the_nearest(
    predictor: Predictor, settings: dict[str, Any], error: str | None
) -> None:
    given = (
        {"vectors": np.ones(predictor.index.dimensions)} | settings if "rows" not in settings else settings
    )
    if error is None:
        assert search_images(predictor, **given) == []
        return
    with pytest.raises(ArgumentError, match=error) as caught:
        search_images(predictor, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "ivfpq"])
def test_stored_vectors_are_those_added_for_every_kind(kind: str, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(1200, 16)).astype(np.float32)
    index = EmbeddingIndex.build(vectors, kind=kind)
    index.remove(np.arange(100))
    some = np.array([5, 0, 1099, 500])
    cosine = (stored_vectors(index, some) * unit(vectors[100:][some])).sum(axis=1)
    assert cosine.min() > (0.8 if kind == "ivfpq" else 1 - 1e-6)
    index.save(tmp_path / "index")
    mapped = stored_vectors(EmbeddingIndex.load(tmp_path / "index", mmap=True), some)
    np.testing.assert_array_equal(mapped, stored_vectors(index, some))
    before = index.search(vectors[:3], 5).ids
    np.testing.assert_array_equal(index.search(vectors[:3], 5).ids, before)


def test_an_image_may_be_a_path_a_picture_an_array_or_a_file(predictor: Predictor, toy: Path) -> None:
    path = toy / "images" / "p00_0.png"
    picture, content = Image.open(path), path.read_bytes()
    array = np.asarray(picture.convert("RGB"))
    with path.open("rb") as file:
        vectors = predictor.embed([path, picture, array, file, io.BytesIO(content), content])
    np.testing.assert_array_equal(vectors, np.repeat(vectors[:1], 6, axis=0))
    answers = predictor.predict([str(path), array])
    assert [one.path for one in answers] == [str(path), "image 1"]
    assert answers[0].predicted == answers[1].predicted
    assert rows(search_images(predictor, [array], k=3)[0]) == rows(search_images(predictor, [path], k=3)[0])


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (
            np.zeros((3, 40, 50), np.uint8),
            r"image 0: must be \(H, W, 3\) uint8, found \(3, 40, 50\) uint8; move the",
        ),
        (np.zeros((40, 50, 3)), r"found \(40, 50, 3\) float64; scale it to 0\.\.255"),
        (np.zeros((40, 50), np.uint8), r"a gray image is repeated"),
        (np.zeros((40, 50, 4), np.uint8), r"alpha is left out"),
        (np.zeros((0, 50, 3), np.uint8), r"needs a pixel"),
        (io.BytesIO(b"no image"), r"image 0: not an image that can be read"),
        (io.StringIO("text"), r"image 0: cannot be decoded|image 0: not an image"),
        (3, r"image 0: must be a path, an image of Pillow, .* found int"),
        (None, r"found NoneType"),
    ],
)
def test_what_is_no_image_is_one_line(predictor: Predictor, image: Any, error: str) -> None:
    with pytest.raises(ImageError, match=error):
        predictor.predict([image])
    broken: dict[str, ImageError] = {}
    assert predictor.predict([image], broken=broken) == []
    assert list(broken) == ["image 0"]


@pytest.mark.parametrize("one", ["photo.jpg", Path("photo.jpg"), np.zeros((40, 50, 3), np.uint8), b"x"])
def test_one_image_in_place_of_a_list_is_refused(predictor: Predictor, one: Any) -> None:
    with pytest.raises(ArgumentError, match=r"images: must be a list of images, found .*; give \[image\]"):
        predictor.predict(one)


@pytest.mark.parametrize(
    "content", [b"", b"junk", np.array(["a"]), np.zeros((2, 2, 2)), np.zeros((), np.float32)]
)
def test_a_file_that_holds_no_vectors_is_refused(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "q.npy"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content)
    with pytest.raises(FileFormatError, match=r"q\.npy: must"):
        read_vectors(file)


def test_the_page_escapes_and_speaks_two_languages(predictor: Predictor, tmp_path: Path) -> None:
    found = search_images(predictor, rows=[0], k=3)
    hits = [ImageHits("<script>alert(1)</script>", found[0].hits), *found]
    text = write_hits(hits, predictor, tmp_path / "a.html").read_text("utf-8")
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "Similar images" in text
    korean = write_hits(hits, predictor, tmp_path / "b.html", lang="ko").read_text("utf-8")
    assert "비슷한 이미지" in korean


@pytest.mark.slow
def test_the_command(indexed: Run, toy: Path, tmp_path: Path) -> None:
    image = toy / "images" / "p00_0.png"
    named = tmp_path / "naïve 사진.png"
    named.write_bytes(image.read_bytes())
    np.save(tmp_path / "q.npy", np.ones((2, Predictor(indexed.folder).index.dimensions), np.float32))
    done = command(
        "search", indexed.folder, named, tmp_path / "q.npy", "--row", "0", "-k", "2", "--where", "color=red",
        "--page", tmp_path / "p.html", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["query"].split(" (")[0] for one in told["found"]] == [
        str(named),
        "vector 0",
        "vector 1",
        "row 0",
    ]
    assert all(len(one["hits"]) == 2 for one in told["found"])
    assert (tmp_path / "p.html").is_file()
    plain = command("search", indexed.folder, named, "-k", "1")
    assert len(plain.stdout.splitlines()) == 2
    (tmp_path / "broken.png").write_text("x")
    mixed = command("search", indexed.folder, tmp_path / "broken.png", named, "--json")
    assert (mixed.returncode, len(json.loads(mixed.stdout)["failed"])) == (1, 1)
    assert "near it are red" in refused("search", indexed.folder, named, "--where", "color=rde")
    assert "no such file or folder" in refused("search", indexed.folder, tmp_path / "gone.png")
    assert "give an image, a folder" in refused("search", indexed.folder)
    assert "must have D" in refused("search", indexed.folder, _saved(tmp_path / "w.npy", np.ones(3)))
    assert "holds something else than text" in refused("search", indexed.folder, named, "--page", named)


def _saved(file: Path, array: Any) -> Path:
    np.save(file, array)
    return file


def test_it_is_public() -> None:
    assert metric_face.search_images is search_images
