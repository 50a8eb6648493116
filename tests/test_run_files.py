"""Whatever happens to a file of a run: what reads it says so in a line, or reads what was written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.corruption_kinds import damages
from metric_face.adopt import adopt
from metric_face.embeddings.description import logits_file
from metric_face.embeddings.embeddings import Embeddings
from metric_face.errors import FileFormatError, MetricFaceError
from metric_face.files.checked_files import read_json, write_json
from metric_face.files.rules import TEXT, WHOLE
from metric_face.files.run_files import begin_run, check_run, seal_run
from metric_face.models.onnx import OnnxEmbedder
from metric_face.run import Run

READERS: dict[str, Callable[[Run], Any]] = {
    "config.yaml": lambda run: run.config,
    "run.json": lambda run: run.facts,
    "images.parquet": lambda run: run.table.frame.to_csv(),
    "metrics.csv": lambda run: run.log.to_csv(),
    "model.json": lambda run: (run.card, run.space, run.transform),
    "model.safetensors": lambda run: {n: v.tolist() for n, v in run.model.state_dict().items()},
    "model.onnx": lambda run: OnnxEmbedder(
        run.folder / "model.onnx", fingerprint=run.fingerprint, digest=run.card["onnx"]
    )(np.ones((1, 3, 32, 32), np.float32)).tolist(),
    "embeddings/embeddings.json": lambda run: _all(run.embeddings()),
    "embeddings/vectors.npy": lambda run: _all(run.embeddings()),
    "embeddings/images.parquet": lambda run: _all(run.embeddings()),
    "embeddings/stamps.parquet": lambda run: _all(run.embeddings()),
    f"embeddings/{logits_file('color')}": lambda run: _all(run.embeddings()),
}


def _all(stored: Embeddings) -> Any:
    assert stored.stamps is not None
    tables = stored.table.frame.to_csv(), stored.stamps.to_csv()
    logits = {name: values.tolist() for name, values in stored.logits.items()}
    return stored.vectors.tolist(), logits, *tables, stored.fingerprint, str(stored.table.root)


@pytest.fixture
def copy(indexed: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed.folder, tmp_path / "run"))


@pytest.mark.parametrize("name", READERS)
def test_damage_is_one_line_or_changes_nothing(copy: Path, name: str, tmp_path: Path) -> None:
    file, spare = copy / name, tmp_path / "spare"
    whole = READERS[name](Run.open(copy))
    shutil.copyfile(file, spare)
    refused = 0
    for damage, do in damages(file, None, seed=3):
        do(file)
        said = ""
        try:
            found = READERS[name](Run.open(copy))
        except MetricFaceError as error:
            said = str(error)
        if said:
            refused += 1
            assert "\n" not in said, damage
            assert str(copy) in said, damage
        elif not damage.endswith("signed"):  # a value of the right form, recorded anew, is what was written
            assert found == whole, damage
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
        shutil.copyfile(spare, file)
    assert refused >= 15


def test_swapped_classes_are_noticed(copy: Path) -> None:
    card = json.loads((copy / "model.json").read_text("utf-8"))
    card["label_space"][0]["classes"].reverse()
    (copy / "model.json").write_text(json.dumps(card), "utf-8")
    with pytest.raises(
        FileFormatError, match=r"model\.json: altered, its checksum does not match; restore it"
    ):
        _ = Run.open(copy).space
    write_json(copy / "model.json", card, version=card["format"])  # even where the checksum is made anew
    with pytest.raises(FileFormatError, match=r"model\.json: altered, its fingerprint does not match"):
        _ = Run.open(copy).space


def test_embeddings_hold_the_checksum_of_every_file(copy: Path) -> None:
    file = copy / "embeddings" / "embeddings.json"
    content = json.loads(file.read_text("utf-8"))
    for listed in ({}, {"vectors.npy": content["sha256"]["vectors.npy"]}):
        write_json(file, {**content, "sha256": listed}, version=content["format"])
        with pytest.raises(
            FileFormatError, match=r"must hold the checksums of vectors\.npy, images\.parquet, stamps"
        ):
            Run.open(copy).embeddings()


def test_a_file_of_another_run_is_refused(copy: Path, tmp_path: Path) -> None:
    run = Run.open(copy)
    log = run.log
    log.iloc[::-1].to_csv(copy / "metrics.csv", index=False)
    with pytest.raises(
        FileFormatError, match=r"metrics\.csv: truncated or altered, its checksum is not that of run"
    ):
        _ = Run.open(copy).log
    frame = pd.read_parquet(copy / "images.parquet")
    frame.iloc[::-1].to_parquet(copy / "images.parquet", index=False)
    with pytest.raises(FileFormatError, match=r"images\.parquet: truncated or altered"):
        check_run(copy)


def test_a_run_that_was_changed_on_purpose_can_be_adopted(copy: Path) -> None:
    text = (copy / "config.yaml").read_text("utf-8")
    (copy / "config.yaml").write_text(text.replace("seed: 0", "seed: 5"), "utf-8")
    with pytest.raises(FileFormatError, match=r"take it as it is with `python -m metric_face\.adopt "):
        _ = Run.open(copy).config
    assert len(adopt(copy)) == 1
    assert Run.open(copy).config.seed == 5
    facts = json.loads((copy / "run.json").read_text("utf-8"))
    old = {key: value for key, value in facts.items() if key not in ("format", "files", "checksum")}
    (copy / "run.json").write_text(json.dumps(old))
    with pytest.raises(FileFormatError, match=r"run\.json: format None, this version reads 2; .*adopt"):
        _ = Run.open(copy).facts
    adopt(copy)
    assert Run.open(copy).facts["ended"] == "complete"


def test_a_training_killed_while_it_starts_again_leaves_a_run(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, text = Run.open(copy).facts, (copy / "config.yaml").read_text("utf-8")

    def killed(*arguments: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr("metric_face.files.run_files.write_text", killed)
        with pytest.raises(SystemExit):
            begin_run(copy, facts, text + "\n", None)
    assert Run.open(copy).config.seed == 0  # run.json is new, config.yaml is old
    begin_run(copy, facts, text + "\n", None)
    assert Run.open(copy).config.seed == 0
    seal_run(copy, facts)
    (copy / "config.yaml").write_text(text, "utf-8")
    with pytest.raises(FileFormatError, match=r"config\.yaml: truncated or altered"):
        _ = Run.open(copy).config


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"format": 1, "format": 1}', "the key 'format' occurs twice"),
        ("[" * 100_000, "truncated or not JSON"),
        ("[]", "must hold a JSON object, found []"),
        ('{"format": 9}', "format 9, this version reads 1"),
        ('{"format": 1, "name": "a"}', "altered, its checksum does not match"),
    ],
)
def test_what_is_no_file_of_ours_is_reported(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(FileFormatError) as caught:
        read_json(file, {"name": TEXT}, version=1, remedy="do it again")
    assert line in str(caught.value)
    assert str(caught.value).endswith("; do it again")


def test_values_follow_their_rules(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"name": "x", "count": True}, version=1)
    with pytest.raises(
        FileFormatError, match="count must be a whole number of at least 0, found True; again"
    ):
        read_json(file, {"name": TEXT, "count": WHOLE}, version=1, remedy="again")
    write_json(file, {"name": "x"}, version=1)
    with pytest.raises(FileFormatError, match="lacks 'count'; again"):
        read_json(file, {"name": TEXT, "count": WHOLE}, version=1, remedy="again")
    assert read_json(file, {"name": TEXT}, version=1, remedy="", maybes={"count": WHOLE})["name"] == "x"


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("best", -1, "a score from 0 to 1, or -Infinity"),
        ("best", 1.5, "a score from 0 to 1, or -Infinity"),
        ("seconds", -1, "a number of at least 0"),
        ("seconds", float("inf"), "a number of at least 0"),
    ],
)
def test_a_value_that_no_training_writes_is_refused(copy: Path, key: str, value: float, rule: str) -> None:
    facts = json.loads((copy / "run.json").read_text("utf-8"))
    write_json(copy / "run.json", {**facts, key: value}, version=facts["format"])
    with pytest.raises(FileFormatError, match=rf"run\.json: {key} must be {rule}, found"):
        _ = Run.open(copy).facts


def test_a_run_is_named_by_a_text_as_well(indexed: Run) -> None:
    run = Run(str(indexed.folder))  # type: ignore[arg-type]
    assert run == Run.open(indexed.folder)
    assert len(run.table) == len(indexed.table)
