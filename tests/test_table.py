"""Tables are read from every form that identities have, with every trap of the competition's folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

from metric_face.data.attribute import Attribute
from metric_face.data.labels import LabelSpace
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, DataError, MetricFaceError


def picture(path: Path, size: tuple[int, int] = (12, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (120, 80, 60)).save(path)


@pytest.fixture
def competition(tmp_path: Path) -> Path:
    """Three folders with every trap: mixed extensions, litter, a suffixed id, one id twice."""
    identities = [
        ("000001", "female", "Asian", 45),
        ("001498-1", "male", "Asian", 23),
        ("003397", "female", "Asian", 20),
        ("003397", "female", "Asian", 19),
    ]
    rows = []
    for number, (identity, gender, race, age) in enumerate(identities):
        folder = f"{identity}_{gender}_{race}_{age}"
        rows.append({"id": identity, "gender": gender, "race": race, "age": age, "path": folder})
        for stem in ("incorrect_mask", "mask1", "mask2", "mask3", "mask4", "mask5", "normal"):
            suffix = ".jpeg" if number == 0 and stem == "mask3" else (".png" if number == 1 else ".jpg")
            picture(tmp_path / "train" / "images" / folder / f"{stem}{suffix}")
        (tmp_path / "train" / "images" / folder / f"._normal{suffix}").write_bytes(b"litter")
    pd.DataFrame(rows).to_csv(tmp_path / "train" / "train.csv", index=False)
    picture(tmp_path / "eval" / "images" / ("ab" * 20 + ".jpg"))
    pd.DataFrame({"ImageID": ["ab" * 20 + ".jpg"], "ans": [0]}).to_csv(
        tmp_path / "eval" / "info.csv", index=False
    )
    return tmp_path


def test_the_competition_with_its_traps(competition: Path) -> None:
    table = ImageTable.read(competition)
    assert len(table) == 28
    assert table.frame["identity"].nunique() == 4  # the identity is the folder: one id stands twice
    assert set(table.frame["id"]) == {"000001", "001498-1", "003397"}  # text, with its zeros
    assert not table.frame["path"].str.contains(r"/\._").any()
    assert table.frame.groupby("identity")["mask"].value_counts().unstack()["wear"].eq(5).all()
    assert all(path.is_file() for path in table.paths)


def test_the_joint_class_is_the_competition_s(competition: Path) -> None:
    table = ImageTable.read(competition)
    space = LabelSpace.of(table)
    assert space.num_classes == 18
    codes = space.encode(table)
    expected = codes["mask"] * 6 + codes["gender"] * 3 + codes["age"]
    assert (space.joint(codes) == expected).all()
    first = table.frame.index[
        (table.frame["identity"] == "000001_female_Asian_45") & (table.frame["mask"] == "wear")
    ]
    assert (space.joint(codes)[first] == 4).all()  # worn, female, 30-59
    back = space.split_joint(space.joint(codes))
    assert all((back[name] == codes[name]).all() for name in codes)


def test_the_evaluation_folder_has_no_labels(competition: Path) -> None:
    table = ImageTable.read(competition / "eval")
    assert table.attributes == ()
    assert table.paths[0].is_file()


def test_age_bins_meet_at_their_cuts() -> None:
    age = Attribute.binned("age", [30, 60])
    assert age.classes == ("<30", "30-59", ">=60")
    assert age.encode([29, 30, 59, 60, 18]).tolist() == [0, 1, 1, 2, 0]


def test_a_csv_is_read_as_text(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    pd.DataFrame({"path": ["a.png"], "identity": ["007"], "age": [41.0]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    table = ImageTable.read(tmp_path / "t.csv")
    assert table.frame["identity"].tolist() == ["007"]
    assert table.frame["age"].tolist() == [
        "41.0"
    ]  # text stays text; numbers are made where bins ask for them
    assert LabelSpace.of(table, ["age"], {"age": [41]}).encode(table)["age"].tolist() == [1]


def test_parquet_reads_back_as_saved(competition: Path, tmp_path: Path) -> None:
    table = ImageTable.read(competition)
    table.save(tmp_path / "images.parquet")
    again = ImageTable.read(tmp_path / "images.parquet", root=table.root)
    pd.testing.assert_frame_equal(again.frame, table.frame)


def test_class_folders(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "cat/2.PNG", "dog/1.jpg", "dog/.hidden.jpg"):
        picture(tmp_path / name)
    table = ImageTable.read(tmp_path)
    assert sorted(table.frame["label"]) == ["cat", "cat", "dog"]
    assert LabelSpace.of(table).joint_names == ("cat", "dog")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/nothing-here.png", "a/../../secret.png"])
def test_a_path_never_leaves_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    root.mkdir()
    picture(tmp_path / "secret.png")
    pd.DataFrame({"path": [name]}).to_csv(root / "t.csv", index=False)
    with pytest.raises(DataError, match="path"):
        ImageTable.read(root / "t.csv")


def test_an_absolute_path_that_exists_is_taken(tmp_path: Path) -> None:
    picture(tmp_path / "elsewhere" / "a.png")
    pd.DataFrame({"path": [str(tmp_path / "elsewhere" / "a.png")]}).to_csv(tmp_path / "t.csv", index=False)
    assert ImageTable.read(tmp_path / "t.csv").paths[0].is_file()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path\n", "table: needs at least one image; found 0 rows"),
        ("file\na.png\n", "table: needs a column 'path'; its columns are file"),
        ("path,identity\na.png,\n", r"row 0 \(a.png\): 'identity' must not be empty"),
        ("", "cannot be read as a table"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(MetricFaceError, match=message) as caught:
        ImageTable.read(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read as a table"):
        ImageTable.read(tmp_path / "t.parquet")


def test_labels_that_are_wrong_name_their_row(tmp_path: Path) -> None:
    for name in "abc":
        picture(tmp_path / f"{name}.png")
    frame = pd.DataFrame(
        {"path": ["a.png", "b.png", "c.png"], "gender": ["male", "female", None], "age": ["5", "x", "7"]}
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = ImageTable.read(tmp_path / "t.csv")
    with pytest.raises(DataError, match="row 2: 'gender' must not be empty"):
        LabelSpace.of(table, ["gender"]).encode(table)
    with pytest.raises(DataError, match="row 1: 'age' must be a number to be binned; found 'x'"):
        LabelSpace.of(table, ["age"], {"age": [6]}).encode(table)
    with pytest.raises(DataError, match="row 1: 'gender' must be one of male; found 'female'"):
        Attribute("gender", ("male",)).encode(["male", "female"])
    with pytest.raises(ArgumentError, match="attributes: name the columns to predict"):
        LabelSpace.of(table)
    with pytest.raises(ArgumentError, match="must be one or more ascending numbers"):
        LabelSpace.of(table, ["age"], {"age": [60, 30]})


def test_the_label_space_reads_back_from_plain_data(competition: Path) -> None:
    space = LabelSpace.of(ImageTable.read(competition))
    assert LabelSpace.from_dict(space.to_dict()) == space


@pytest.mark.parametrize("heads", ["attributes", "joint"])
def test_heads_say_the_same_classes_whichever_they_are(heads: str) -> None:
    """Of independent attributes a joint head and heads of each attribute say the same, in classes and probabilities."""
    space = LabelSpace((Attribute("color", ("r", "g", "b")), Attribute("shape", ("o", "x"))))
    rng = np.random.default_rng(0)
    color, shape = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    logits = {"color": color, "shape": shape}
    if heads == "joint":
        logits = {"joint": (color[:, :, None] + shape[:, None, :]).reshape(40, 6)}
    classes = space.head_classes(logits)
    assert classes["color"].tolist() == color.argmax(axis=1).tolist()
    assert classes["shape"].tolist() == shape.argmax(axis=1).tolist()
    assert classes["joint"].tolist() == (2 * color.argmax(axis=1) + shape.argmax(axis=1)).tolist()
    likely = space.head_probabilities(logits)
    np.testing.assert_allclose(likely["color"], softmax(color, axis=1))
    np.testing.assert_allclose(likely["shape"], softmax(shape, axis=1))
    joint = space.joint_probabilities(logits)
    assert joint.argmax(axis=1).tolist() == classes["joint"].tolist()
    np.testing.assert_allclose(joint.reshape(40, 3, 2).sum(axis=2), likely["color"])


def test_heads_that_lack_an_attribute_are_refused() -> None:
    space = LabelSpace((Attribute("color", ("r", "g")), Attribute("shape", ("o", "x"))))
    assert not space.has_heads({"color": np.eye(2)})
    with pytest.raises(ArgumentError, match="logits of color, shape or of joint, found color; use a run"):
        space.head_classes({"color": np.eye(2)})


def test_an_attribute_called_joint_is_an_attribute() -> None:
    space = LabelSpace((Attribute("joint", ("a", "b", "c")),))
    assert space.target_names == ("joint",)
    assert space.head_classes({"joint": np.eye(3)})["joint"].tolist() == [0, 1, 2]
