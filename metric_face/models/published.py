"""What others publish, fetched once: weights and descriptions from the Hugging Face Hub, or by address.

What is in the cache is used without a look at the network. Without a network the answer comes within seconds, since the
Hub is asked once, with a time limit, before anything is downloaded.
"""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from torch import Tensor

from metric_face.errors import DownloadError
from metric_face.models.tensors import read_tensors

WEIGHT_FILES = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)
"""Of a repository, in the order they are looked for; of the last two tensors alone are read."""
_SECONDS = 5.0
"""What the first answer of a server may take."""


def published_weights(configuration: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights that a timm configuration (``pretrained_cfg``) points to.

    Raises:
        DownloadError: there are none, or they cannot be had.
        FileFormatError: what was fetched holds more than tensors.
    """
    folder = configuration.get("file") if configuration.get("source") == "local-dir" else None
    if folder:
        file = next((Path(folder) / name for name in WEIGHT_FILES if (Path(folder) / name).is_file()), None)
        if file is None:
            raise DownloadError(f"{folder}: holds none of {', '.join(WEIGHT_FILES)}")
        return read_tensors(file)
    if configuration.get("hf_hub_id"):
        return read_tensors(fetch(str(configuration["hf_hub_id"]), WEIGHT_FILES))
    if configuration.get("url"):
        return read_tensors(_fetch_address(str(configuration["url"])))
    raise DownloadError("timm publishes none for it")


def fetch(repository: str, names: tuple[str, ...]) -> Path:
    """The first of some files that a repository of the Hub holds, from the cache or downloaded into it.

    Args:
        repository: ``OWNER/NAME``, with ``@REVISION`` for one of its revisions.
        names: files, in the order they are looked for.

    Raises:
        DownloadError: none of them can be had; one line says why.
    """
    try:
        import huggingface_hub
        from huggingface_hub import constants
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
    except ImportError:
        raise DownloadError("huggingface_hub is not installed; pip install huggingface_hub") from None
    owner, _, revision = repository.partition("@")
    for name in names:
        cached = huggingface_hub.try_to_load_from_cache(owner, name, revision=revision or None)
        if isinstance(cached, str):
            return Path(cached)
    if constants.HF_HUB_OFFLINE:
        raise DownloadError(f"{owner} is not in the cache, and HF_HUB_OFFLINE is set")
    _check_reachable(
        constants.ENDPOINT,
        lambda: huggingface_hub.get_session().head(constants.ENDPOINT, timeout=_SECONDS),
    )
    for name in names:
        try:
            return Path(
                huggingface_hub.hf_hub_download(owner, name, revision=revision or None, etag_timeout=_SECONDS)
            )
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise DownloadError(f"{owner} cannot be fetched ({_line(error)})") from error
    raise DownloadError(f"{owner} holds none of {', '.join(names)}")


def _fetch_address(address: str) -> Path:
    import torch

    place = urlparse(address)
    file = Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(place.path)
    if file.suffix not in (".pth", ".pt", ".safetensors"):
        raise DownloadError(f"timm publishes them as {file.name} alone, which is not read here")
    if file.is_file():
        return file
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise DownloadError(f"{file.name} is not in the cache, and HF_HUB_OFFLINE is set")
    import urllib.request

    host = f"{place.scheme}://{place.netloc}"
    request = urllib.request.Request(host, method="HEAD")
    _check_reachable(host, lambda: urllib.request.urlopen(request, timeout=_SECONDS).close())
    digest = torch.hub.HASH_REGEX.search(file.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(
            address, str(file), hash_prefix=digest[1] if digest else None, progress=False
        )
    except (OSError, RuntimeError) as error:
        raise DownloadError(f"{address} cannot be fetched ({_line(error)})") from error
    return file


def _check_reachable(place: str, ask: Callable[[], object]) -> None:
    """Refuse a server that gives no answer; any answer will do, and looking up its name counts as well."""
    problem: list[str] = [f"no answer within {_SECONDS:g} s"]

    def call() -> None:
        try:
            ask()
            problem.clear()
        except Exception as error:  # of whichever HTTP library answers; an answer with an error status is one
            if getattr(error, "code", None) is None and getattr(error, "response", None) is None:
                problem[:] = [_line(error)]
            else:
                problem.clear()

    # A name server that does not answer heeds no time limit of ours, so it is not waited for.
    asking = threading.Thread(target=call, daemon=True)
    asking.start()
    asking.join(_SECONDS)
    if problem:
        raise DownloadError(f"{place} cannot be reached ({problem[0]})")


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:120] if text else type(error).__name__
