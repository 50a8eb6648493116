"""Test-time augmentation: vectors are means over copies, say so, and do not mix with others."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metric_face.averaging import averaged, copies_of, made_by, model_of, tta_of
from metric_face.data import EvalTransform, ImageTable
from metric_face.embedding import embed, merge_shards
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, DataError, ModelMismatchError
from metric_face.extraction import extract
from metric_face.gallery import Gallery
from metric_face.inference import Predictor, build_index
from metric_face.models import EmbeddingModel
from metric_face.run import Run

TRANSFORM = EvalTransform((32, 32))
COUNTS = {"none": 1, "flip": 2, "crops": 5, "flip+crops": 10}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return EmbeddingModel("test_resnet", {"color": 2}, embedding_size=8).eval()


def shifted(images, down, right):
    """Oracle: each pixel is that of the nearest place inside the image, moved."""
    height, width = images.shape[-2:]
    moved = np.empty_like(images)
    for row in range(height):
        for column in range(width):
            source = min(max(row + down, 0), height - 1), min(max(column + right, 0), width - 1)
            moved[..., row, column] = images[..., source[0], source[1]]
    return moved


@pytest.mark.parametrize("tta", COUNTS)
def test_copies_are_the_image_its_mirror_image_and_moved_ones(tta):
    images = np.random.default_rng(0).normal(size=(2, 3, 32, 48)).astype(np.float32)
    moved = [images]
    if "crops" in tta:
        moved += [shifted(images, down, right) for down in (-2, 2) for right in (-3, 3)]
    expected = [copy for one in moved for copy in ((one, one[..., ::-1]) if "flip" in tta else (one,))]
    found = list(copies_of(images, tta, sides=(2, 3)))
    assert len(found) == COUNTS[tta]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("tta", COUNTS)
def test_a_vector_is_the_mean_over_the_copies(toy, model, tta):
    table = ImageTable.read(toy).take(np.arange(5))
    made = extract(model, table, transform=TRANSFORM, precision="fp32", tta=tta)
    images = np.stack([TRANSFORM(path) for path in table.paths])
    with torch.inference_mode():
        outputs = [
            model(torch.from_numpy(np.ascontiguousarray(copy)))
            for copy in copies_of(images, tta, sides=(2, 3))
        ]
    vectors, logits = (np.mean([part(o).numpy() for o in outputs], axis=0) for part in (_vector, _logit))
    np.testing.assert_allclose(made.vectors, vectors, atol=2e-5)
    np.testing.assert_allclose(made.logits["color"], logits, atol=2e-5)
    np.testing.assert_allclose(
        averaged(lambda x: model.embed(torch.from_numpy(x.copy())).detach().numpy(), images, tta),
        vectors,
        atol=2e-5,
    )


def _vector(output):
    return output.embedding


def _logit(output):
    return output.logits["color"]


def test_a_fingerprint_says_what_vectors_are_averaged_over():
    for tta in COUNTS:
        assert (model_of(made_by("abc", tta)), tta_of(made_by("abc", tta))) == ("abc", tta)
    with pytest.raises(ArgumentError, match=r"must be one of none, flip, crops, flip\+crops, found .mirror."):
        tta_of("abc+mirror")


@pytest.fixture(scope="module")
def flipped(indexed, tmp_path_factory):
    """A run whose own images are embedded with mirror images; the session's run is left as it is."""
    import shutil

    run = Run(shutil.copytree(indexed.folder, tmp_path_factory.mktemp("flipped") / "run"))
    embed(run, tta="flip", precision="fp32")
    return run


def test_an_index_embeds_its_queries_as_its_images(flipped):
    build_index(flipped, folder=flipped.folder / "index", split="all")
    predictor = Predictor(flipped.folder)
    assert predictor.index.fingerprint == f"{flipped.fingerprint}+flip"
    path = flipped.table.paths[3]
    plain = extract(flipped, flipped.table.take([3]), tta="none", precision="fp32").vectors
    mirrored = flipped.embeddings().vectors[3]
    found = predictor.embed([path])[0]
    np.testing.assert_allclose(found, mirrored, atol=1e-3)
    assert not np.allclose(found, plain, atol=1e-3)
    assert predictor.predict([path])[0].neighbors[0].similarity == pytest.approx(1, abs=1e-4)


def test_additions_are_made_as_the_index_was(flipped, tmp_path):
    import shutil

    index = tmp_path / "index"
    build_index(flipped, folder=index, split="val")
    new = flipped.table.in_split("train").paths[0]
    (tmp_path / "new").mkdir()
    shutil.copy(new, tmp_path / "new" / f"copy{new.suffix}")
    values = {name: str(flipped.table.column(name)[0]) for name in flipped.space.names}
    gallery = Gallery(flipped, index)
    assert gallery.add(tmp_path / "new", values, precision="fp32").added == 1
    row = flipped.table.frame.index[flipped.table.frame["split"] == "train"][0]
    from metric_face.search import EmbeddingIndex

    added = EmbeddingIndex.load(index)
    nearest = added.search(flipped.embeddings().vectors[[row]], 1, fingerprint=f"{flipped.fingerprint}+flip")
    assert nearest.similarities[0, 0] == pytest.approx(1, abs=1e-5)


def test_vectors_over_different_copies_do_not_mix(flipped, indexed):
    own = flipped.embeddings()
    plain = replace(own, fingerprint=flipped.fingerprint)
    with pytest.raises(ModelMismatchError, match=r"--vectors: made by model .*, the run holds .*\+flip"):
        build_index(flipped, vectors=plain)
    index = build_index(flipped)
    with pytest.raises(ModelMismatchError, match="must come from the model of the index"):
        index.search(plain, 1)


def test_shards_over_different_copies_do_not_join(flipped, tmp_path):
    folder = tmp_path / "vectors"
    embed(flipped, folder=folder, shard="1/2", tta="flip")
    embed(flipped, folder=folder, shard="2/2", tta="none")
    with pytest.raises(DataError, match="other settings"):
        merge_shards(flipped, folder=folder)
    embed(flipped, folder=folder, shard="2/2", tta="flip")
    merge_shards(flipped, folder=folder)
    assert tta_of(Embeddings.load(folder).fingerprint) == "flip"


def test_no_such_augmentation_is_refused_before_any_work(flipped):
    with pytest.raises(ArgumentError, match=r"tta \(--tta\): must be one of .*, found .tenfold."):
        embed(flipped, tta="tenfold")
