"""Images to answer: a template's order, and broken ones that stop no other; in embed, and in fuse."""

import json
from pathlib import Path

import pandas as pd
import pytest
from fold_cases import SPACE, draw_table, plant_run, predictions_of
from typer.testing import CliRunner, Result

from metric_face.cli.app import app
from metric_face.data.unseen import Unseen
from metric_face.embeddings.prediction_csv import write_predictions
from metric_face.embeddings.predictions import Predictions
from metric_face.ensemble.fusing import fuse
from metric_face.errors import ArgumentError, DataError, ImageError
from metric_face.run import Run

IDS = ("5.png", "3.png", "0.png", "gone.png", "2.png")


@pytest.fixture
def evaluation(toy: Path, tmp_path: Path) -> Path:
    """A folder as the competition's: five ids, one of a broken image and one of none."""
    images = tmp_path / "eval" / "images"
    images.mkdir(parents=True)
    for number in range(6):
        (images / f"{number}.png").write_bytes((toy / "images" / f"p0{number}_0.png").read_bytes())
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:200])
    rows = "".join(f"{name},0\n" for name in IDS)
    (images.parent / "info.csv").write_text(f"ImageID,ans\n{rows}")
    return images.parent


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def names(table: object) -> list[str]:
    return list(table.frame["path"])  # type: ignore[attr-defined]


def test_a_template_gives_its_images_in_its_order(evaluation: Path) -> None:
    for source in (evaluation, evaluation / "info.csv"):
        asked = Unseen.read(source)
        assert names(asked.table) == [f"images/{n}.png" for n in (5, 3, 0, 2)]
        assert asked.failed == {"gone.png": "no image of that name"}
    assert Unseen.read(evaluation / "images").template is None
    assert len(Unseen.read(evaluation / "images").table) == 6
    (evaluation / "images" / "plain.csv").write_text("path\n2.png\n0.png\n")
    assert names(Unseen.read(evaluation / "images" / "plain.csv").table) == ["2.png", "0.png"]
    (evaluation / "other.csv").write_text("ImageID,ans\nx.png,0\n")
    with pytest.raises(DataError, match="none of its 1 ids names an image in"):
        Unseen.read(evaluation / "other.csv")


def test_broken_images_are_left_out_of_the_work_and_listed(evaluation: Path) -> None:
    seen = []

    def work(table: object) -> int:
        seen.append(names(table))
        if "images/3.png" in seen[-1]:
            raise ImageError("broken")
        return len(seen[-1])

    count, usable = Unseen.read(evaluation).look(work)
    assert (count, names(usable.table)) == (3, ["images/5.png", "images/0.png", "images/2.png"])
    assert list(usable.failed) == ["gone.png", "images/3.png"]
    assert usable.notes[0].startswith("2 images cannot be used: gone.png, images/3.png; the first: no image")
    assert len(seen) == 2


def test_what_no_broken_image_explains_is_raised(evaluation: Path) -> None:
    (evaluation / "images" / "3.png").unlink()

    def work(table: object) -> None:
        raise ImageError("the disk is gone")

    with pytest.raises(ImageError, match="the disk is gone"):
        Unseen.read(evaluation).look(work)
    for number in (0, 2, 5):
        (evaluation / "images" / f"{number}.png").write_text("no image")
    with pytest.raises(DataError, match=r"not an image that can be read.*\(and 2 more\)"):
        Unseen.read(evaluation).look(work)


def test_files_answer_a_template_in_its_order(tmp_path: Path) -> None:
    table = draw_table()
    plant_run(tmp_path / "run", table, {"color": 0.8, "shape": 0.7})
    codes = {"color": [1, 0, 1], "shape": [2, 1, 0]}
    said = predictions_of(
        "a", ["e/b.jpg", "e/a.jpg", "e/c.jpg"], {k: list(v) for k, v in codes.items()}, SPACE
    )
    # the run's own validation images are what chooses
    own = Run.open(tmp_path / "run").embeddings("val")
    whole = pd.concat([_frame(Predictions.of_embeddings("a", own, SPACE), tmp_path), _frame(said, tmp_path)])
    whole.to_csv(tmp_path / "a.csv", index=False)
    template = tmp_path / "info.csv"
    template.write_text("ImageID,ans\nc.jpg,0\nlost.jpg,0\nb.jpg,0\n")
    fused = fuse([tmp_path / "a.csv"], tmp_path / "run", out=tmp_path / "out.csv", template=template)
    written = pd.read_csv(tmp_path / "out.csv")
    assert list(written["ImageID"]) == ["c.jpg", "lost.jpg", "b.jpg"]
    val = SPACE.labels(own.table, "joint")[0]
    default = pd.Series(val).value_counts().sort_index().idxmax()
    assert list(written["ans"]) == [3, default, 5]
    assert (fused.written, fused.complete) == (2, False)
    assert fused.notes == (
        f"1 of 3 ids have no prediction and got {default}, the commonest class of the images that choose: lost.jpg",
    )


def _frame(said: Predictions, folder: Path) -> pd.DataFrame:
    return pd.read_csv(write_predictions(folder / "part.csv", said, SPACE))


@pytest.mark.slow
def test_embed_and_fuse_answer_what_can_be_read(indexed: Run, evaluation: Path, tmp_path: Path) -> None:
    csv = tmp_path / "said.csv"
    done = run("embed", indexed.folder, evaluation, "--out", tmp_path / "vectors", "--csv", csv)
    assert done.exit_code == 1
    assert list(pd.read_csv(csv)["path"]) == [f"images/{n}.png" for n in (5, 0, 2)]
    assert "2 images cannot be used: gone.png, images/3.png" in done.stderr
    out = tmp_path / "out.csv"
    for source in (evaluation, evaluation / "info.csv"):
        done = run("fuse", indexed.folder, "--images", source, "--out", out)
        assert done.exit_code == 1
        rows = pd.read_csv(out)
        assert list(rows["ImageID"]) == list(IDS)
        assert "2 of 5 ids have no prediction and got" in done.stderr
    done = run("fuse", indexed.folder, "--images", evaluation / "images", "--out", out, "--json")
    assert done.exit_code == 1
    assert (json.loads(done.stdout)["written"], len(pd.read_csv(out))) == (5, 5)
    (evaluation / "info.csv").write_text("ImageID,ans\n2.png,0\n0.png,0\n")
    assert run("fuse", indexed.folder, "--images", evaluation, "--out", out).exit_code == 0
    assert list(pd.read_csv(out)["ans"]) == list(rows["ans"].iloc[[4, 2]])


def test_an_option_that_cannot_be_honored_is_refused_before_the_work(
    indexed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "space", None)  # as of a run trained on identities alone
    done = run("embed", indexed.folder, "--out", tmp_path / "vectors", "--csv", tmp_path / "x.csv")
    assert isinstance(done.exception, ArgumentError)
    assert "--csv: the run has no classifiers" in str(done.exception)
    assert not (tmp_path / "vectors").exists()
