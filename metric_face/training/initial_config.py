"""settings_to_train: the configuration that a training begins with, from what is given and what its folder holds."""

from collections.abc import Sequence
from pathlib import Path

from metric_face.config import Config, load_config


def settings_to_train(
    folder: str | Path,
    config: str | Path | None = None,
    overrides: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    folds: int | None = None,
    frozen: bool = False,
    teacher: str | Path | None = None,
    skip_broken: bool = False,
    resume: bool = False,
) -> Config:
    """Resolve the configuration of a training that the command line describes.

    Args:
        folder: of the run or the folds.
        config: a recipe or a YAML file; default ``small``, and for a resumed training the settings in ``folder``: it
            keeps its own number of epochs, not that of a recipe that was not named.
        overrides: ``section.key=value``.
        data: the images; stands for ``data.path``.
        folds: number of folds; stands for ``data.split.folds``.
        frozen: stands for ``trainer.frozen``; the recipe is then ``frozen`` where none is named.
        teacher: stands for ``teacher.run``.
        skip_broken: stands for ``data.skip_broken``.
        resume: whether the training in ``folder`` is resumed.

    Raises:
        ConfigError: a key or a value is wrong.
    """
    home = Path(folder)
    given = list(overrides)
    if folds is not None:
        given.append(f"data.split.folds={folds}")
    if frozen:
        given.append("trainer.frozen=true")
    if skip_broken:
        given.append("data.skip_broken=true")
    stored = (home / "config.yaml", home / "fold-0" / "config.yaml")
    own = next((file for file in stored if resume and file.is_file()), None)
    values = {"data.path": data, "teacher.run": None if teacher is None else str(teacher)}
    recipe = config or own or ("frozen" if frozen else "small")
    return load_config(recipe, given, {key: value for key, value in values.items() if value is not None})
