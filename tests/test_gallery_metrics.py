"""Queries against a gallery: values that torchreid gave, its formula written down, and scikit-learn query by query."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score

from metric_face.data import ImageTable
from metric_face.embeddings import Embeddings
from metric_face.errors import ArgumentError
from metric_face.evaluation import evaluate_queries
from metric_face.metrics import gallery_metrics
from metric_face.vectors import Metric


def market1501(
    distances: np.ndarray, q_pids: np.ndarray, g_pids: np.ndarray, q_cams: np.ndarray, g_cams: np.ndarray
) -> tuple[dict[int, float], float, float]:
    """CMC, mAP and mINP as torchreid's ``evaluate_rank`` and fast-reid define them: sort all, drop, accumulate."""
    every_cmc, every_ap, every_inp = [], [], []
    for row in range(len(q_pids)):
        order = np.argsort(distances[row], kind="stable")
        keep = ~((g_pids[order] == q_pids[row]) & (g_cams[order] == q_cams[row]))
        raw = (g_pids[order] == q_pids[row]).astype(int)[keep]
        if not raw.any():
            continue
        every_cmc.append(np.minimum(np.pad(raw, (0, 20))[:20].cumsum(), 1))
        precision = raw.cumsum() / (np.arange(len(raw)) + 1)
        every_ap.append((precision * raw).sum() / raw.sum())
        every_inp.append(raw.sum() / (np.flatnonzero(raw)[-1] + 1))
    cmc = np.mean(every_cmc, axis=0)
    return {k: cmc[k - 1] for k in (1, 5, 20)}, float(np.mean(every_ap)), float(np.mean(every_inp))


def cosine_distances(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    wide = [one.astype(np.float64) for one in (queries, gallery)]
    left, right = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in wide)
    return 1 - left @ right.T


def case(seed: int, queries: int = 40, gallery: int = 150, identities: int = 12) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(identities, 6))
    q_pids, g_pids = (generator.integers(0, identities, size) for size in (queries, gallery))
    return {
        "q_pids": q_pids,
        "g_pids": g_pids,
        "queries": (centers[q_pids] + generator.normal(size=(queries, 6))).astype(np.float32),
        "gallery": (centers[g_pids] + generator.normal(size=(gallery, 6))).astype(np.float32),
        "q_cams": generator.integers(0, 3, queries),
        "g_cams": generator.integers(0, 3, gallery),
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_values_are_those_of_its_formula(seed: int, metric: str) -> None:
    one = case(seed)
    found = gallery_metrics(
        one["queries"],
        one["q_pids"],
        one["gallery"],
        one["g_pids"],
        query_cameras=one["q_cams"],
        gallery_cameras=one["g_cams"],
        ks=(1, 5, 20),
        metric=metric,  # type: ignore[arg-type]
    )
    if metric == "cosine":
        distances = cosine_distances(one["queries"], one["gallery"])
    else:
        wide = one["queries"].astype(np.float64)[:, None] - one["gallery"].astype(np.float64)
        distances = np.sqrt((wide**2).sum(axis=2))
    cmc, mean_ap, mean_inp = market1501(distances, one["q_pids"], one["g_pids"], one["q_cams"], one["g_cams"])
    assert {k: found.scores[f"cmc@{k}"].value for k in cmc} == pytest.approx(cmc, abs=1e-12)
    assert found.scores["map"].value == pytest.approx(mean_ap, abs=1e-12)
    assert found.scores["minp"].value == pytest.approx(mean_inp, abs=1e-12)
    for score in found.scores.values():
        assert 0 <= score.low <= score.value <= score.high <= 1
    assert found.scores["map"].low < mean_ap < found.scores["map"].high


# What torchreid 0.2.5 gave for `draw`: evaluate_rank(max_rank=20, use_cython=False), that is eval_market1501, of
# compute_distance_matrix in float64. CMC at 1, 5, 10 and 20 is float32 there; mAP.
TORCHREID = {
    (101, "cosine"): (0.4166666567, 0.6388888955, 0.7222222090, 0.9166666865, 0.388843365193918),
    (101, "euclidean"): (0.4444444478, 0.6944444180, 0.75, 0.8888888955, 0.35229462710984216),
    (102, "cosine"): (0.4418604672, 0.7674418688, 0.8139534593, 0.9302325845, 0.4014508263305557),
    (102, "euclidean"): (0.4186046422, 0.7674418688, 0.7906976938, 0.9302325845, 0.37763894516936874),
    (103, "cosine"): (0.3953488469, 0.8139534592, 0.8837209344, 0.9767441750, 0.37260120281328146),
    (103, "euclidean"): (0.3953488469, 0.7906976938, 0.9069767594, 0.9767441750, 0.36457606513958035),
}
WITHOUT_RELEVANT = {
    101: 14,
    102: 7,
    103: 7,
}  # of 50; of the 14 three have images, from their own camera alone


def draw(seed: int) -> tuple[Embeddings, Embeddings]:
    """50 queries of 14 identities and 160 gallery images, from 1 to 33 of each of 12 of them; three cameras."""
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(14, 6))
    in_gallery = np.minimum(generator.geometric(0.2, 160) - 1, 11)
    asking = generator.integers(0, 14, 50)
    queries = centers[asking] + generator.normal(size=(50, 6))
    gallery = centers[in_gallery] + generator.normal(size=(160, 6))
    made = []
    for name, codes, vectors in (("q", asking, queries), ("g", in_gallery, gallery)):
        frame = pd.DataFrame({"path": [f"{name}{row}.jpg" for row in range(len(codes))], "identity": codes})
        frame["camera"] = generator.integers(0, 3, len(codes))
        made.append(Embeddings(vectors.astype(np.float32), ImageTable(frame, Path("/nowhere"))))
    return made[0], made[1]


