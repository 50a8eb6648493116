"""Weights and card to and from a folder and a Hub of this process; what was altered on the way is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from metric_face.errors import ArgumentError, DownloadError, FileFormatError, OutputError
from metric_face.integrations import from_pretrained, push
from metric_face.integrations.model_readme import model_readme
from metric_face.models.card import write_card
from metric_face.run import Run
from tests.hub_server import Hub, serving

pytestmark = pytest.mark.slow
NAMES = {"README.md", "model.json", "model.onnx", "model.safetensors"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # which the tests are, but for this Hub
    with serving() as served:
        yield served


def api(hub: Hub) -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub.url, token="hf_none")


def test_a_folder_holds_what_loads_again(indexed: Run, toy: Path, tmp_path: Path) -> None:
    place = push(indexed, tmp_path / "published")
    assert {file.name for file in (tmp_path / "published").iterdir()} == NAMES
    found = from_pretrained(place)
    assert found.card["fingerprint"] == indexed.fingerprint
    assert (found.transform, found.space) == (indexed.transform, indexed.space)
    files = sorted((toy / "images").iterdir())[:3]
    stored = {path: row for row, path in enumerate(indexed.embeddings().table.paths)}
    wanted = indexed.embeddings().vectors[[stored[file] for file in files]]
    np.testing.assert_allclose(found.embed(files), wanted, atol=1e-4)
    assert found.embed([]).shape == (0, 16)
    mirrored = np.flip(np.stack([found.transform(file) for file in files]), 3).copy()
    with torch.inference_mode():
        flipped = found.model(torch.from_numpy(mirrored)).embedding.numpy()
    np.testing.assert_allclose(found.embed(files, tta="flip"), (wanted + flipped) / 2, atol=1e-4)
    assert not np.allclose(flipped, wanted, atol=1e-2)
    with pytest.raises(ArgumentError, match=r"tta .*must be one of none, flip, crops"):
        found.embed([], tta="mirror")
    readme = (tmp_path / "published" / "README.md").read_text()
    assert indexed.fingerprint in readme
    assert str(indexed.folder) not in readme
    assert str(toy) not in readme
    push(indexed, tmp_path / "published")  # again, over its own


def test_the_hub_takes_one_commit_and_gives_it_back(indexed: Run, hub: Hub, tmp_path: Path) -> None:
    place = push(indexed, "hf-hub:me/faces", api=api(hub))
    assert hub.repository is not None
    assert (hub.repository["name"], hub.repository["organization"]) == ("faces", "me")
    assert sum("/commit/" in line for line in hub.asked) == 1
    assert set(hub.files) == NAMES
    found = from_pretrained(place, cache=tmp_path / "cache", endpoint=hub.url)
    assert found.card == indexed.card
    assert found.model.state_dict().keys() == indexed.model.state_dict().keys()


def test_what_was_altered_on_the_way_is_refused(indexed: Run, hub: Hub, tmp_path: Path) -> None:
    push(indexed, "hf-hub:me/faces", api=api(hub))
    weights = bytearray(hub.files["model.safetensors"])
    weights[-1] ^= 1
    hub.files["model.safetensors"] = bytes(weights)
    with pytest.raises(FileFormatError, match=r"model\.safetensors.*fetch it again"):
        from_pretrained("hf-hub:me/faces", cache=tmp_path / "cache", endpoint=hub.url)


def test_a_card_that_loads_other_files_is_refused(indexed: Run, tmp_path: Path) -> None:
    push(indexed, tmp_path / "published")
    card = json.loads((tmp_path / "published" / "model.json").read_text())
    for change in ({"arguments": {"checkpoint_path": "evil.pth"}}, {"backbone": "hf-hub:evil/evil"}):
        write_card(tmp_path / "published", {**card, "architecture": {**card["architecture"], **change}})
        with pytest.raises(
            FileFormatError, match=r"must describe an architecture alone, found .*which loads other"
        ):
            from_pretrained(tmp_path / "published")


def test_refusals_are_one_line(indexed: Run, hub: Hub, tmp_path: Path) -> None:
    hub.refuses = True
    with pytest.raises(OutputError, match="hf-hub:me/faces: cannot be published") as refused:
        push(indexed, "hf-hub:me/faces", api=api(hub))
    assert "\n" not in str(refused.value)
    with pytest.raises(DownloadError, match="hf-hub:me/faces: cannot be fetched") as refused_again:
        from_pretrained("hf-hub:me/faces", cache=tmp_path, endpoint=hub.url)
    assert "\n" not in str(refused_again.value)
    for place in ("hf-hub:faces", "hf-hub:a/b/c", "hf-hub:", "hf-hub:../x"):
        with pytest.raises(ArgumentError, match="must be hf-hub:OWNER/NAME or a folder"):
            from_pretrained(place)
    with pytest.raises(FileFormatError, match=r"model\.json: missing"):
        from_pretrained(tmp_path / "none")
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(OutputError, match=r"README\.md: is not of a published model"):
        push(indexed, tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_nobody_is_asked_for_ever(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(DownloadError, match="cannot be fetched"):
        from_pretrained("hf-hub:me/faces", cache=tmp_path, endpoint="http://127.0.0.1:9")


def test_names_are_text_in_the_readme(indexed: Run) -> None:
    card = {**indexed.card, "label_space": [{"name": "<b>`x`", "classes": ["```"], "cuts": None}]}
    text = model_readme(card, "a*b\n# c", "hf-hub:a/b", 16)
    assert "# a\\*b \\# c" in text
    assert "\\<b\\>" in text
    assert text.count("```") == 4
