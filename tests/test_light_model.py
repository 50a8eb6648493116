"""The light model: measured against brute force, taken by kNN where it is as good, and never where it is not whole."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from metric_face import Predictor, embed, export
from metric_face.cli.entry import main
from metric_face.errors import ArgumentError, FileFormatError, MetricFaceError, ModelMismatchError
from metric_face.exporting.exporting_runs import _verdict
from metric_face.exporting.light_scores import LightScore, measure_scores, nearest_hits
from metric_face.files import digest_of
from metric_face.inference.index_building import build_index
from metric_face.metrics import Interval
from metric_face.models.light import LIGHT, RECORD, light_embedder, read_light_record, write_light_record
from metric_face.models.onnx import OnnxEmbedder
from metric_face.progress import silent
from metric_face.run import Run

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def light(indexed: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy of the run with its light model, which may lose anything."""
    home = tmp_path_factory.mktemp("light") / "run"
    shutil.copytree(indexed.folder, home)
    export(home, int8=True, tolerance=1.0)
    return Run.open(home)


@pytest.fixture
def copied(light: Run, tmp_path: Path) -> Path:
    shutil.copytree(light.folder, tmp_path / "run")
    return tmp_path / "run"


def image_of(run: Run) -> Path:
    return run.table.in_split("val").paths[0]


def changed(home: Path, **values: object) -> None:
    write_light_record(home, read_light_record(home) | values)


