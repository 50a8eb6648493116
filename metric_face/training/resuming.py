"""The configuration of a training: of a resumed run its own, with the few keys that may change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metric_face.config import Config, load_config
from metric_face.errors import ConfigError, FileFormatError
from metric_face.plurals import counted
from metric_face.processes import Process
from metric_face.run import Run

ANEW = frozenset(
    {
        "trainer.epochs",
        "trainer.max_time",
        "trainer.loggers",
        "trainer.export_onnx",
        "trainer.devices",
        "data.workers",
        "data.cache_gib",
    }
)
"""Keys that a resumed run may be given: how long it trains, and what changes no weight."""

SETTLED = frozenset(
    {"loss.metric", "model.neck", "model.pretrained", "model.batch_norm"}
    | {"optimizer.backbone_scale", "optimizer.freeze_epochs"}
    | {f"data.{name}" for name in ("size", "crop", "fit", "mean", "std", "interpolation")}
)
"""Keys whose ``auto`` a training settles before it begins."""


def resolve_config(config: Config | Mapping[str, Any] | str | Path, home: Path, resume: bool) -> Config:
    """Load the configuration of a new run, or the one that a resumed run started with.

    Raises:
        ConfigError: the folder holds a run already, or the resumed run started with other settings.
        FileFormatError: there is nothing to resume.
    """
    begun = (home / "config.yaml").is_file()
    if resume and begun:
        run = Run(home)
        return settings_to_resume(run.config, config, data_root=Path(run.facts["data_root"]))
    resolved = config if isinstance(config, Config) else load_config(config)
    if resume and not resolved.data.path:
        raise FileFormatError(f"{home}: holds no run to go on with; give the images, and it is started")
    if begun:
        raise ConfigError(
            f"{home}: holds a run already; name another folder, go on with --resume, or remove it"
        )
    return resolved


def check_processes(home: Path, facts: Mapping[str, Any], process: Process) -> None:
    """Refuse to go on with another number of processes: the batches of a step and the steps of an epoch would differ.

    Raises:
        ConfigError: the run began with another number.
    """
    before = facts.get("processes", process.world_size)  # a run of an older version does not say
    if before != process.world_size:
        how = f"--set trainer.devices={before} or torchrun" if before > 1 else "one process, without torchrun"
        raise ConfigError(
            f"{home}: was trained in {counted(before, 'processes')}, found {process.world_size}; go on with {how}, or "
            "train into another folder"
        )


def settings_to_resume(
    stored: Config,
    given: Config | Mapping[str, Any] | str | Path,
    *,
    data_root: Path | None = None,
    anew: frozenset[str] = ANEW,
    ignored: frozenset[str] = frozenset(),
) -> Config:
    """Return the stored configuration with what is given anew.

    Args:
        stored: of the run.
        given: what the resuming call gives. ``Config()`` gives nothing, a mapping gives its keys, anything else
            the whole.
        data_root: where the run's images were, by which another spelling of their path is known.
        anew: keys that may differ.
        ignored: keys that may differ, and are the run's own all the same.

    Raises:
        ConfigError: other keys differ; all are named.
    """
    wanted = _flat(_whole(stored, given))
    own = _flat(stored)
    differing = [
        key
        for key, value in wanted.items()
        if key not in anew | ignored and not _is_same(key, own[key], value, data_root)
    ]
    if differing:
        shown = ", ".join(f"{key}={wanted[key]!r} (the run's: {own[key]!r})" for key in differing[:3])
        more = f", and {len(differing) - 3} more: {', '.join(differing[3:9])}" if len(differing) > 3 else ""
        may = ", ".join(sorted(key for key in anew if key.startswith("trainer.")))
        raise ConfigError(
            f"--resume goes on with the run's own settings, found {shown}{more}; leave out what differs, or train "
            f"into another folder" + (f"; only {may} may be others" if may else "")
        )
    values: dict[str, Any] = stored.model_dump()
    for key in anew:
        section, _, name = key.partition(".")
        values[section][name] = wanted[key]
    return Config.model_validate(values)


def _whole(stored: Config, given: Config | Mapping[str, Any] | str | Path) -> Config:
    if isinstance(given, Mapping):
        return load_config(_laid_over(stored.model_dump(mode="json"), given))
    config = given if isinstance(given, Config) else load_config(given)
    return stored if config == Config() else config


def _laid_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _laid_over(old, value)
        merged[key] = value
    return merged


def _flat(config: Config) -> dict[str, Any]:
    """The values by ``section.key``, those of sections within sections too; a mapping of the user's is one value."""
    flat: dict[str, Any] = {}

    def walk(section: Any, prefix: str) -> None:
        for name in type(section).model_fields:
            value = getattr(section, name)
            if hasattr(type(value), "model_fields"):
                walk(value, f"{prefix}{name}.")
            else:
                flat[f"{prefix}{name}"] = value

    walk(config, "")
    return flat


def _is_same(key: str, own: Any, value: Any, data_root: Path | None) -> bool:
    if value == "auto" and key in SETTLED:
        return True  # the run's own is what auto came to
    if key == "data.path":
        return own == value or _is_same_place(str(own), str(value), data_root)
    return bool(own == value)


def _is_same_place(own: str, value: str, data_root: Path | None) -> bool:
    if not value:
        return True
    path = Path(value).resolve()
    if path == Path(own).resolve():
        return True
    if data_root is None:
        return False
    root = data_root.resolve()
    return path == root or (path.parent == root and path.name == Path(own).name)
