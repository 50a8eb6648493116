"""Attribution in a planted world: the class is the color of a square in one corner, and the maps must point there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from metric_face import attribute, attribute_classes, write_attribution
from metric_face.attribution.attributing import on_images, rank_correlation, similarity_to
from metric_face.attribution.class_pairs import _interval
from metric_face.attribution.deletion import faithfulness, occlusion_map, patch_masks, to_patches
from metric_face.attribution.gradient_map import gradient_map
from metric_face.attribution.result import DeletionCheck, border_share
from metric_face.cli.entry import main
from metric_face.data.image_files import scan_folder
from metric_face.errors import ArgumentError, MetricFaceError
from metric_face.files import kept_pairs
from metric_face.metrics.standard_errors import student
from metric_face.models import EmbeddingModel
from metric_face.run import Run

SIZE, SIDE = 64, 4
COLORS = torch.tensor([[2.0, -1.0, -1.0], [-1.0, -1.0, 2.0]])


def world(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a square in the top left corner, red or blue by class, and a green one somewhere below."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(2, (count,), generator=generator)
    images = 0.3 * torch.randn(count, 3, SIZE, SIZE, generator=generator)
    for image, label in zip(images, classes, strict=True):
        image[:, 2:14, 2:14] += COLORS[label][:, None, None]
        left = int(torch.randint(SIZE - 12, (1,), generator=generator))
        image[1, 44:56, left : left + 12] += 2.0
    return images, classes


def untrained(kind: str) -> EmbeddingModel:
    torch.manual_seed(0)
    name, arguments = {
        "cnn": ("test_resnet", {"output_stride": 8}),
        "vit": ("test_vit", {"patch_size": 8}),
    }[kind]
    return EmbeddingModel(
        name, {"color": 2}, embedding_size=16, size=(SIZE, SIZE), arguments=arguments
    ).eval()


@pytest.fixture(scope="module", params=["cnn", "vit"])
def learned(request: pytest.FixtureRequest) -> tuple[str, EmbeddingModel]:
    model = untrained(request.param).train()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for step in range(40):
        images, classes = world(32, step)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images).logits["color"], classes).backward()
        optimizer.step()
    model.eval()
    images, classes = world(64, 999)
    with torch.inference_mode():
        right = (model(images).logits["color"].argmax(1) == classes).float().mean()
    assert right > 0.95, "the planted world was not learned, so its maps prove nothing"
    return request.param, model


def margin(label: int):
    """The logit of a class less the other's."""
    return lambda output: output.logits["color"][:, label] - output.logits["color"][:, 1 - label]