@pytest.mark.parametrize(("seed", "metric"), list(TORCHREID))
def test_values_are_those_that_torchreid_gave(seed: int, metric: Metric) -> None:
    queries, gallery = draw(seed)
    found = evaluate_queries(gallery, query_source=queries, camera="camera", ks=(1, 5, 10, 20), metric=metric)
    *cmc, mean_ap = TORCHREID[seed, metric]
    assert [found.scores[f"cmc@{k}"].value for k in (1, 5, 10, 20)] == pytest.approx(cmc, abs=1e-7)
    assert found.scores["map"].value == pytest.approx(mean_ap, abs=1e-12)
    assert (found.without_relevant, found.queries) == (
        WITHOUT_RELEVANT[seed],
        50 - WITHOUT_RELEVANT[seed],
    )


def test_each_query_is_scored_as_scikit_learn_does_and_the_other_numbers_as_defined() -> None:
    one = case(7)
    found = gallery_metrics(
        one["queries"],
        one["q_pids"],
        one["gallery"],
        one["g_pids"],
        query_sequences=one["q_cams"],
        gallery_sequences=one["g_cams"],
        ks=(1, 3),
    )
    similar = -cosine_distances(one["queries"], one["gallery"])
    answered = []
    for row in range(len(similar)):
        right = one["g_pids"] == one["q_pids"][row]
        allowed = ~(right & (one["g_cams"] == one["q_cams"][row]))
        order = np.argsort(-similar[row][allowed])
        hits = right[allowed][order]
        average = average_precision_score(right[allowed], similar[row][allowed])
        assert found.per_query["map"][row] == pytest.approx(average)
        assert found.per_query["precision@3"][row] == pytest.approx(hits[:3].mean())
        assert found.per_query["mrr"][row] == pytest.approx(1 / (1 + hits.argmax()))
        answered.append(one["g_pids"][allowed][order[0]])
        assert one["g_pids"][found.predicted[row]] == answered[-1]
    assert found.macro_f1.value == pytest.approx(f1_score(one["q_pids"], answered, average="macro"))
    assert found.macro_f1.low < found.macro_f1.value < found.macro_f1.high


def test_each_image_asks_the_others_and_a_lone_identity_does_not_count() -> None:
    one = case(3)
    codes = np.append(one["g_pids"], 99)
    vectors = np.vstack([one["gallery"], np.ones(6)])
    found = gallery_metrics(vectors, codes)
    distances = cosine_distances(vectors, vectors)
    numbers = np.arange(len(codes))  # a camera of its own for each image leaves out the image itself alone
    cmc, mean_ap, mean_inp = market1501(distances, codes, codes, numbers, numbers)
    assert found.scores["cmc@5"].value == pytest.approx(cmc[5])
    assert (found.scores["map"].value, found.scores["minp"].value) == pytest.approx((mean_ap, mean_inp))
    assert (found.queries, found.without_relevant) == (150, 1)
    assert (found.predicted[-1], np.isnan(found.per_query["map"][-1])) == (-1, True)


