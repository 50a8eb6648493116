"""index --vectors: what a run's model made of other images is searched in place of the run's own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.embedding import embed
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import ModelMismatchError
from metric_face.inference.index_building import build_index
from metric_face.run import Run
from metric_face.search import EmbeddingIndex


@pytest.fixture
def others(indexed: Run, tmp_path: Path) -> Path:
    """The vectors of 40 of the run's images, as a table of Parquet files names them."""
    home = shutil.copytree(indexed.data_root / "images", tmp_path / "t" / "images").parent
    frame = indexed.table.frame.drop(columns="split").iloc[:40]
    frame.iloc[:25].to_parquet(home / "0.parquet", index=False)
    frame.iloc[25:].to_parquet(home / "1.parquet", index=False)
    return embed(indexed, home, folder=tmp_path / "others", precision="fp32").folder


@pytest.mark.parametrize("shards", [1, 3])
def test_the_command_indexes_them_and_the_run_s_images_choose_how_they_vote(
    indexed: Run, others: Path, tmp_path: Path, shards: int
) -> None:
    words = [
        "index",
        indexed.folder,
        "--vectors",
        others,
        "--out",
        tmp_path / "i",
        "--shards",
        shards,
        "--json",
    ]
    done = CliRunner().invoke(app, [*map(str, words), "--mmap"])
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert (facts["vectors"], facts["split"]) == (40, "all")
    assert facts["targets"] == build_index(indexed).metadata["targets"]  # chosen on train and val of the run
    index = EmbeddingIndex.load(tmp_path / "i")
    vectors = Embeddings.load(others).vectors
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = (-(units @ units.T)).argsort(axis=1, kind="stable")[:, :1]
    np.testing.assert_array_equal(index.search(vectors, k=1).ids, expected)


def test_vectors_of_another_model_are_refused(indexed: Run, others: Path) -> None:
    made = Embeddings.load(others)
    other = type(made)(made.vectors, made.table, "0" * 16)
    with pytest.raises(ModelMismatchError, match="--vectors: made by model 0000000000000000, the run holds"):
        build_index(indexed, vectors=other)


def test_images_without_labels_are_searched_and_vote_for_nothing(indexed: Run, others: Path) -> None:
    made = Embeddings.load(others)
    bare = type(made)(made.vectors, made.table.without("color"), made.fingerprint)
    index = build_index(indexed, vectors=bare)
    assert len(index) == 40
    assert index.metadata["targets"] == {}
    assert any(note.startswith("these vectors vote for no class: ") for note in index.metadata["notes"])
