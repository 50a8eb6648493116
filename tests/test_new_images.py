"""New images on the map of a run: the map stays, they lie beside their nearest, and they are told apart."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from metric_face import visualize
from metric_face.cli.app import app
from metric_face.errors import ArgumentError, ModelMismatchError
from metric_face.visualization.map_figures import map_figure
from metric_face.visualization.new_images import open_new

pytestmark = pytest.mark.slow
TYPES = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "f32": np.float32}


def block_of(page):
    return json.loads(re.search(r'id="mf-data">(.*?)</script>', page.read_text("utf-8"), re.S)[1])


def values_of(column):
    return np.frombuffer(base64.b64decode(column["data"]["data"]), TYPES[column["data"]["type"]])


@pytest.fixture(scope="module")
def new(indexed):
    """Ten images of the training split, one without a label, one of an unknown class, and one unlike all."""
    held = indexed.embeddings("train").take(np.arange(10))
    frame = held.table.frame.copy()
    frame["color"] = frame["color"].astype(object)
    frame.loc[0, "color"], frame.loc[1, "color"] = None, "violet"
    vectors = held.vectors.copy()
    vectors[9] = -indexed.embeddings("val").vectors.mean(axis=0)
    return replace(held, vectors=vectors, table=replace(held.table, frame=frame))


@pytest.fixture(scope="module")
def drawn(indexed, new, tmp_path_factory):
    home = tmp_path_factory.mktemp("onto")
    new.save(home / "new")
    return visualize(home / "new", onto=indexed, folder=home, thumbnails=False, projector=home / "tb")


def test_the_map_stays_and_new_images_are_where_transform_puts_them(drawn, indexed, new, tmp_path):
    alone = visualize(indexed, folder=tmp_path, thumbnails=False).projection
    count = alone.n
    assert (drawn.projection.n, drawn.projection.new, drawn.page.name) == (count + 10, 10, "map-new.html")
    assert np.array_equal(drawn.projection.coords[:count], alone.coords)
    assert np.array_equal(drawn.projection.coords[count:], alone.transform(new.vectors))
    assert np.array_equal(drawn.projection.transform(new.vectors), alone.transform(new.vectors))


def test_what_is_far_from_all_of_the_map_is_said(drawn, indexed, new):
    held = indexed.embeddings("val")
    base, asked = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (held.vectors, new.vectors))
    others = held.table.identities[:, None] != held.table.identities[None]
    least = np.quantile(np.where(others, base @ base.T, -2).max(axis=1), 0.01)
    nearest = (asked @ base.T).max(axis=1)
    clear = np.abs(nearest - least) > 1e-5
    assert clear.sum() >= 8
    assert np.array_equal(drawn.new.far[clear], (nearest < least)[clear])
    assert drawn.new.far[9]


def test_the_page_tells_new_images_apart_with_the_labels_they_have(drawn, indexed, new):
    block, count = block_of(drawn.page), len(indexed.embeddings("val"))
    assert (block["firstNew"], block["n"], block["panels"]) == (count, count + 10, -1)
    columns = {column["name"]: column for column in block["columns"]}
    who = values_of(columns["new images"])
    assert not who[:count].any()
    assert np.array_equal(who[count:], 1 + drawn.new.far)
    color = columns["color"]
    codes = values_of(color)[count:].tolist()
    assert codes[:2] == [255, 255]  # not labeled, and not known to the model
    names = [color["classes"][code] for code in codes[2:]]
    assert names == new.table.frame["color"].tolist()[2:]
    near = values_of({"data": block["near"]}).reshape(count + 10, -1)
    cosine = new.vectors @ indexed.embeddings("val").vectors.T
    cosine /= np.linalg.norm(indexed.embeddings("val").vectors, axis=1)
    assert near[count:, 0].tolist() == cosine.argmax(axis=1).tolist()
    text = drawn.page.read_text("utf-8")
    assert "new, ringed <b>10</b>" in text
    head, *rows = (drawn.page.parent / "tb" / "metadata.tsv").read_text("utf-8").splitlines()
    assert len(rows) == count + 10
    assert head.split("\t")[-1] == "new images"
    assert rows[-1].split("\t")[-1] == "new, far from all"


def test_numbers_under_the_map_are_of_the_map_alone(drawn, indexed, tmp_path):
    alone = visualize(indexed, folder=tmp_path, thumbnails=False)
    table = re.compile(r"<table>.*?</table>", re.S)
    assert table.findall(drawn.page.read_text("utf-8")) == table.findall(alone.page.read_text("utf-8"))
    assert block_of(drawn.page)["matrices"] == block_of(alone.page)["matrices"]


def test_the_picture_rings_each_new_image(drawn):
    from metric_face.pages import MapView

    axis = map_figure(drawn.projection, MapView(None)).axes[0]
    [rings] = [one for one in axis.collections if one.get_gid() == "new"]
    np.testing.assert_allclose(rings.get_offsets(), drawn.projection.coords[-10:], rtol=1e-6)
    assert len(rings.get_facecolors()) == 0
    alone = map_figure(replace(drawn.projection, coords=drawn.projection.coords[:-10], new=0), MapView(None))
    assert all(one.get_gid() != "new" for one in alone.axes[0].collections)


@pytest.mark.parametrize("way", ["new", "purity:color", "density"])
def test_the_command_places_them_in_two_and_three_dimensions(drawn, indexed, tmp_path, way):
    places = [str(drawn.page.parent / "new"), "--onto", str(indexed.folder), "--out", str(tmp_path)]
    words = ["visualize", *places, "--no-thumbnails", "--json", "--color-by", way, "--dimensions", "3"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["page"] == str(tmp_path / "map3d-new.html")
    assert told["new"] == {"images": 10, "far": int(drawn.new.far.sum())}
    assert block_of(tmp_path / "map3d-new.html")["z"]


def test_vectors_of_another_model_are_refused_and_so_are_the_images_of_the_map(indexed, new):
    held = indexed.embeddings()
    other = replace(new, fingerprint="0123456789abcdef")
    with pytest.raises(
        ModelMismatchError, match=r"made by model 0123456789abcdef, the map of .* share no map"
    ):
        visualize(other, onto=indexed)
    with pytest.raises(ModelMismatchError, match="made by model unknown"):
        open_new(replace(new, fingerprint=""), indexed, held.fingerprint)
    for same in (indexed, indexed.folder, indexed.folder / "embeddings"):
        with pytest.raises(
            ArgumentError, match=r"onto: the images of .* are on its map already; embed others"
        ):
            visualize(same, onto=indexed)
    with pytest.raises(ArgumentError, match="run: Embeddings need onto=RUN"):
        visualize(held)