def corner_share(values: np.ndarray) -> float:
    """The share of the positive part of a map in the top left quarter; by area alone .25."""
    positive = values.clip(min=0)
    if not positive.any():
        return 0.25  # a flat map has no place
    return float(positive[: len(values) // 2, : len(values) // 2].sum() / positive.sum())


def test_both_maps_point_at_the_planted_corner_and_are_faithful(learned) -> None:
    _, model = learned
    images, classes = world(8, 5)
    shares, covered, better = [], [], []
    for image, label in zip(images, classes.tolist(), strict=True):
        score = on_images(model, margin(label))
        gradient = to_patches(gradient_map(model, image[None], margin(label))[0], SIDE)
        occlusion = occlusion_map(image, score, SIDE)
        shares.append(corner_share(gradient))
        covered.append(occlusion.argmax() == 0)
        checks = faithfulness(image, score, {"gradient": gradient, "occlusion": occlusion}, orders=6)
        better += [one.faithful for one in checks.values()]
    assert np.mean(covered) > 0.9
    assert np.mean(shares) > 0.5  # a quarter by area alone
    assert np.mean(better) > 0.5  # by chance one in seven


def test_the_similarity_of_two_images_comes_from_the_corner_too(learned) -> None:
    kind, model = learned
    images, classes = world(12, 6)
    first, second = torch.nonzero(classes == 0)[:2, 0].tolist()
    with torch.inference_mode():
        vector = model.embed(images[second][None])
    score = similarity_to(vector)
    occlusion = occlusion_map(images[first], on_images(model, score), SIDE)
    assert occlusion.argmax() == 0
    gradient = to_patches(gradient_map(model, images[first][None], score)[0], SIDE)
    if kind == "cnn":
        assert corner_share(gradient) > 0.4
    else:  # the last norm takes the slope away where two images are one to the model; the check must show it
        maps = {"gradient": gradient, "occlusion": occlusion}
        checked = faithfulness(images[first], on_images(model, score), maps, orders=20)
        assert checked["occlusion"].area <= checked["gradient"].area


def test_random_weights_lose_the_corner(learned) -> None:
    """The parameter randomization check: a map that stays without the weights shows the image, not the model."""
    kind, model = learned
    images, classes = world(8, 7)
    random = untrained(kind)
    found = {}
    for name, one in {"learned": model, "random": random}.items():
        maps = [
            to_patches(gradient_map(one, image[None], margin(label))[0], SIDE)
            for image, label in zip(images, classes.tolist(), strict=True)
        ]
        found[name] = maps
    shares = {name: np.mean([corner_share(one) for one in maps]) for name, maps in found.items()}
    assert shares["random"] < shares["learned"] - 0.1
    same = [rank_correlation(a, b) for a, b in zip(found["learned"], found["random"], strict=True)]
    assert np.nanmean(same) < 0.6


def test_a_map_that_points_elsewhere_is_seen_to_fail(learned) -> None:
    _, model = learned
    images, classes = world(6, 8)
    failed = []
    for image, label in zip(images, classes.tolist(), strict=True):
        score = on_images(model, margin(label))
        wrong = -occlusion_map(image, score, SIDE)
        failed.append(not faithfulness(image, score, {"wrong": wrong}, orders=6)["wrong"].faithful)
        flat = np.ones((SIDE, SIDE), np.float32)
        failed.append(not faithfulness(image, score, {"flat": flat}, orders=40, seed=3)["flat"].faithful)
    assert np.mean(failed) > 0.9


def test_gradient_maps_leave_the_model_as_it_was(learned) -> None:
    _, model = learned
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradient_map(model, world(1, 1)[0], margin(0))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_mean_over_places_makes_the_map_grad_cam() -> None:
    """Of a network whose places are averaged the map is Grad-CAM: channel weights are the gradients' means."""
    model = untrained("cnn")
    image = world(1, 3)[0]
    features = model.backbone.forward_features(image).detach().requires_grad_()
    output = model.read(model.projection(model.backbone.forward_head(features)))
    (slopes,) = torch.autograd.grad(margin(0)(output).sum(), [features])
    weights = slopes.mean(dim=(2, 3), keepdim=True)
    expected = (weights * features).sum(1).clamp_min(0).detach().numpy()
    np.testing.assert_allclose(gradient_map(model, image, margin(0)), expected, rtol=1e-3, atol=1e-6)


def test_occlusion_and_deletion_are_their_definitions() -> None:
    """Of a score that is a weighted sum of pixels both have a closed form."""
    weights = torch.zeros(3, 6, 6)
    weights[:, :2, :2] = 1.0
    weights[:, 4:, 4:] = 2.0

    def score(images: torch.Tensor) -> torch.Tensor:
        return (images * weights).sum(dim=(1, 2, 3))

    image = torch.ones(3, 6, 6)
    occlusion = occlusion_map(image, score, 3)
    np.testing.assert_allclose(occlusion, [[12, 0, 0], [0, 0, 0], [0, 0, 24]])
    (found,) = faithfulness(image, score, {"occlusion": occlusion}, orders=3, steps=9).values()
    curve = [36, 12, *[0] * 8]
    assert found.area == pytest.approx((sum(curve) - (curve[0] + curve[-1]) / 2) / 9)
    assert all(found.area <= area for area in found.random)
    patches = patch_masks(7, 5, 3)
    assert torch.equal(patches.sum(dim=0), torch.ones(1, 7, 5, dtype=torch.int64))


def test_random_orders_are_scored_once_for_all_maps() -> None:
    scored = []

    def score(images: torch.Tensor) -> torch.Tensor:
        scored.append(len(images))
        return images.sum(dim=(1, 2, 3))

    image, rng = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0)), np.random.default_rng(0)
    maps = {name: rng.random((3, 3), np.float32) for name in ("one", "another", "third")}
    found = faithfulness(image, score, maps, orders=5, steps=9)
    assert sum(scored) == (5 + 3) * 10, "a curve of each random order and of each map"
    for name, values in maps.items():
        assert faithfulness(image, score, {"alone": values}, orders=5, steps=9)["alone"] == found[name]


def test_the_interval_of_a_border_is_that_of_a_mean_over_identities() -> None:
    """Of identities with as many images each it is that of their means, with Student's t."""
    shares = np.random.default_rng(1).uniform(0.2, 0.8, (12, 3))
    found = _interval(shares.ravel(), np.repeat([f"p{row}" for row in range(12)], 3))
    assert found.value == pytest.approx(shares.mean())
    assert found.standard_error == pytest.approx(shares.mean(axis=1).std(ddof=1) / np.sqrt(12))
    assert (found.high - found.value) / found.standard_error >= student(0.95, 11) - 1e-9
    assert np.isnan(_interval(np.array([0.3, np.nan]), ["a", "b"]).low), "one identity has no range"


