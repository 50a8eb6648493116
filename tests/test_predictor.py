"""Asking an index about images: the same answer by every way, calibrated, refused where it should be, and explained."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metric_face.classifiers.k_selection import choose_k
from metric_face.classifiers.knn import KNNClassifier
from metric_face.errors import ArgumentError, DataError, FileFormatError, ModelMismatchError
from metric_face.evaluation.evaluating import evaluate
from metric_face.inference.answers import Answer, submission
from metric_face.inference.index_building import build_index
from metric_face.inference.predictor import Predictor
from metric_face.inference.target_votes import ClassVotes, TargetAnswer, TargetVote
from metric_face.metrics.calibration import calibrate
from metric_face.metrics.reject import reject_threshold
from metric_face.plurals import counted
from metric_face.run import Run
from metric_face.search import CODE
from metric_face.search.index import EmbeddingIndex

TARGETS = ("color", "shape", "joint")


@pytest.fixture(scope="module")
def run(indexed: Run) -> Run:
    return indexed


@pytest.fixture(scope="module")
def predictor(run: Run) -> Predictor:
    return Predictor(run.folder)


@pytest.fixture(scope="module")
def images(run: Run) -> list[Path]:
    """The validation images."""
    return run.table.in_split("val").paths


@pytest.fixture(scope="module")
def answers(predictor: Predictor, images: list[Path]) -> list[Answer]:
    return predictor.predict(images)


def _classifier(run: Run, predictor: Predictor, name: str, k: int, votes: str) -> KNNClassifier:
    """The Python way to the same votes: the stored training embeddings behind scikit-learn's interface."""
    classifier = KNNClassifier(k, votes=votes, temperature=predictor.targets[name].temperature)
    return classifier.fit(run.embeddings("train").vectors, predictor.index.columns[CODE + name])


def _shares(classifier: KNNClassifier, vectors: np.ndarray, classes: int) -> np.ndarray:
    """``predict_proba`` with a column for every class, those without an indexed image too."""
    table = np.zeros((len(vectors), classes))
    table[:, classifier.classes_] = classifier.predict_proba(vectors)
    return table


@pytest.mark.parametrize("name", TARGETS)
def test_onnx_says_what_pytorch_and_the_classifier_say(name, run, predictor, images, answers):
    by_torch = Predictor(run.folder, use_torch=True).predict(images)
    vote, vectors = predictor.targets[name], run.embeddings("val").vectors
    classifier = _classifier(run, predictor, name, vote.k, vote.votes)
    expected = [vote.classes[code] for code in classifier.predict(vectors)]
    assert [one.predicted[name] for one in answers] == expected
    assert [one.predicted[name] for one in by_torch] == expected
    assert len(set(expected)) > 1
    shares = _shares(classifier, vectors, len(vote.classes))
    np.testing.assert_allclose(
        [one.targets[name].classes[0].share for one in answers], shares.max(1), atol=1e-3
    )
    told = shares if vote.calibration is None else vote.calibration.apply(shares)
    np.testing.assert_allclose([one.probability[name] for one in answers], told.max(axis=1), atol=1e-3)


def test_neighbors_carry_the_labels_of_their_own_rows(toy, predictor, images, answers):
    import pandas as pd

    known = pd.read_csv(toy / "images.csv", dtype=str).set_index("path")
    for one, path in zip(answers, images, strict=True):
        assert one.path == str(path)
        ranks = [near.similarity for near in one.neighbors]
        assert ranks == sorted(ranks, reverse=True)
        assert not any(near.same_file for near in one.neighbors)
        for near in one.neighbors:
            row = known.loc[near.path]
            assert near.identity == row["identity"]
            assert near.labels["color"] == row["color"]
            assert near.labels["joint"] == f"{row['color']} / {row['shape']}"


@pytest.mark.parametrize("name", TARGETS)
def test_validation_chose_k_and_vote_and_the_calibration_is_stored(name, run, predictor):
    vote, queries = predictor.targets[name], run.embeddings("val")
    ids, similarities = _classifier(run, predictor, name, 72, "uniform").search(queries.vectors)
    true = run.space.labels(queries.table, name)[0]
    best = choose_k(ids, similarities, predictor.index.columns[CODE + name], true).best
    assert (vote.k, vote.votes, vote.val_macro_f1) == (best.k, best.votes, best.macro_f1)
    shares = vote.shares(ids, similarities, predictor.index.columns[CODE + name])
    found = calibrate(shares, true, queries.table.identities)
    assert found.num_identities == 6
    assert vote.calibration == (found if found.error_after < found.error_before else None)
    said = [
        note
        for note in predictor.index.metadata["notes"]
        if note.startswith(f"{name}: probabilities are bare")
    ]
    assert len(said) == (vote.calibration is None)
    assert vote == TargetVote.from_dict(json.loads(json.dumps(vote.to_dict())))


