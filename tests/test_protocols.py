"""evaluate by a protocol: queries and gallery by columns or folders, files of pairs, and the command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from metric_face.cli.app import app
from metric_face.data import ImageTable
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError, DataError, FileFormatError, ModelMismatchError
from metric_face.evaluation import evaluate_pairs, evaluate_queries, read_pairs
from metric_face.evaluation.pairs import drawn_pairs, every_pair
from metric_face.metrics import gallery_metrics, verification_metrics
from metric_face.run import Run


def sample(seed: int = 0, identities: int = 30, each: int = 4, **columns: object) -> Embeddings:
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(identities), each)
    vectors = generator.normal(size=(identities, 8))[who] + generator.normal(size=(len(who), 8))
    frame = pd.DataFrame(
        {
            "path": [f"Kim_Ä{one}/Kim_Ä{one}_{number % each + 1:04d}.jpg" for number, one in enumerate(who)],
            "identity": [f"Kim_Ä{one}" for one in who],
            "camera": [f"c{number % 3}" for number in range(len(who))],
            "role": ["query" if number % each == 0 else "gallery" for number in range(len(who))],
            **columns,
        }
    )
    return Embeddings(vectors.astype(np.float32), ImageTable(frame, Path("/nowhere")))


def test_queries_and_gallery_by_their_columns_are_those_of_the_arrays() -> None:
    whole = sample()
    asks = (whole.table.frame["role"] == "query").to_numpy()
    names, cameras = whole.table.identities, whole.table.frame["camera"].to_numpy()
    assert names is not None
    direct = gallery_metrics(
        whole.vectors[asks],
        names[asks],
        whole.vectors[~asks],
        names[~asks],
        query_cameras=cameras[asks],
        gallery_cameras=cameras[~asks],
    )
    found = evaluate_queries(whole, query={"role": "query"}, camera="camera")
    assert found.scores == direct.scores
    assert found.macro_f1 == direct.macro_f1
    assert (found.queries, found.gallery, found.left_out) == (direct.queries, 90, ("camera",))
    both = evaluate_queries(whole, query={"role": "query"}, gallery={"role": ["gallery"]}, camera="camera")
    assert both == found
    apart = evaluate_queries(whole.take(~asks), query_source=whole.take(asks), camera="camera")
    assert apart == found
    drawn = evaluate_queries(whole, query={"role": "query"}, max_queries=7)
    assert (drawn.queries, drawn.drawn_from) == (7, 30)


def test_each_image_asks_the_others_and_what_has_no_identity_is_left_out() -> None:
    whole = sample(who=["", None, *["x", "y"] * 59])
    assert evaluate_queries(whole).scores == gallery_metrics(whole.vectors, whole.table.identities).scores  # type: ignore[arg-type]
    found = evaluate_queries(whole, identity="who")
    assert (found.gallery, found.identities) == (118, 2)
    assert found.notes == ("left out: 2 images without a value of who",)


def test_a_query_that_is_in_the_gallery_too_is_named() -> None:
    whole = sample()
    found = evaluate_queries(whole, query_source=whole.take(np.arange(5)))
    assert found.notes == ("5 queries find their own file in the gallery",)
    assert found.scores["cmc@1"].value == 1


def test_a_split_is_taken_where_there_is_one(indexed: Run) -> None:
    stored = indexed.embeddings()
    assert evaluate_queries(indexed).gallery == len(stored.in_split("val"))
    assert evaluate_queries(indexed.folder, split="all").gallery == len(stored)
    assert evaluate_queries(indexed.folder / "embeddings", split="train").gallery == len(
        stored.in_split("train")
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"query": {"rolle": "query"}}, "query 'rolle': the table has path, identity, camera, role"),
        ({"query": {"role": "probe"}}, "query role=probe: no image has it; there is gallery, query"),
        (
            {"query": {"role": "query", "identity": "Kim_Ä3"}, "gallery": {"role": "query"}},
            "found 30 of which 1 ask",
        ),
        ({"query": {"role": ["query", "gallery"]}}, "found 0 of which 0 ask"),
        ({"camera": "cam"}, "camera 'cam': the table has"),
        ({"identity": "name"}, "identity 'name': the table has"),
        ({"ks": [0]}, "ks must be a whole number of at least 1, found 0"),
        ({"split": "test"}, "split='test': the table has no split"),
        ({"max_queries": 0}, "queries must be at least 1"),
    ],
)
def test_a_wrong_setting_is_one_line(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        evaluate_queries(sample(), **settings)  # type: ignore[arg-type]


def test_two_models_are_not_compared(tmp_path: Path) -> None:
    one, other = sample(), sample()
    made = [Embeddings(each.vectors, each.table, mark) for each, mark in ((one, "a" * 8), (other, "b" * 8))]
    with pytest.raises(
        ModelMismatchError, match="queries were made by model bbbbbbbb, the gallery by aaaaaaaa"
    ):
        evaluate_queries(made[0], query_source=made[1])
    with pytest.raises(FileFormatError, match=r"holds no config\.yaml"):
        evaluate_queries(tmp_path)


def lfw_file(folder: Path, folds: int = 2, each: int = 3) -> Path:
    """As LFW's pairs.txt: each fold of the first identities in turn."""
    lines = [f"{folds}\t{each}"]
    for fold in range(folds):
        for number in range(each):
            lines.append(f"Kim_Ä{fold * each + number}\t1\t{number % 3 + 2}")
        for number in range(each):
            lines.append(f"Kim_Ä{fold * each + number}\t1\tKim_Ä{(fold * each + number + 7) % 30}\t4")
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / "pairs.txt"