def test_border_share_is_half_by_area_and_its_ends() -> None:
    for shape in ((8, 8), (7, 7), (4, 9)):
        assert border_share(np.ones(shape, np.float32)) == pytest.approx(0.5, abs=1e-6)
    values = np.zeros((8, 8), np.float32)
    values[4, 4] = 1
    assert border_share(values) == 0
    values = np.zeros((8, 8), np.float32)
    values[0, 7] = 1
    assert border_share(values) == 1
    assert np.isnan(border_share(np.zeros((3, 3), np.float32)))
    assert not DeletionCheck(0.5, ()).faithful
    assert "do not trust" in str(DeletionCheck(0.5, (0.5, 0.7)))


def images_of(run: Run) -> list[Path]:
    return list(run.table.in_split("val").paths[:2])


def test_a_run_explains_two_images_and_an_answer(indexed: Run, tmp_path: Path) -> None:
    found = attribute(indexed, images_of(indexed), side=3, orders=2)
    with torch.inference_mode():
        vectors = [
            indexed.model.embed(torch.from_numpy(indexed.transform(path))[None])
            for path in images_of(indexed)
        ]
    assert found.score == pytest.approx(float(torch.nn.functional.cosine_similarity(*vectors)), abs=1e-5)
    assert len(found.images) == 2
    one = attribute(
        str(indexed.folder), images_of(indexed)[:1], head="shape", answer="disc", side=3, orders=2
    )
    assert one.target == "shape: disc"
    json.dumps(one.to_dict())
    name = tmp_path / "<script>alert(1)</script> 얼굴.png".replace("/", "_")
    name.write_bytes(images_of(indexed)[0].read_bytes())
    strange = attribute(indexed, [name], side=3, orders=2)
    for lang in ("en", "ko"):
        picture, page = write_attribution(strange, tmp_path, lang=lang)
        text = page.read_text("utf-8")
        assert "<script>alert" not in text
        assert "alert(1)" in text
        assert not re.search(r"(src|href)=\"(?!data:)", text)
        with Image.open(picture) as drawn:
            assert drawn.size[0] > 3 * 200
    bare = write_attribution(strange, tmp_path, thumbnails=False)[1].read_text("utf-8")
    assert bare != text


def test_classes_are_told_apart_somewhere(indexed: Run) -> None:
    found = attribute_classes(indexed, "color", "red", "blue", images=4, side=3)
    assert found.images == 8
    assert found.border.low <= found.border.value <= found.border.high
    assert "an observation" in found.lines()[1]
    assert found.mean.sum() == pytest.approx(1, abs=1e-3)
    for words, message in {
        ("color", "red", "green"): "'green' is none of color; it has",
        ("color", "red", "red"): "must be two different ones",
        ("size", "red", "blue"): "size",
    }.items():
        with pytest.raises(MetricFaceError, match=message):
            attribute_classes(indexed, *words)


def test_wrong_questions_are_refused(indexed: Run, toy: Path) -> None:
    image = images_of(indexed)[0]
    for arguments, message in [
        (([],), "found 0"),
        (([image] * 3,), "found 3"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            attribute(indexed, *arguments)
    for named, message in [
        ({"head": "size"}, "must be one of color, shape"),
        ({"answer": "green"}, "must be one of"),
        ({"side": 1}, "between 2 and 32"),
        ({"orders": 0}, "at least 1"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            attribute(indexed, [image], **named)
    with pytest.raises(ArgumentError, match="goes with one image"):
        attribute(indexed, [image, image], head="color")
    with pytest.raises(MetricFaceError, match=r"images\.csv"):
        attribute(indexed, [toy / "images.csv"])


def test_the_command(
    indexed: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["metric-face", "attribute", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    few = ("--side", "3", "--orders", "2", "--out", tmp_path)
    code, out, _ = call(indexed.folder, *images_of(indexed), *few)
    assert code == 0
    assert out.startswith("similarity ")
    assert (tmp_path / "attribution.png").is_file()
    assert scan_folder(tmp_path).left_out[tmp_path / "attribution.png"] == "pictures that metric-face drew"
    code, out, _ = call(indexed.folder, "--between", "color", "red", "blue", *few, "--json")
    assert json.loads(out)["expected"] == 0.5
    assert json.loads(out)["file"] == str(tmp_path / "attribution.json")
    assert [one["classes"] for one in kept_pairs(tmp_path, indexed.fingerprint)] == [["red", "blue"]]
    for words in ([], [images_of(indexed)[0], "--between", "color", "red", "blue"]):
        code, _, err = call(indexed.folder, *words, *few)
        assert code == 1
        assert "give one or two images, or --between" in err