def test_an_index_of_all_images_is_not_tuned_on_its_own_answers(run, predictor, images):
    whole = build_index(run, split="all")
    assert len(whole) == 96
    assert (
        whole.metadata["targets"] == predictor.index.metadata["targets"]
    )  # chosen val against train, as before


def test_another_k_or_vote_is_neither_calibrated_nor_rejected(run, predictor, images):
    vectors = run.embeddings("val").vectors
    for k, votes in ((3, "uniform"), (7, "distance"), (200, "softmax")):
        shares = _shares(_classifier(run, predictor, "joint", k, votes), vectors, 4)
        given = [one.targets["joint"] for one in predictor.predict(images, k=k, votes=votes)]
        np.testing.assert_allclose([one.probability for one in given], shares.max(axis=1), atol=1e-3)
        assert {(one.k, one.votes, one.calibrated, one.rejects) for one in given} == {
            (min(k, 72), votes, False, "")
        }
    vote = predictor.targets["joint"]
    same = predictor.predict(images[:1], k=vote.k, votes=vote.votes)[
        0
    ]  # given, and yet what validation chose
    assert same.targets["joint"].calibrated == (vote.calibration is not None)
    with pytest.raises(ArgumentError, match="k=0: must be at least 1"):
        predictor.predict(images, k=0)


def test_below_the_threshold_the_answer_is_unknown(run, predictor, images, tmp_path):
    build_index(run, reject=0.5).save(tmp_path / "index")
    careful = Predictor(run.folder, tmp_path / "index")
    said = careful.predict(images)
    true = run.space.labels(run.table.in_split("val"), "joint")[0]
    vote = careful.targets["joint"]
    right = [
        one.targets["joint"].likeliest == vote.classes[code] for one, code in zip(said, true, strict=True)
    ]
    certainties = [one.targets["joint"].certainty for one in said]
    rule = reject_threshold(certainties, right, false_accept_rate=0.5)
    assert vote.threshold == pytest.approx(rule.threshold, abs=1e-3)
    doubt = "" if rule.guaranteed else f", not guaranteed with {counted(rule.num_wrong, 'wrong answers')}"
    assert vote.rejects == f"false-accept rate 0.5{doubt}; answers {rule.coverage:.0%}"
    middle = float(np.mean([min(certainties), max(certainties)]))  # some lie below it, whatever was learned
    careful.targets["joint"] = vote = replace(vote, threshold=middle)
    said = careful.predict(images)
    refused = [one for one in said if one.predicted["joint"] == "unknown"]
    assert 0 < len(refused) < len(said)
    for one in said:
        known = one.targets["joint"].certainty >= vote.threshold
        assert one.predicted["joint"] == (one.targets["joint"].likeliest if known else "unknown")
    rows = list(csv.DictReader(submission(said, vote.classes).splitlines()))
    assert [vote.classes[int(row["ans"])] for row in rows] == [one.targets["joint"].likeliest for one in said]
    with pytest.raises(ArgumentError, match="reject='F1': must be 'f1' or a false-accept rate"):
        build_index(run, reject="F1")


def test_the_line_of_an_unknown_says_how_certain_it_was_and_had_to_be():
    one = TargetAnswer("unknown", (ClassVotes("red", 0.6, 0.41),), 5, "softmax", True, 0.1234, 0.31, "f1")
    assert str(one) == "unknown (red 41%; certainty 0.12, needed 0.31)"
    assert str(replace(one, threshold=0.1235)) == "unknown (red 41%; certainty 0.1234, needed 0.1235)"
    assert str(replace(one, answer="red", threshold=0.1)) == "red (41%)"
    assert str(replace(one, k=0)) == "unknown (red 41%)"  # nobody voted
    assert str(replace(one, certainty=None)) == "unknown (red 41%)"


def test_certainty_tells_apart_what_the_voters_cannot():
    """Three voters agree on both queries; of the hundred nearest all do on the first, half on the second."""
    vote = TargetVote(("a", "b"), k=3, votes="uniform", rejects="a test")
    codes = np.repeat([0, 1], [103, 50])
    near = np.linspace(0.9, 0.8, 100)
    rows = np.stack([np.arange(100), np.r_[0, 1, 2, np.arange(100, 150), np.arange(3, 50)]])
    sure, unsure = vote.answers(rows, np.stack([near, near]), codes)
    assert sure.classes[0].share == unsure.classes[0].share == 1
    assert sure.certainty > 0.99
    assert 0.4 < unsure.certainty < 0.8
    nearer, farther = vote.certainties(np.stack([rows[0]] * 2), np.stack([near + 0.05, near]), codes)
    assert nearer > farther
    assert (vote.depth, replace(vote, rejects="").depth) == (100, 3)
    assert replace(vote, rejects="").answers(rows, np.stack([near, near]), codes)[0].certainty is None


