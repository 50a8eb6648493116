"""audit_source: data, split and sampler of a run that has not been started, in one dry pass."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from metric_face.config import Config, load_config, recipes
from metric_face.data.findings import InspectionReport
from metric_face.data.inspection import inspect_data
from metric_face.data.labels import LabelSpace
from metric_face.data.preparation import split_table
from metric_face.data.table import ImageTable
from metric_face.errors import ArgumentError, ConfigError, DataError
from metric_face.trainer.loaders import make_sampler, metric_labels
from metric_face.trainer.objective import METRIC


def audit_source(
    source: str | Path,
    overrides: Sequence[str] = (),
    *,
    fixed: Sequence[str] = (),
    progress: Callable[[int, int], object] | None = None,
) -> InspectionReport:
    """Audit what a training would get.

    Args:
        source: images (a folder, CSV or Parquet file), or a configuration (YAML) that names them.
        overrides: ``section.key=value`` of the configuration.
        fixed: attributes that two images of a person cannot differ in, such as gender.
        progress: called with (images just read, images in all).

    Returns:
        The report.

    Raises:
        ConfigError: the configuration names no images, or a sampler that cannot be made.
        DataError: the table cannot be read.
    """
    config = _configuration(source, overrides)
    table = ImageTable.read(config.data.path)
    space = _label_space(table, config)
    if not table.splits:
        complete = space if space is not None and _is_complete(table, space) else None
        table, _ = split_table(table, complete, config.data)
    sampler, labels = _sampler(table, space, config)
    return inspect_data(
        table,
        space,
        sampler=sampler,
        sampler_labels=labels,
        fixed=fixed,
        seed=config.seed,
        progress=None if progress is None else lambda count: progress(count, len(table)),
    )


def _configuration(source: str | Path, overrides: Sequence[str]) -> Config:
    path = Path(source)
    is_recipe = str(source) in recipes() and not path.exists()
    if is_recipe or (path.suffix.lower() in (".yaml", ".yml") and not path.is_dir()):
        config = load_config(source, overrides)
        if not config.data.path:
            raise ConfigError(f"{source}: data.path must name the images; add it, or --set data.path=FOLDER")
        return config
    return load_config("small", overrides, {"data.path": path})


def _label_space(table: ImageTable, config: Config) -> LabelSpace | None:
    if config.data.attributes is not None and not config.data.attributes:
        return None
    try:
        return LabelSpace.of(table, config.data.attributes, config.data.bins)
    except ArgumentError:
        if config.data.attributes is not None:
            raise
        return None  # nothing says what is to be predicted; the audit of the data goes on without


def _is_complete(table: ImageTable, space: LabelSpace) -> bool:
    return not table.frame[list(space.names)].isna().any(axis=None)


def _sampler(table: ImageTable, space: LabelSpace | None, config: Config) -> tuple[Any, Any]:
    """The sampler of the training part; (None, None) where the labels do not allow one."""
    if "train" not in table.splits or not config.identity_batches:
        return None, None
    train = table.part("train")
    try:
        codes = {METRIC: metric_labels(train, space, config.loss.label)}
    except DataError:  # labels are missing; the audit says which
        return None, None
    return make_sampler(train, codes, config), codes[METRIC]