def test_the_form_of_lfw_is_read(tmp_path: Path) -> None:
    whole = sample()
    found = read_pairs(lfw_file(tmp_path), whole.table)
    names = whole.table.frame["path"].to_numpy()
    assert (names[found.first[1]], names[found.second[1]]) == (
        "Kim_Ä1/Kim_Ä1_0001.jpg",
        "Kim_Ä1/Kim_Ä1_0003.jpg",
    )
    assert names[found.second[5]] == "Kim_Ä9/Kim_Ä9_0004.jpg"
    assert found.same.tolist() == [True] * 3 + [False] * 3 + [True] * 3 + [False] * 3
    assert found.folds is not None
    assert found.folds.tolist() == [0] * 6 + [1] * 6
    scored = evaluate_pairs(whole, tmp_path / "pairs.txt")
    left, right = whole.vectors[found.first].astype(float), whole.vectors[found.second].astype(float)
    near = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    owners = (found.identities[found.first], found.identities[found.second])
    assert scored.verification == verification_metrics(near, found.same, *owners, folds=found.folds)
    part = whole.take(np.arange(4, 120))
    assert evaluate_pairs(part, tmp_path / "pairs.txt").notes == (
        f"{tmp_path / 'pairs.txt'}: 2 of 12 pairs name an image that is not in the table and are left out",
    )


def test_the_names_in_the_form_of_lfw_are_the_identities_of_a_table_without(tmp_path: Path) -> None:
    whole = sample()
    text = "2\nKim_Ä1\t1\t2\nKim_Ä1\t3\t4\nKim_Ä1\t1\tKim_Ä2\t1\nKim_Ä1\t3\tKim_Ä3\t1\n"
    (tmp_path / "pairs.txt").write_text(text, "utf-8")
    bare = whole.table.without("identity")
    found, known = (read_pairs(tmp_path / "pairs.txt", table) for table in (bare, whole.table))
    assert (found.same.tolist(), found.first.tolist()) == (known.same.tolist(), known.first.tolist())
    rows = np.unique([found.first, found.second])
    joined = set(zip(found.identities[rows].tolist(), known.identities[rows].tolist(), strict=True))
    assert (
        len(joined) == len(np.unique(found.identities[rows])) == len(np.unique(known.identities[rows])) == 3
    )
    assert len(np.unique(found.identities)) == 3 + len(whole) - len(rows)  # all others stand for themselves


def test_another_column_may_hold_the_identities(tmp_path: Path) -> None:
    whole = sample()
    frame = whole.table.frame.rename(columns={"identity": "label"})
    named = Embeddings(whole.vectors, ImageTable(frame, Path("/nowhere")))
    assert evaluate_pairs(named, "all", identity="label") == evaluate_pairs(whole, "all")
    with pytest.raises(
        ArgumentError, match=r"no column 'identity' .* as identity='label' \(--identity label\)"
    ):
        evaluate_pairs(named, "all")
    with pytest.raises(ArgumentError, match="identity 'name': the table has path, label"):
        evaluate_pairs(named, "all", identity="name")
    frame.loc[0, "label"] = None
    some = Embeddings(whole.vectors, ImageTable(frame, Path("/nowhere")))
    found = evaluate_pairs(some, "all", identity="label")
    assert found.verification == evaluate_pairs(whole.take(np.arange(1, 120)), "all").verification
    assert found.notes[0] == "left out: 1 image without a value of label"
    named.save(tmp_path / "E")
    done = CliRunner().invoke(
        app, ["evaluate", str(tmp_path / "E"), "--pairs", "all", "--identity", "label", "--json"]
    )
    assert json.loads(done.stdout)["verification"]["genuine"] == 177