def test_equal_vectors_are_ranked_by_their_position() -> None:
    gallery = np.ones((9, 4), np.float32)
    names = ["b", "b", "a", "b", "a", "c", "c", "c", "c"]
    found = gallery_metrics(np.ones((1, 4)), ["a"], gallery, names, ks=(1, 3))
    assert found.per_query["map"][0] == pytest.approx((1 / 3 + 2 / 5) / 2)
    assert found.per_query["minp"][0] == pytest.approx(2 / 5)
    assert (found.per_query["cmc@1"][0], found.per_query["cmc@3"][0]) == (0, 1)
    assert names[found.predicted[0]] == "b"
    scattered = np.random.default_rng(0).normal(size=(1, 64)).astype(np.float32)
    same = np.repeat(scattered, 500, axis=0)  # products of equal vectors differ in their last bits
    codes = np.arange(500) % 7
    found = gallery_metrics(scattered, [5], same, codes)
    ranks = np.flatnonzero(codes == 5) + 1
    assert found.per_query["map"][0] == pytest.approx((np.arange(1, len(ranks) + 1) / ranks).mean())


def test_metrics_without_a_group_are_those_of_the_rest() -> None:
    from metric_face.metrics.gallery_ranking import GalleryRanking
    from metric_face.search import Points

    one = case(5)
    q_pids, g_pids = one["q_pids"], one["g_pids"]
    ranking = GalleryRanking(q_pids, g_pids, [(one["q_cams"], one["g_cams"])], None, (1, 5))
    ranking.run(Points.of(one["gallery"], "cosine"), one["queries"], lambda done, total: None)
    for identity in range(12):
        group = ranking.folds[identity]
        asks, there = q_pids != identity, g_pids != identity
        rest = gallery_metrics(
            one["queries"][asks],
            q_pids[asks],
            one["gallery"][there],
            g_pids[there],
            query_cameras=one["q_cams"][asks],
            gallery_cameras=one["g_cams"][there],
            ks=(1, 5),
        )
        values = [rest.scores[name].value for name in ranking.names]
        np.testing.assert_allclose(ranking.without()[:, group], values)


def test_missing_cameras_leave_nothing_out() -> None:
    one = case(2)
    sides = (one["queries"], one["q_pids"], one["gallery"], one["g_pids"])
    none = gallery_metrics(*sides)
    blank = gallery_metrics(*sides, query_cameras=[None] * 40, gallery_cameras=[None] * 150)
    assert blank.scores == none.scores


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"gallery_identities": [1, 2]},
            r"gallery_identities: identities must be one per item, found shape \(2,\)",
        ),
        ({"gallery_identities": None}, "gallery_identities must be given"),
        ({"query_cameras": [1, 1, 2]}, "gallery_cameras must be given where the other side has them"),
        (
            {"gallery_identities": [7, 8, 9]},
            "gallery must hold an image that a query may find of its identity",
        ),
        ({"gallery": np.ones((3, 5))}, "gallery must have D = 4"),
        ({"ks": ()}, "ks must hold at least one k"),
        ({"ks": (0,)}, "ks must be a whole number of at least 1, found 0"),
        ({"metric": "angle"}, "metric must be one of"),
        ({"queries": np.zeros((3, 4))}, "queries must have no row of zeros"),
    ],
)
def test_what_cannot_be_measured_is_refused(change: dict[str, object], said: str) -> None:
    given: dict[str, object] = {
        "queries": np.eye(3, 4),
        "query_identities": [1, 2, 3],
        "gallery": np.eye(3, 4),
        "gallery_identities": [1, 2, 3],
    }
    with pytest.raises(ArgumentError, match=said):
        gallery_metrics(**{**given, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("wide_bytes", [1 << 30, 0])
def test_blocks_of_queries_that_share_their_memory_change_nothing(
    monkeypatch: pytest.MonkeyPatch, wide_bytes: int
) -> None:
    one, calls = case(5), []
    given = (one["queries"], one["q_pids"], one["gallery"], one["g_pids"])
    whole = gallery_metrics(*given, query_cameras=one["q_cams"], gallery_cameras=one["g_cams"])
    monkeypatch.setattr("metric_face.metrics.ranked_blocks._BLOCK_BYTES", 1)
    monkeypatch.setattr("metric_face.metrics.ranked_blocks._LEAST_QUERIES", 7)
    monkeypatch.setattr("metric_face.metrics.ranked_blocks._WIDE_BYTES", wide_bytes)
    found = gallery_metrics(
        *given,
        query_cameras=one["q_cams"],
        gallery_cameras=one["g_cams"],
        progress=lambda *at: calls.append(at),
    )
    assert [done for done, total in calls if total == 40] == [7, 14, 21, 28, 35, 40]
    assert found.scores == whole.scores
    np.testing.assert_array_equal(found.predicted, whole.predicted)
