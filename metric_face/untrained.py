"""embed_backbone: a run without a training, whose vectors are the features of a pretrained backbone as they are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from metric_face.config import Config, dump_config, load_config
from metric_face.data import (
    ImageTable,
    LabelSpace,
    PreparedData,
    find_broken,
    listed,
    obvious_attributes,
    refuse_broken,
    split_table,
)
from metric_face.embedding import Embedded, embed
from metric_face.errors import ArgumentError, ConfigError, DataError, OutputError
from metric_face.files import begin_run, read_facts, seal_run
from metric_face.models import read_card, record_onnx, save_model
from metric_face.plurals import counted
from metric_face.progress import Progress, Say, silent
from metric_face.run import UNTRAINED, Run
from metric_face.training import (
    StartingPoint,
    choose_start,
    first_facts,
    hold_run_folder,
    transform_of,
    write_onnx,
)


def embed_backbone(
    images: str | Path,
    backbone: str,
    folder: str | Path,
    *,
    weights: str | Path | None = None,
    overrides: Sequence[str] = (),
    batch_size: int = 64,
    precision: str = "auto",
    say: Say = silent,
    progress: Progress = silent,
) -> Embedded:
    """Embed images with a pretrained backbone as it is, and leave a run that every other command opens.

    Labels, identities and split are read as a training reads them; where that cannot be, the images are taken without
    them and a line says why. An interrupted call goes on where it stopped.

    Args:
        images: a folder of images, of class folders, or a CSV or Parquet table.
        backbone: any timm model by name, as ``model.backbone``.
        folder: the run directory to make; one that this function made is made anew.
        weights: a local file of weights, or the folder of a run; default timm's published ones.
        overrides: ``section.key=value`` of the configuration, such as ``data.attributes=[gender]``.
        batch_size, precision: as for :func:`metric_face.embed`.
        say: called with each line that a user should know of.
        progress: called with (images done, images in all).

    Returns:
        The vectors, memory-mapped, as in ``folder/embeddings``; images that cannot be used are left out and noted.

    Raises:
        ConfigError: no weights can be had, or a key or a value is wrong.
        DataError: no image can be used.
        OutputError: the folder holds a training or something else, or another command writes it.

    Example:
        >>> metric_face.embed_backbone("photos", "resnet18", "E").embeddings.vectors.shape
        (1200, 512)
        >>> metric_face.build_index("E").save("E/index")
    """
    given: dict[str, Any] = {"data.path": str(images), "model.backbone": backbone}
    given |= {"model.embedding_size": None, "model.neck": "none"}
    if weights is not None:
        given["model.weights"] = str(weights)
    config = load_config(None, overrides, given)
    home = Path(folder)
    table = ImageTable.read(images, box=config.data.box)
    for line in table.notes:
        say(line)
    with hold_run_folder(folder):
        if (home / "config.yaml").is_file() and read_facts(home).get("ended") != UNTRAINED:
            raise OutputError(f"{home}: holds a training; name another folder with --out")
        config, start = _start(config, say)
        say = _once(say)

        def work(table: ImageTable, dropped: Sequence[str]) -> Embedded:
            run = _make_run(home, config, start, _labeled(table, config, dropped, say), say)
            return embed(run, batch_size=batch_size, precision=precision, say=say, progress=progress)

        try:
            return work(table, ())
        except DataError:
            broken = find_broken(table.paths)
            if not broken:
                raise
            if len(broken) == len(table):
                refuse_broken(broken)
        kept = np.setdiff1d(np.arange(len(table)), list(broken))
        lines = list(broken.values())
        names = [str(table.frame["path"].iloc[row]) for row in broken]
        note = f"{counted(len(lines), 'images')} cannot be used: {listed(names)}; the first: {lines[0]}"
        return replace(work(table.take(kept), lines), notes=(note,), complete=False)


def _once(say: Say) -> Say:
    """Say each line once; what there is to say of the images is the same when a broken one was left out."""
    known: set[str] = set()

    def new(line: str) -> None:
        if line not in known:
            known.add(line)
            say(line)

    return new


def _start(config: Config, say: Say) -> tuple[Config, StartingPoint]:
    """The configuration with size and preprocessing settled, and the weights, which must be trained ones."""
    name = config.model.backbone
    quiet: list[str] = []
    settled, start = choose_start(config, quiet.append)
    if not start.trained:
        raise ConfigError(
            f"--backbone {name}: no published weights can be had ({start.facts['note']}); give a file with "
            "--weights FILE (.safetensors or .pth of timm's names)"
        )
    for line in quiet:
        say(line)
    return settled, start


def _labeled(table: ImageTable, config: Config, dropped: Sequence[str], say: Say) -> PreparedData:
    """Classes and split as far as the table has them; what was asked for by name is insisted on."""
    data = config.data
    space = None
    if data.attributes != []:
        try:
            names = data.attributes or obvious_attributes(table)
            space = LabelSpace.of(table, data.attributes and names, data.bins)
            split, notes = split_table(table, space, data)
            return PreparedData(split, space, tuple(dropped), tuple(notes))
        except (ArgumentError, DataError) as error:
            if data.attributes is not None:
                raise
            say(_without_classes(table, error))
    try:
        split, notes = split_table(table, None, data)
    except DataError as error:
        say(f"the images are not split: {error}")
        return PreparedData(table, None, tuple(dropped), ())
    return PreparedData(split, None, tuple(dropped), tuple(notes))


def _without_classes(table: ImageTable, error: Exception) -> str:
    if "label" in table.attributes or not table.attributes:
        who = "by identity" if table.identities is not None else "without labels"
        reason = f" ({error})" if "label" in table.attributes else ""
        return f"the images are taken {who}{reason}"
    return (
        f"no column is taken for a class; the table has {', '.join(table.attributes)}: name those to predict with "
        "--set data.attributes=[NAME]"
    )


def _make_run(home: Path, config: Config, start: StartingPoint, data: PreparedData, say: Say) -> Run:
    """Write what a training would leave, in its order: settings and images, the model, and the seal."""
    for line in data.notes:
        say(line)
    if data.space is None:
        settings = config.data.model_copy(update={"attributes": []})
        config = config.model_copy(update={"data": settings})
    facts = {
        **first_facts(data),
        "start": dict(start.facts),
        "ended": UNTRAINED,
    }
    home.mkdir(parents=True, exist_ok=True)
    begin_run(home, facts, dump_config(config), data.table.save)
    onnx = _onnx_of(home)
    model = start.build(config, {}, say).eval()
    fingerprint = save_model(home, model, transform_of(config), data.space, start.facts)
    if onnx is not None and onnx == fingerprint:
        record_onnx(home)
    elif config.trainer.export_onnx:
        write_onnx(home, model, transform_of(config), data.table, fingerprint, say)
    seal_run(home, facts)
    return Run.open(home)


def _onnx_of(home: Path) -> str | None:
    """The fingerprint of the model that ``model.onnx`` holds, left by an earlier call; None where there is none."""
    if not (home / "model.json").is_file() or not (home / "model.onnx").is_file():
        return None
    card = read_card(home)
    return None if card["onnx"] is None else str(card["fingerprint"])