def test_pairs_of_images_that_were_trained_on_are_counted(indexed: Run) -> None:
    trained = indexed.table.rows_in("train")
    every = every_pair(indexed.table)
    found = evaluate_pairs(indexed, "all", split="all")
    seen = int((trained[every.first] | trained[every.second]).sum())
    assert 0 < seen < len(every)
    assert found.notes == (
        f"{seen:,} of {len(every):,} pairs show images that the model was trained on, which it tells apart better than "
        "new ones; split val leaves them out",
    )
    assert evaluate_pairs(indexed.folder, "all", split="all").notes == found.notes
    assert evaluate_pairs(indexed, "all", split="val").notes == ()
    assert (
        evaluate_pairs(indexed.embeddings(), "all", split="all").notes == ()
    )  # of vectors alone it is not known


def test_a_csv_of_pairs_is_read_with_and_without_identities(tmp_path: Path) -> None:
    whole = sample(identities=12)
    paths = whole.table.frame["path"].to_numpy()
    rows = [(4 * who, 4 * who + 1) for who in range(12)] + [
        (4 * who, (4 * who + 5) % 48) for who in range(12)
    ]
    frame = pd.DataFrame({"path1": paths[[a for a, _ in rows]], "path2": paths[[b for _, b in rows]]})
    frame.to_csv(tmp_path / "pairs.csv", index=False)
    found = read_pairs(tmp_path / "pairs.csv", whole.table)
    assert found.same.tolist() == [True] * 12 + [False] * 12
    assert found.folds is not None
    assert len(set(found.folds.tolist())) == 10
    for fold in range(10):  # genuine pairs of one identity are in one fold
        assert not set(found.first[found.folds == fold]) & set(found.first[found.folds != fold])
    assert "has no folds; 10 are made by the identity of the first image" in found.notes[0]
    bare = ImageTable(whole.table.frame[["path"]], Path())
    with pytest.raises(DataError, match="needs a column 'same' of 1 and 0, as the table has no identities"):
        read_pairs(tmp_path / "pairs.csv", bare)
    frame["path2"] = [path.rpartition("/")[2] for path in frame["path2"]]  # a file name will do
    frame.assign(same=[1] * 12 + [0] * 12, fold=["a", "b"] * 12).to_csv(tmp_path / "named.csv", index=False)
    named = read_pairs(tmp_path / "named.csv", bare)
    assert (named.first.tolist(), named.same.tolist()) == (found.first.tolist(), found.same.tolist())
    assert named.identities[0] == named.identities[1] != named.identities[2]
    assert named.folds is not None
    assert named.folds.tolist() == [0, 1] * 12
    frame.assign(same=["yes"] * 24).to_csv(tmp_path / "wrong.csv", index=False)
    assert "of 12 pairs the table's identities say otherwise" in " ".join(
        read_pairs(tmp_path / "wrong.csv", whole.table).notes
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "", "must begin with the number of folds"),
        ("a.txt", "path1,path2\n", "must begin with the number of folds"),
        ("a.txt", "1\t1\nKim_Ä1\t1\t2\n", "must hold 1 x 2 x 1 pairs, as its first line says, found 1 lines"),
        ("a.txt", "1\nKim_Ä1\t1\nKim_Ä1\t1\tKim_Ä2\t1\n", "line 2 must be NAME NUMBER NUMBER, found 'Kim_Ä1"),
        ("a.txt", "1\nKim_Ä1\t1\t2\nKim_Ä1\tx\tKim_Ä2\t1\n", "line 3 must be NAME NUMBER NAME NUMBER"),
        ("a.txt", "1\nLee\t1\t2\nLee\t1\tKim_Ä2\t1\n", "none of its 2 pairs is of two images of the table"),
        ("a.csv", "path1,path3\na,b\n", "needs the columns path1 and path2"),
        ("a.csv", "path1,path2\n", "needs the columns path1 and path2 and a pair in each row, found 0 rows"),
        ("a.csv", "path1,path2,same\na,b,maybe\n", "row 0: same must be 1 or 0, found 'maybe'"),
        ("a.csv", "path1,path2,fold\na,b,1\na,b,\n", "row 1: fold must not be empty"),
        ("a.csv", "path1,path2\n,b\n", "row 0: path1 and path2 must not be empty"),
        ("absent.txt", None, "cannot be read"),
    ],
)
def test_a_wrong_file_of_pairs_is_one_line(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(DataError) as raised:
        evaluate_pairs(sample(), tmp_path / name)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_name_of_several_images_is_refused(tmp_path: Path) -> None:
    table = ImageTable(pd.DataFrame({"path": ["a/1.jpg", "b/1.jpg"], "identity": ["a", "b"]}), Path())
    (tmp_path / "a.csv").write_text("path1,path2\na/1.jpg,1.jpg\n")
    with pytest.raises(DataError, match=r"1\.jpg stands for several images of the table; name their paths"):
        read_pairs(tmp_path / "a.csv", table)


def test_all_pairs_are_all_and_those_drawn_are_distinct() -> None:
    table = sample(identities=9).table
    every = every_pair(table)
    assert set(zip(every.first.tolist(), every.second.tolist(), strict=True)) == {
        (a, b) for a in range(36) for b in range(a + 1, 36)
    }
    assert every.same.sum() == 9 * 6
    some = every_pair(table, most=40)
    assert (some.same.sum(), (~some.same).sum()) == (40, 40)
    assert (
        len({frozenset(pair) for pair in zip(some.first.tolist(), some.second.tolist(), strict=True)}) == 80
    )
    assert some.notes == ("40 of 54 genuine pairs are drawn", "40 of 576 impostor pairs are drawn")


def test_pairs_are_drawn_as_lfw_has_them() -> None:
    table = sample(identities=40).table
    drawn = drawn_pairs(table, each=12)
    assert drawn.folds is not None
    assert len(drawn) == 240
    owners = [
        set(drawn.identities[drawn.first[drawn.folds == fold]])
        | set(drawn.identities[drawn.second[drawn.folds == fold]])
        for fold in range(10)
    ]
    assert sum(len(one) for one in owners) == len(set().union(*owners))  # no identity is in two folds
    assert [int(drawn.same[drawn.folds == fold].sum()) for fold in range(10)] == [12] * 10
    assert (drawn.same == (drawn.identities[drawn.first] == drawn.identities[drawn.second])).all()
    uneven = [f"p{number}" for number in range(40) for _ in range(60 if number < 10 else 2)]
    table = ImageTable(pd.DataFrame({"path": [f"{row}" for row in range(660)], "identity": uneven}), Path())
    found = drawn_pairs(table, each=4)
    large = np.isin(found.first[found.same], np.arange(600))
    assert large.mean() < 0.6  # of all pairs of one identity, they are 99.8 %
    with pytest.raises(ArgumentError, match="take 10 identities with two images or more, found 9"):
        drawn_pairs(sample(identities=9).table)
    with pytest.raises(ArgumentError, match="the table has no column 'identity'"):
        evaluate_pairs(Embeddings(np.eye(3, dtype=np.float32), ImageTable(table.frame[["path"]][:3], Path())))


def test_the_command_prints_a_table_and_json(tmp_path: Path) -> None:
    sample().save(tmp_path / "E")
    lfw_file(tmp_path)
    words = ["evaluate", str(tmp_path / "E")]
    query = ["--query", "role=query", "--camera", "camera", "--ranks", "1,7"]
    shown = CliRunner().invoke(app, [*words, *query])
    assert shown.exit_code == 0, shown.output
    assert "queries against 90 images, 30 identities" in shown.stdout
    assert [name in shown.stdout for name in ("mAP", "mINP", "CMC@7", "macro F1 of identities")] == [True] * 4
    found = json.loads(CliRunner().invoke(app, [*words, *query, "--json"]).stdout)
    expected = evaluate_queries(sample(), query={"role": "query"}, camera="camera", ks=(1, 7))
    assert found["scores"]["cmc@7"]["value"] == pytest.approx(expected.scores["cmc@7"].value)
    pairs = CliRunner().invoke(app, [*words, "--pairs", str(tmp_path / "pairs.txt"), "--json"])
    assert json.loads(pairs.stdout)["verification"]["genuine"] == 6
    every = CliRunner().invoke(app, [*words, "--pairs", "all"])
    assert "180 genuine and 6,960 impostor pairs of 120 images, 30 identities" in every.stdout
    assert "TPR at FAR 0.001: not measured, 6,960 impostor pairs; it takes 10,000." in every.stdout
    drawn = CliRunner().invoke(app, [*words, "--pairs", "drawn", "--metric", "euclidean"])
    assert "accuracy, 10 folds" in drawn.stdout
    both = CliRunner().invoke(app, [*words, "--query", "all", "--query-from", str(tmp_path / "E")])
    assert "120 queries find their own file" in both.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pairs", "all", "--camera", "c"], "--pairs and --camera do not go together"),
        (["--camera", "c"], "--camera needs --query COLUMN=VALUE, --query all or --query-from FOLDER"),
        (["--pairs", "all", "--ranks", "1,7"], "--pairs and --ranks do not go together"),
        (["--ranks", "1,7"], "--ranks needs --query COLUMN=VALUE, --query all or --query-from FOLDER"),
        (["--metric", "euclidean"], "--query all or --query-from FOLDER, or --pairs"),
        (["--query", "role"], "--query role: must be COLUMN=VALUE"),
        (["--query", "all", "--ranks", "1,x"], "--ranks 1,x: must be whole numbers from 1 on"),
    ],
)
def test_wrong_usage_is_refused(words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["evaluate", "no-run", *words])
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
