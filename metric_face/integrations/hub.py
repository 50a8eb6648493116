"""Weights and card to and from the Hugging Face Hub, or a folder: safetensors with their checksums, nothing pickled."""

import shutil
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from metric_face.arrays import Floats
from metric_face.averaging import averaged, checked_tta
from metric_face.errors import ArgumentError, DownloadError, FileFormatError, OutputError
from metric_face.extras import named_extras
from metric_face.files import check_digest, write_atomically, write_text
from metric_face.integrations.model_readme import model_readme
from metric_face.run import Run

if TYPE_CHECKING:
    from metric_face.data import EvalTransform, ImageInput, LabelSpace
    from metric_face.models import EmbeddingModel

HUB = "hf-hub:"
_FILES = ("model.json", "model.safetensors", "model.onnx")
_LOADS_FILES = frozenset(
    {"checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"}
)


@dataclass(frozen=True)
class Pretrained:
    """A model that was published, with what it takes to use it.

    Attributes:
        folder: where its files are.
        card: ``model.json``.
    """

    folder: Path
    card: dict[str, Any]

    def __repr__(self) -> str:
        return f"Pretrained({self.card['architecture']['backbone']}, {self.card['fingerprint']})"

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Read and check the card of a folder, and the checksums of the files that it names.

        Raises:
            FileFormatError: a file is missing or altered, or the card would load other files.
        """
        from metric_face.models import read_card

        card = read_card(folder)
        architecture = card["architecture"]
        foreign = _LOADS_FILES & set(architecture.get("arguments") or {})
        if foreign or ":" in str(architecture.get("backbone")):
            found = ", ".join(sorted(foreign)) or architecture["backbone"]
            raise FileFormatError(
                f"{folder / 'model.json'}: must describe an architecture alone, found {found}, which loads other files"
            )
        for name, key in (("model.safetensors", "sha256"), ("model.onnx", "onnx")):
            if key == "sha256" or (card[key] is not None and (folder / name).exists()):
                check_digest(folder / name, [card[key]], by="model.json", remedy="fetch it again")
        return cls(folder, card)

    @cached_property
    def model(self) -> "EmbeddingModel":
        """The network, in evaluation mode."""
        from metric_face.models import load_model

        return load_model(self.folder)

    @property
    def transform(self) -> "EvalTransform":
        """How it wants its images."""
        from metric_face.data import EvalTransform

        return EvalTransform.from_dict(self.card["transform"])

    @property
    def space(self) -> "LabelSpace | None":
        """What its heads predict, or None."""
        from metric_face.data import LabelSpace

        return None if self.card["label_space"] is None else LabelSpace.from_dict(self.card["label_space"])

    def embed(self, images: "list[ImageInput]", *, tta: str = "none") -> Floats:
        """Embed images: files, arrays or pictures; (N, D) float32.

        Args:
            images: N of them.
            tta: what each vector is averaged over, as ``model.tta`` of the run that was published: ``none``, ``flip``,
                ``crops`` or ``flip+crops``.

        Raises:
            ArgumentError: there is no such test-time augmentation.
            ImageError: an image cannot be read.
        """
        import torch

        tta, width = checked_tta(tta), self.model.widths[0]
        if not len(images):
            return np.empty((0, width), np.float32)
        pixels = np.stack([self.transform(image, f"image {row}") for row, image in enumerate(images)])

        def embed(images: Floats) -> Floats:
            with torch.inference_mode():
                vectors: Floats = self.model(torch.from_numpy(images.copy())).embedding.float().numpy()
            return vectors

        return averaged(embed, pixels, tta)


def push(
    run: Run | str | Path,
    target: str | Path,
    *,
    private: bool = True,
    token: str | None = None,
    api: Any = None,
) -> str:
    """Publish the weights and the card of a run, in one commit; no image, path or label of an image goes along.

    Args:
        run: a run, or its folder.
        target: ``hf-hub:OWNER/NAME``, or a folder.
        private: whether a repository that is made here is private.
        token: of the Hub; None takes what its own login has.
        api: a ``huggingface_hub.HfApi``, for another endpoint.

    Returns:
        What :func:`from_pretrained` takes: the target.

    Raises:
        ArgumentError: the target names no repository.
        FileFormatError: a file of the run is altered.
        MissingExtraError: huggingface_hub is not installed.
        OutputError: the Hub refuses, or cannot be reached; nothing was published.
    """
    opened = Run.open(run)
    found = Pretrained.at(opened.folder)
    place = str(target)
    name = place.removeprefix(HUB).partition("@")[0].rstrip("/").rpartition("/")[2]
    readme = model_readme(found.card, name, place, found.model.widths[0])
    files = [opened.folder / file for file in _FILES if (opened.folder / file).exists()]
    if not place.startswith(HUB):
        home = Path(target)
        if (home / "README.md").exists() and "library_name: metric_face" not in (
            home / "README.md"
        ).read_text("utf-8"):
            raise OutputError(f"{home / 'README.md'}: is not of a published model; name another folder")
        for file in (*files[1:], files[0]):  # the card last: what it names is there
            write_atomically(home / file.name, partial(shutil.copyfile, file))
        write_text(home / "README.md", readme)
        return place
    repository, _ = _repository(place)
    with named_extras():
        from huggingface_hub import CommitOperationAdd, HfApi
    api = HfApi(token=token) if api is None else api
    added = [CommitOperationAdd(file.name, str(file)) for file in files]
    added.append(CommitOperationAdd("README.md", readme.encode()))
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        api.create_commit(repository, added, commit_message=f"metric_face model {found.card['fingerprint']}")
    except Exception as error:  # of huggingface_hub, of its HTTP client, or of the system
        raise OutputError(
            f"{place}: cannot be published ({_reason(error)}); log in, or check the name"
        ) from None
    return place


def from_pretrained(
    source: str | Path,
    *,
    token: str | None = None,
    cache: str | Path | None = None,
    endpoint: str | None = None,
) -> Pretrained:
    """Open a model that :func:`push` published.

    Args:
        source: ``hf-hub:OWNER/NAME``, perhaps with ``@REVISION``; or a folder, such as that of a run.
        token: of the Hub; None takes what its own login has.
        cache: where downloads are kept; default the Hub's own place.
        endpoint: of another Hub.

    Returns:
        The model; what was fetched before needs no network.

    Raises:
        ArgumentError: the source names no repository.
        DownloadError: the Hub has no such model, or cannot be reached.
        FileFormatError: a file is missing or not what its checksum says.
        MissingExtraError: huggingface_hub is not installed.
    """
    place = str(source)
    if not place.startswith(HUB):
        return Pretrained.at(Path(source))
    repository, revision = _repository(place)
    with named_extras():
        from huggingface_hub import snapshot_download
    kept = None if cache is None else str(cache)
    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            cache_dir=kept,
            allow_patterns=list(_FILES),
            token=token,
            endpoint=endpoint,
        )
    except Exception as error:  # of huggingface_hub, of its HTTP client, or of the system
        raise DownloadError(
            f"{place}: cannot be fetched ({_reason(error)}); check the name and the network"
        ) from None
    return Pretrained.at(Path(folder))


def _repository(place: str) -> tuple[str, str | None]:
    """OWNER/NAME and the revision, if one is named."""
    repository, _, revision = place.removeprefix(HUB).partition("@")
    parts = repository.split("/")
    if len(parts) != 2 or not all(parts) or any(part.startswith(".") for part in parts):
        raise ArgumentError(f"target must be {HUB}OWNER/NAME or a folder, found {place!r}")
    return repository, revision or None


def _reason(error: BaseException) -> str:
    first = next(iter(str(error).split("\n")), "").strip()
    return (first or type(error).__name__)[:160]
