"""Adopt a run as it is: ``python -m metric_face.adopt RUN``.

For a run of an older version, and for one whose files were changed on purpose: the checksums of what can be read are
recorded anew.
"""

import sys
from pathlib import Path
from typing import Any

from metric_face.errors import FileFormatError, MetricFaceError
from metric_face.files import build, digest_of, parse_json, seal_run, sha256_of
from metric_face.models import write_card
from metric_face.visible import shell_word, visible


def adopt(folder: str | Path) -> list[str]:
    """Record the checksums of the files of a run as they are, once each of them could be read.

    Args:
        folder: the run directory.

    Returns:
        What was done, a sentence each.

    Raises:
        FileFormatError: a file is missing or cannot be read at all; nothing is changed.
    """
    from metric_face.config import load_config
    from metric_face.run import Run

    home, remedy = Path(folder), "restore it, or train again"
    facts = parse_json(home / "run.json", remedy=remedy)
    if not isinstance(facts.get("data_root"), str):
        raise FileFormatError(f"{home / 'run.json'}: must say the data_root; {remedy}")
    load_config(home / "config.yaml")
    card: dict[str, Any] | None = None
    if (home / "model.json").is_file():
        card = parse_json(home / "model.json", remedy=remedy)
        weights, onnx = home / "model.safetensors", home / "model.onnx"
        stated = str(card.get("sha256")).partition(":")[0]  # format 1 gave no size
        if not weights.is_file() or sha256_of(weights) != stated:
            raise FileFormatError(f"{weights}: not the weights of model.json; {remedy}")
        card["sha256"] = digest_of(weights)
        card["onnx"] = digest_of(onnx) if onnx.is_file() else None
        before = card.get("fingerprint")
    done = [f"{home}: config.yaml, images.parquet, metrics.csv and model.json are recorded as they are"]
    if (
        card is not None
        and build(lambda: write_card(home, card), home / "model.json", remedy=remedy) != before
    ):
        done.append(
            f"its model has a new fingerprint; run `metric-face embed {shell_word(home)}` and "
            f"`metric-face index {shell_word(home)}`"
        )
    seal_run(home, facts)
    run = Run.open(home)
    _ = run.config, run.table
    return done


def main() -> None:
    """Adopt the run that is named."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m metric_face.adopt RUN")
    try:
        for line in adopt(sys.argv[1]):
            print(visible(line))
    except MetricFaceError as error:
        sys.exit(f"error: {visible(error)}")


if __name__ == "__main__":
    main()