def test_it_is_another_smaller_model_that_embeds_alike(light: Run) -> None:
    import onnx

    images = np.stack([light.transform(path) for path in light.table.paths[:20]])
    full = OnnxEmbedder(light.folder / "model.onnx")
    quantized = light_embedder(light.folder, light.fingerprint)
    first, second = full(images), quantized(images)
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    assert not np.array_equal(first, second)
    assert np.median(cosines) > 0.9
    kinds = {node.op_type for node in onnx.load(light.folder / LIGHT).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert quantized.fingerprint == light.fingerprint


def test_the_record_holds_what_was_measured(light: Run) -> None:
    record = read_light_record(light.folder)
    assert record["fingerprint"] == light.fingerprint
    assert record["sha256"] == digest_of(light.folder / LIGHT)
    names = [score["name"] for score in record["scores"]]
    assert names == ["head macro F1 of joint", "kNN macro F1 of joint", "recall@1 by color"]
    for score in record["scores"]:
        assert score["gain"] == pytest.approx(score["light"] - score["full"])
        assert score["low"] <= score["gain"] <= score["high"]
    assert record["speed"]["ratio_batch"] > 0
    assert record["bytes"]["light"] == (light.folder / LIGHT).stat().st_size


def test_scores_are_those_of_light_queries_in_a_full_gallery(indexed: Run) -> None:
    """With a light model that is noise, scores fall; with the full one for the light one, nothing is lost."""
    full = OnnxEmbedder(indexed.folder / "model.onnx")
    same = measure_scores(indexed, full, full, [], silent)
    assert [score.gain.value for score in same] == [0, 0, 0]
    generator = np.random.default_rng(0)

    def noise(images):
        return generator.normal(size=(len(images), full.dimensions)).astype(np.float32)

    notes: list[str] = []
    worse = measure_scores(indexed, full, noise, notes, silent)
    assert notes == []
    assert max(score.gain.value for score in worse) < -0.1
    assert max(score.gain.high for score in worse) < 0
    stored = indexed.embeddings("val").vectors
    color = indexed.space.labels(indexed.table.in_split("val"), "color")[0]
    owners = np.unique(indexed.table.in_split("val").identities, return_inverse=True)[1]
    cosines = stored @ stored.T / np.outer(*[np.linalg.norm(stored, axis=1)] * 2)
    cosines[owners[:, None] == owners] = -2
    assert same[2].full == pytest.approx((color[cosines.argmax(1)] == color).mean())


def test_hits_are_brute_force() -> None:
    rng = np.random.default_rng(3)
    queries, base = rng.normal(size=(2, 40, 5)).astype(np.float32)
    labels, owners = rng.integers(0, 3, 40), rng.integers(0, 8, 40)
    for row, hit in enumerate(nearest_hits(queries, base, labels, owners)):
        others = [other for other in range(40) if owners[other] != owners[row]]
        near = max(others, key=lambda o: queries[row] @ base[o] / np.linalg.norm(base[o]))
        assert hit == (labels[near] == labels[row])


@pytest.mark.parametrize("stored", [True, False])
def test_queries_are_averaged_over_copies_as_knn_averages_them(indexed: Run, tmp_path: Path, stored) -> None:
    """A model and the same one of the mirror image differ, but not averaged over both images."""
    weights = np.random.default_rng(0).normal(size=(3 * 32 * 16, 16)).astype(np.float32)

    def half(images):
        return images[:, :, :, :16].reshape(len(images), -1) @ weights

    def mirrored(images):
        return half(np.flip(images, 3))

    run = Run(shutil.copytree(indexed.folder, tmp_path / "run"))
    assert any(score.gain.value for score in measure_scores(run, half, mirrored, [], silent))
    if stored:
        embed(run, tta="flip", precision="fp32")
    else:  # the vectors will be made as the configuration says
        shutil.rmtree(run.folder / "embeddings")
        model = run.config.model.model_copy(update={"tta": "flip"})
        vars(run)["config"] = run.config.model_copy(update={"model": model})
    found = measure_scores(run, half, mirrored, [], silent)
    assert [score.gain.value for score in found] == [0, 0, 0]


def score_of(low: float, decides: bool = True) -> LightScore:
    return LightScore("recall@1", 0.9, 0.9, Interval(0.0, low, 0.05, 0.01, 0.95, 30, 0.5), decides)


@pytest.mark.parametrize(
    ("scores", "ratio", "good", "words"),
    [
        ([score_of(-0.019)], 1.5, True, "0.02 may be lost"),
        ([score_of(-0.021)], 1.5, False, "more than 0.02 may be lost"),
        ([score_of(0.0), score_of(-0.5)], 1.5, False, "more than 0.02"),
        ([score_of(0.0), score_of(-0.5, decides=False)], 1.5, True, "0.02 may be lost"),
        ([score_of(0.0)], 0.9, False, "not faster (0.90 times)"),
        ([score_of(float("nan"))], 1.5, False, "more than"),
        ([], 1.5, False, "nothing could be measured"),
    ],
)
def test_the_lower_end_of_the_interval_decides(scores, ratio, good, words) -> None:
    found, reason = _verdict(scores, ratio, 0.02)
    assert found is good
    assert words in reason


def test_knn_takes_the_light_model_where_it_is_good(copied: Path, indexed: Run) -> None:
    changed(copied, good=True)
    image = image_of(indexed)
    chosen, full, light = (Predictor(copied, model=name) for name in ("auto", "fp32", "int8"))
    assert [one.model for one in (chosen, full, light)] == ["int8", "fp32", "int8"]
    np.testing.assert_array_equal(chosen.embed([image]), light.embed([image]))
    assert not np.array_equal(chosen.embed([image]), full.embed([image]))
    changed(copied, good=False, reason="too much is lost")
    kept = Predictor(copied)
    assert (kept.model, kept.model_reason) == ("fp32", "too much is lost")
    assert Predictor(indexed.folder).model_reason == ""


def test_an_index_that_rejects_keeps_the_full_model(copied: Path) -> None:
    changed(copied, good=True)
    build_index(copied, reject="f1").save(copied / "index")
    predictor = Predictor(copied)
    assert predictor.model == "fp32"
    assert "thresholds of the index" in predictor.model_reason
    assert Predictor(copied, model="int8").model == "int8"


def test_an_index_that_begins_to_reject_gets_the_full_model_and_back(copied: Path, indexed: Run) -> None:
    changed(copied, good=True)
    image = image_of(indexed)
    predictor, full = Predictor(copied), Predictor(copied, model="fp32")
    light = predictor.embed([image])
    build_index(copied, reject="f1").save(copied / "index")
    predictor.predict([image])
    assert (predictor.model, predictor.model_reason) == (
        "fp32",
        "the thresholds of the index were set with the full model",
    )
    np.testing.assert_array_equal(predictor.embed([image]), full.embed([image]))
    build_index(copied).save(copied / "index")
    assert predictor.refresh()
    assert predictor.model == "int8"
    np.testing.assert_array_equal(predictor.embed([image]), light)


def test_what_is_not_whole_is_not_taken(copied: Path) -> None:
    changed(copied, good=True)
    content = (copied / LIGHT).read_bytes()
    record = (copied / RECORD).read_bytes()
    (copied / LIGHT).write_bytes(content[:-1])
    assert Predictor(copied).model == "fp32"
    with pytest.raises(
        FileFormatError, match=r"its checksum is not that of model\.int8\.json; run `metric-face"
    ):
        Predictor(copied, model="int8")
    (copied / LIGHT).write_bytes(content)
    (copied / RECORD).write_bytes(record.replace(b'"good": true', b'"good":  true').replace(b"0.", b"1.", 1))
    assert "altered" in Predictor(copied).model_reason
    (copied / RECORD).unlink()  # as where an export was killed before it had measured
    assert (Predictor(copied).model, Predictor(copied).model_reason) == ("fp32", "")
    with pytest.raises(FileFormatError, match="missing; make it with `metric-face export"):
        Predictor(copied, model="int8")


def test_another_model_or_another_arithmetic_is_refused(copied: Path) -> None:
    changed(copied, good=True, fingerprint="0123456789abcdef")
    assert "made of model 0123456789abcdef" in Predictor(copied).model_reason
    card_print = Run.open(copied).fingerprint
    pattern = read_light_record(copied)["pattern"]
    changed(copied, fingerprint=card_print, pattern=[-value for value in pattern])
    assert Predictor(copied).model == "fp32"
    with pytest.raises(
        ModelMismatchError, match=r"computes it otherwise .* \(cosine -1\.0000 on a test pattern"
    ):
        Predictor(copied, model="int8")
    changed(copied, pattern=pattern[1:])
    with pytest.raises(ModelMismatchError, match="cosine nan"):
        Predictor(copied, model="int8")


def test_a_killed_export_leaves_no_light_model_in_use(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(copied, good=True)
    with monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("metric_face.exporting.exporting_runs.measure_scores", killed)
        with pytest.raises(KeyboardInterrupt):
            export(copied, int8=True)
    assert Predictor(copied).model == "fp32"
    assert not (copied / RECORD).exists()
    assert export(copied, int8=True, tolerance=1.0, calibration=10_000).record is not None
    assert Predictor(copied, model="int8").model == "int8"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"to": "torchscript"}, "must be onnx"),
        ({"calibration": 0}, "at least 1 image"),
        ({"tolerance": float("nan")}, "between 0 and 1"),
        ({"tolerance": 2}, "between 0 and 1"),
    ],
)
def test_wrong_settings_are_refused(indexed: Run, words: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        export(indexed, **words)
    with pytest.raises(MetricFaceError, match="no such folder"):
        export("no-run")
    with pytest.raises(ArgumentError, match="must be one of auto, fp32, int8"):
        Predictor(indexed.folder, model="int4")
    with pytest.raises(ArgumentError, match="leave out use_torch"):
        Predictor(indexed.folder, model="int8", use_torch=True)


def test_the_command_says_which_model_answers(
    light: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*words: object) -> tuple[str, str]:
        monkeypatch.setattr("sys.argv", ["metric-face", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr()

    out = tmp_path / "with space 내보냄"
    shown = call("export", light.folder, "--out", out)[0]
    assert shown.strip() == str(out / "model.onnx")
    assert (out / "model.onnx").read_bytes() == (light.folder / "model.onnx").read_bytes()
    image = image_of(light)
    answer = json.loads(call("knn", light.folder, image, "--model", "int8", "--json")[0])
    assert answer["model"] == "int8"
    assert "model: int8 (asked for)" in call("knn", light.folder, image, "--model", "int8")[1]
