"""An index that lives: what is added one line at a time equals what is built at once, on disk too, killed or not."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metric_face import EmbeddingIndex, Embeddings, ImageTable
from metric_face.data import LabelSpace, targets_of
from metric_face.errors import ArgumentError, DataError, FileFormatError, OutputError
from metric_face.search import CODE

ROOT = Path("/photos")
FRAME = pd.DataFrame(
    {
        "path": [f"{number}.jpg" for number in range(8)],
        "identity": ["Anna", "Anna", "Bo", "Bo", "Čeněk", "Čeněk", "Dö", "Dö"],
        "gender": ["female", "female", "male", "male"] * 2,
        "age": ["20", "25", "40", "45", "70", "75", "31", "30"],
    }
)


def embeddings_of(frame: pd.DataFrame, root: Path = ROOT) -> Embeddings:
    vectors = np.stack([np.random.default_rng(len(str(name))).normal(size=6) for name in frame["path"]])
    vectors += np.random.default_rng(len(frame)).normal(size=vectors.shape)
    return Embeddings(vectors.astype(np.float32), ImageTable(frame.reset_index(drop=True), root), "abc")


def coded(held: Embeddings, space: LabelSpace | None) -> EmbeddingIndex:
    """An index as the command builds it: the columns of the table, and the codes of each target."""
    targets = targets_of(held.table, space)
    columns = {str(name): held.table.frame[name].to_numpy() for name in held.table.frame.columns}
    columns |= {f"{CODE}{name}": codes for name, (codes, _) in targets.items()}
    metadata = {
        "root": str(held.table.root),
        "attributes": None if space is None else space.to_dict(),
        "targets": {name: {"classes": list(names)} for name, (_, names) in targets.items()},
    }
    return EmbeddingIndex.build(held.vectors, columns, kind="flat", fingerprint="abc", metadata=metadata)


def space_of(frame: pd.DataFrame = FRAME) -> LabelSpace:
    return LabelSpace.of(ImageTable(frame, ROOT), ["gender", "age"], {"age": [30, 60]})


def names_in(index: EmbeddingIndex, target: str) -> list[str]:
    classes = index.metadata["targets"][target]["classes"]
    return [classes[code] for code in index.columns[CODE + target].tolist()]


def test_added_embeddings_get_the_codes_that_a_whole_build_gives_them() -> None:
    whole = coded(embeddings_of(FRAME), space_of())
    grown = coded(embeddings_of(FRAME[:5]), space_of()).add(embeddings_of(FRAME[5:]))
    assert list(grown.columns) == list(whole.columns)
    for name in whole.columns:
        np.testing.assert_array_equal(grown.columns[name], whole.columns[name])
    assert grown.metadata == whole.metadata
    assert grown.ids.tolist() == list(range(8))


def test_a_new_class_gets_the_next_code_in_its_target_and_in_the_joint_class() -> None:
    index = coded(embeddings_of(FRAME), space_of())
    before = {target: names_in(index, target) for target in ("gender", "age", "joint")}
    new = pd.DataFrame({"path": ["n.jpg"], "identity": ["Eva"], "gender": ["divers"], "age": ["99"]})
    index.add(embeddings_of(new))
    for target, last in {"gender": "divers", "age": ">=60", "joint": "divers / >=60"}.items():
        assert names_in(index, target) == [*before[target], last]
    assert index.metadata["targets"]["gender"]["classes"] == ["male", "female", "divers"]
    assert index.metadata["targets"]["age"]["classes"] == ["<30", "30-59", ">=60"]


def test_identities_are_taken_up_where_they_are_what_is_answered() -> None:
    index = coded(embeddings_of(FRAME[:4]), None).add(embeddings_of(FRAME[4:]))
    assert names_in(index, "identity") == FRAME["identity"].tolist()
    assert index.metadata["targets"]["identity"]["classes"] == ["Anna", "Bo", "Čeněk", "Dö"]


def test_columns_that_one_side_lacks_are_missing_there() -> None:
    index = coded(embeddings_of(FRAME.assign(split="train")), space_of())
    index.add(embeddings_of(FRAME[:2].assign(camera="left")))
    assert index.columns["split"].tolist() == ["train"] * 8 + [None] * 2
    assert index.columns["camera"].tolist() == [None] * 8 + ["left"] * 2


def test_numbers_become_text_where_the_index_holds_text() -> None:
    index = coded(embeddings_of(FRAME), space_of())
    index.add(embeddings_of(FRAME[:2].assign(age=[20, 61], identity=[7.0, 8.0])))
    assert index.columns["age"].tolist()[-2:] == ["20", "61"]
    assert index.columns["identity"].tolist()[-2:] == ["7", "8"]
    assert names_in(index, "age")[-2:] == ["<30", ">=60"]


def test_paths_of_another_root_are_kept_whole_and_those_below_the_root_relative() -> None:
    index = coded(embeddings_of(FRAME[:1]), space_of())
    index.add(embeddings_of(FRAME[1:2], ROOT / "new"))
    index.add(embeddings_of(FRAME[2:3], Path("/elsewhere")))
    index.add(embeddings_of(FRAME[3:4].assign(path="/abs/3.jpg")))
    assert index.columns["path"].tolist() == ["0.jpg", "new/1.jpg", "/elsewhere/2.jpg", "/abs/3.jpg"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            FRAME.drop(columns="gender"),
            "embeddings must have the column 'gender', which the index answers for",
        ),
        (FRAME.assign(gender=[*["male"] * 7, None]), "row 7: 'gender' must not be empty"),
        (FRAME.assign(age="old"), "row 0: 'age' must be a number to be binned; found 'old'"),
        (FRAME.assign(seen=True), "column 'seen' holds bool and one side lacks it"),
    ],
)
def test_a_table_that_does_not_fit_adds_nothing(frame: pd.DataFrame, message: str) -> None:
    index = coded(embeddings_of(FRAME), space_of())
    metadata = dict(index.metadata)
    with pytest.raises((ArgumentError, DataError), match=message):
        index.add(embeddings_of(frame))
    assert (len(index), index._store.faiss.ntotal, index.metadata) == (8, 8, metadata)
    assert "seen" not in index.columns


def test_an_index_that_does_not_name_its_attributes_is_built_again() -> None:
    index = coded(embeddings_of(FRAME), space_of())
    del index.metadata["attributes"]
    with pytest.raises(ArgumentError, match="does not say how its classes are named; build it again"):
        index.add(embeddings_of(FRAME))


def test_remove_by_what_columns_hold() -> None:
    index = coded(embeddings_of(FRAME), space_of())
    index.remove(where={"identity": "Anna"})
    assert index.columns["path"].tolist() == [f"{number}.jpg" for number in range(2, 8)]
    index.remove(where={"path": ["2.jpg", "7.jpg", "not there.jpg"]}).remove([3])
    assert index.ids.tolist() == [4, 5, 6]
    index.remove(where={"gender": "male", "identity": ["Dö", "Čeněk"]})
    assert index.ids.tolist() == [4, 5]
    assert index.search(np.eye(6)[:1], 5).ids[0, 2:].tolist() == [-1, -1, -1]


def test_where_reads_text_as_the_column_holds_it() -> None:
    columns = {
        "number": [1, 2, 3],
        "half": [0.5, np.nan, 1.0],
        "yes": [True, False, True],
        "text": ["1", None, "x"],
    }

    def left(**where: object) -> list[int]:
        return EmbeddingIndex.build(np.eye(3), columns).remove(where=where).ids.tolist()

    assert left(number="2") == [0, 2]
    assert left(number=np.array([1, 2])) == [2]
    assert left(half="0.5") == [1, 2]
    assert left(half=None) == [0, 2]
    assert left(yes="false") == [0, 2]
    assert left(text=1) == [1, 2]
    assert left(text=[None, "x"]) == [0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either ids or where, found neither"),
        ({"ids": [0], "where": {"path": "0.jpg"}}, "give either ids or where, found both"),
        ({"where": {}}, "where must name a column and a value"),
        ({"where": "path=0.jpg"}, "where must name a column and a value"),
        ({"where": {"name": "x"}}, r"where: column must be one of \['age', .*\], found 'name'"),
        (
            {"where": {"identity": "Nobody"}},
            "where={'identity': 'Nobody'} must name vectors of the index, found none",
        ),
        ({"where": {"code/gender": "male"}}, "where: column 'code/gender' holds a number, found 'male'"),
    ],
)
def test_errors_of_remove(arguments: dict, message: str) -> None:
    index = coded(embeddings_of(FRAME), space_of())
    with pytest.raises(ArgumentError, match=message):
        index.remove(**arguments)
    assert len(index) == 8


def test_relabel_changes_the_values_and_the_codes_that_follow() -> None:
    index = coded(embeddings_of(FRAME), space_of())
    index.relabel({"gender": "divers", "age": 61}, where={"identity": "Anna"})
    assert names_in(index, "joint") == ["divers / >=60"] * 2 + [
        "male / 30-59", "male / 30-59", "female / >=60", "female / >=60", "male / 30-59", "male / 30-59"
    ]  # fmt: skip
    assert index.columns["age"].tolist()[:3] == ["61", "61", "40"]
    index.relabel({"identity": "Anne"}, [0])
    assert index.columns["identity"].tolist()[:2] == ["Anne", "Anna"]
    for values, message in (
        (
            {"name": "x"},
            r"values: column must be one of \['age', 'gender', 'identity', 'path'\], found 'name'",
        ),
        ({"code/gender": 1}, "found 'code/gender'"),
        ({"age": "old"}, "'age' must be a number to be binned; found 'old'"),
        ({"gender": None}, "'gender' must not be empty"),
    ):
        before = {name: index.columns[name].tolist() for name in index.columns}
        with pytest.raises((ArgumentError, DataError), match=message):
            index.relabel(values, [0])
        assert {name: index.columns[name].tolist() for name in index.columns} == before


def test_a_folder_is_changed_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = coded(embeddings_of(FRAME[:5]), space_of()).save(tmp_path / "index")
    with EmbeddingIndex.changing(folder) as index:
        index.add(embeddings_of(FRAME[5:])).remove([0])
    assert EmbeddingIndex.load(folder).ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(RuntimeError), EmbeddingIndex.changing(folder) as index:  # noqa: PT012
        index.remove([1])
        raise RuntimeError
    assert len(EmbeddingIndex.load(folder)) == 7
    assert [file.name for file in tmp_path.iterdir()] == ["index"]


def test_what_is_no_index_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    for folder in (tmp_path / "mine", tmp_path / "nothing"):
        with pytest.raises((FileFormatError, OutputError)), EmbeddingIndex.changing(folder):
            pass
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "mine"]


ADDER = """
    import sys, time
    import numpy as np
    from metric_face import EmbeddingIndex
    folder, first, rounds, pause = sys.argv[1], *map(int, sys.argv[2:])
    for number in range(first, first + rounds):
        with EmbeddingIndex.changing(folder) as index:
            index.add(np.random.default_rng(number).normal(size=(1, 4)), {"number": [number]}, ids=[number])
            print("added", flush=True)
            time.sleep(pause)