def test_a_photograph_of_the_index_finds_itself_unless_its_identity_is_left_out(predictor):
    path = predictor.root / str(predictor.index.columns["path"][0])
    identity = str(predictor.index.columns["identity"][0])
    [plain] = predictor.predict([path])
    assert plain.neighbors[0].same_file
    assert plain.neighbors[0].similarity == pytest.approx(1, abs=1e-4)
    assert (plain.identity, plain.same_identity_excluded, plain.left_out) == (None, False, 0)
    [one] = predictor.predict([path], exclude=[identity], shown=200)
    assert len(one.neighbors) == 68
    assert identity not in {near.identity for near in one.neighbors}
    assert (one.identity, one.same_identity_excluded, one.left_out) == (identity, True, 4)
    assert one.to_dict()["same_identity_excluded"] is True
    assert predictor.predict([path], exclude=["nobody"])[0].left_out == 0


def _index_of(predictor: Predictor, folder: Path, drop: tuple[str, ...] = (), **changes: object) -> Path:
    """The predictor's index with other columns or other metadata."""
    index = predictor.index
    columns = {name: index.columns[name] for name in index.columns if name not in drop}
    vectors = index.faiss_index.reconstruct_n(0, len(index))
    settings = {"fingerprint": index.fingerprint, "metadata": index.metadata, **changes}
    columns |= settings.pop("columns", {})
    return EmbeddingIndex.build(vectors, columns, **settings).save(folder / "index")


def test_without_identities_none_can_be_left_out(run, predictor, images, tmp_path):
    other = Predictor(run.folder, _index_of(predictor, tmp_path, drop=("identity",)))
    assert not other.knows_identities
    assert other.predict(images[:1])[0].neighbors[0].identity is None
    with pytest.raises(ArgumentError, match="needs an index with a column of identities, found none"):
        other.predict(images[:1], exclude=["p00"])


def test_where_no_neighbor_is_left_to_vote_the_answer_is_unknown(run, predictor, images, tmp_path):
    everybody = {"identity": np.array(["one"] * len(predictor.index))}
    other = Predictor(run.folder, _index_of(predictor, tmp_path, columns=everybody))
    [one] = other.predict(images[:1], exclude=["one"])
    assert one.neighbors == ()
    assert set(one.predicted.values()) == {"unknown"}
    assert {verdict.k for verdict in one.targets.values()} == {0}


def test_what_is_not_an_index_of_this_run_is_refused(run, predictor, tmp_path):
    foreign = _index_of(predictor, tmp_path / "foreign", fingerprint="0123456789abcdef")
    with pytest.raises(
        ModelMismatchError, match=f"made by model 0123456789abcdef, .* holds {run.fingerprint}"
    ):
        Predictor(run.folder, foreign)
    bare = _index_of(predictor, tmp_path / "bare", metadata={})
    with pytest.raises(FileFormatError, match="does not say how its neighbors vote; build it with"):
        Predictor(run.folder, bare)
    with pytest.raises(FileFormatError, match="no index there; run `metric-face index"):
        Predictor(run.folder, tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="no such folder; give the directory"):
        Predictor(tmp_path / "nowhere")
    copy = tmp_path / "run"
    copy.mkdir()
    card = json.loads((run.folder / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps(card | {"fingerprint": "0123456789abcdef"}))
    with pytest.raises(FileFormatError, match=r"model\.json: altered"):
        Predictor(copy, foreign)


def test_a_submission_names_each_file_once(answers, predictor):
    classes = predictor.targets["joint"].classes
    awkward = [replace(answers[0], path='a/one, "two".png'), replace(answers[1], path="b/three.png")]
    rows = list(csv.reader(submission(awkward, classes).splitlines()))
    assert rows[0] == ["ImageID", "ans"]
    assert [name for name, _ in rows[1:]] == ['one, "two".png', "three.png"]
    twice = [replace(answers[0], path="a/x.png"), replace(answers[1], path="b/x.png")]
    with pytest.raises(DataError, match=r"file names must differ to be ImageIDs, found 2 of x\.png"):
        submission(twice, classes)
    assert submission([], classes) == "ImageID,ans\n"


def test_evaluation_says_when_a_query_meets_its_own_identity(run):
    stored = run.embeddings()
    frame = stored.table.frame.copy()
    identity = frame["identity"][frame["split"] == "val"].iloc[0]
    [first, *_] = frame.index[frame["identity"] == identity]
    frame.loc[first, "split"] = "train"  # one photograph of four changes sides
    leaky = replace(stored, table=replace(stored.table, frame=frame))
    assert evaluate(run, embeddings=leaky).met_own == 3
    assert evaluate(run).met_own == 0


def test_progress_counts_every_image(predictor, images):
    seen = []
    predictor.predict([*images, *images], progress=lambda count, total: seen.append((count, total)))
    assert seen == [(32, 48), (48, 48)]
    assert predictor.predict([]) == []
