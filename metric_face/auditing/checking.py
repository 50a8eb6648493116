"""audit: data, split and sampler of a run that has not been started, in one dry pass."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from metric_face.auditing.findings import DataFinding, InspectionReport
from metric_face.auditing.inspection import inspect_data
from metric_face.auditing.label_columns import label_columns_of
from metric_face.batches import METRIC
from metric_face.config import Config, load_config, recipes
from metric_face.data import ImageTable, LabelSpace, PreparedData, split_table
from metric_face.errors import ConfigError, MetricFaceError
from metric_face.progress import Progress, silent
from metric_face.training import TrainingPlan, get_ready, opposed_attributes


def audit(
    source: str | Path,
    overrides: Sequence[str] = (),
    *,
    fixed: Sequence[str] = (),
    progress: Progress = silent,
) -> InspectionReport:
    """Audit what a training would get.

    The images are prepared and the settings checked exactly as a training does it. Where it would refuse, the
    report says so with the training's own words, and continues with the checks of the images.

    Args:
        source: images (a folder, CSV or Parquet file), or a configuration (YAML) that names them.
        overrides: ``section.key=value`` of the configuration.
        fixed: attributes that two images of an identity cannot differ in, such as gender.
        progress: called with (images read, images in all).

    Returns:
        The report; its ``refusal`` says why a training would refuse, and is empty where it would begin.

    Raises:
        ConfigError: the configuration names no images, or is not one.
        DataError: the table cannot be read, so that there is nothing to look at.

    Example:
        >>> report = metric_face.audit("photos/", ["sampler.instances=8"])
        >>> report.refusal
        ''
    """
    config = _configuration(source, overrides)
    table = ImageTable.read(config.data.path, box=config.data.box)
    prepared, plan, settings_lines, refusal = _plan_as_training(config)
    space = _label_space(table, config) if prepared is None else prepared.space
    sampler = None if plan is None or not config.identity_batches else plan.sampler
    report = inspect_data(
        _split_if_possible(table, space, config) if prepared is None else prepared.table,
        space,
        sampler=sampler,
        sampler_labels=None if sampler is None or plan is None else plan.codes[METRIC],
        fixed=fixed,
        seed=config.seed,
        progress=progress,
    )
    if plan is not None and prepared is not None:
        opposed = opposed_attributes(config.settled(space is not None), prepared.table, prepared.space)
        report = replace(report, findings=[*_opposed(opposed), *report.findings])
    notes = table.notes if prepared is None else (*settings_lines, *prepared.dropped, *prepared.notes)
    if not refusal:
        return replace(report, notes=tuple(notes))
    refused = DataFinding("training-refuses", "certain", "training-refuses", {"refusal": refusal})
    return replace(report, notes=tuple(notes), refusal=refusal, findings=[refused, *report.findings])


def _opposed(names: tuple[str, ...]) -> list[DataFinding]:
    """The warning that the metric loss works against some attributes, where it does."""
    if not names:
        return []
    return [DataFinding("opposed-labels", "warning", "opposed-labels", {"names": list(names)})]


def _configuration(source: str | Path, overrides: Sequence[str]) -> Config:
    path = Path(source)
    is_recipe = str(source) in recipes() and not path.exists()
    if is_recipe or (path.suffix.lower() in (".yaml", ".yml") and not path.is_dir()):
        config = load_config(source, overrides)
        if not config.data.path:
            raise ConfigError(f"{source}: data.path must name the images; add it, or --set data.path=FOLDER")
        return config
    return load_config("small", overrides, {"data.path": path})


def _plan_as_training(config: Config) -> tuple[PreparedData | None, TrainingPlan | None, list[str], str]:
    """Check the settings, prepare the images and plan the batches as a training does.

    Returns:
        The images and the plan as far as they could be had, the lines that a training says first, and the words in
        which it refuses.
    """
    prepared, lines = list[PreparedData](), list[str]()
    try:
        plan = get_ready(config, say=lines.append, prepared=prepared.append).plan
    except MetricFaceError as error:
        return next(iter(prepared), None), None, lines, str(error)
    return prepared[0], plan, lines, ""


def _label_space(table: ImageTable, config: Config) -> LabelSpace | None:
    """The label space of a table that a training refuses, where it has one at all."""
    if config.data.attributes == []:
        return None
    try:
        space = LabelSpace.of(table, config.data.attributes, config.data.bins)
        label_columns_of(table, space)  # a value that is no number where bins need one
        return space
    except MetricFaceError:
        return None  # the refusal says it; the audit of the data goes on without


def _split_if_possible(table: ImageTable, space: LabelSpace | None, config: Config) -> ImageTable:
    if table.splits:
        return table
    for classes in (space, None):
        try:
            return split_table(table, classes, config.data)[0]
        except MetricFaceError:  # the refusal says it
            continue
    return table