"""


def adder(folder: Path, first: int, rounds: int, pause: int = 0) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", textwrap.dedent(ADDER), str(folder), str(first), str(rounds), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_two_processes_that_add_at_once_both_add(tmp_path: Path) -> None:
    folder = EmbeddingIndex.build(np.eye(4), {"number": [0, 1, 2, 3]}).save(tmp_path / "größe index")
    both = [adder(folder, 100, 8), adder(folder, 200, 8)]
    for one in both:
        one.communicate(timeout=120)
    assert [one.returncode for one in both] == [0, 0]
    index = EmbeddingIndex.load(folder)
    assert sorted(index.ids.tolist()) == [*range(4), *range(100, 108), *range(200, 208)]
    np.testing.assert_array_equal(index.ids, index.columns["number"])
    assert [file.name for file in tmp_path.iterdir()] == [folder.name]


@pytest.mark.slow
def test_a_killed_adder_leaves_the_old_index_and_the_next_one_adds(tmp_path: Path) -> None:
    folder = EmbeddingIndex.build(np.eye(4), {"number": [0, 1, 2, 3]}).save(tmp_path / "index")
    killed = adder(folder, 100, 1, pause=60)
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"added\n"
    killed.kill()
    killed.wait(60)
    killed.stdout.close()
    assert EmbeddingIndex.load(folder).ids.tolist() == [0, 1, 2, 3]
    began = time.monotonic()
    with EmbeddingIndex.changing(folder) as index:
        index.remove([0])
    assert time.monotonic() - began < 30  # the lock ended with its process
    assert EmbeddingIndex.load(folder).ids.tolist() == [1, 2, 3]
    assert [file.name for file in tmp_path.iterdir()] == ["index"]
