"""The configuration of a run: every value typed, bounded and explained; YAML in and out.

An unknown key is refused with the nearest known one. ``load_config`` merges a recipe, a file, ``--set`` overrides and
values; ``dump_config`` writes the resolved values and marks which differ from the defaults.
"""

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from metric_face.configuring import (
    MOST_CHARACTERS,
    AugmentationConfig,
    Config,
    DataConfig,
    LossConfig,
    MixingConfig,
    ModelConfig,
    OptimizerConfig,
    Plain,
    SamplerConfig,
    SplitConfig,
    TeacherConfig,
    TrainerConfig,
    dump,
    one_line,
    parse_yaml,
    short,
    wants_text,
)
from metric_face.errors import ConfigError

__all__ = [
    "AugmentationConfig",
    "Config",
    "DataConfig",
    "LossConfig",
    "MixingConfig",
    "ModelConfig",
    "OptimizerConfig",
    "SamplerConfig",
    "SplitConfig",
    "TeacherConfig",
    "TrainerConfig",
    "dump_config",
    "json_schema",
    "load_config",
    "recipes",
    "validate",
]


def load_config(
    source: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Config:
    """Build a configuration.

    Args:
        source: a YAML file, the name of a recipe (see :func:`recipes`), a mapping, or None for the defaults.
            A file may name the recipe that it starts from in a key ``recipe``.
        overrides: ``section.key=value`` each; the value is taken as it stands where the key is a text, such as
            ``data.path``, and read as YAML elsewhere.
        values: values by dotted key, such as ``{"data.path": "2024"}``; taken as they are, over all others.

    Returns:
        The configuration, all values in effect.

    Raises:
        ConfigError: one line that names the key, the rule and the value, or the nearest known key.

    Example:
        >>> metric_face.load_config("small", ["trainer.epochs=3"]).trainer.epochs
        3
    """
    read = dict(source) if isinstance(source, Mapping) else _read(source)
    base = read.pop("recipe", None)
    if base is not None:
        read = _merge(_of_recipe(base), read)
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign or not key:
            raise ConfigError(
                f"--set {short(override, quoted=False)}: must be key=value, such as optimizer.lr=3e-4"
            )
        read = _merge(read, _nested(key, _override(key, text)))
    for key, value in (values or {}).items():
        read = _merge(read, _nested(key, value))
    return validate(read)


def validate(values: Mapping[str, Any]) -> Config:
    """Check plain values against the schema.

    Raises:
        ConfigError: as :func:`load_config`.
    """
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(one_line(error, Config)) from None


def dump_config(config: Config) -> str:
    """The configuration as YAML; a value that differs from its default is marked so."""
    return dump(config, Config())


def json_schema() -> dict[str, Any]:
    """The JSON schema of a configuration file, for editors."""
    return Config.model_json_schema()


def recipes() -> dict[str, str]:
    """The recipes that ship, and the comment each begins with."""
    folder = resources.files("metric_face") / "recipes"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name
    )
    return {file.name[:-5]: file.read_text("utf-8").splitlines()[0].lstrip("# ") for file in files}


def _override(key: str, text: str) -> Any:
    """The value of a ``--set``: a text as it stands, unless it is quoted; anything else as YAML."""
    if _is_text(key) and text[:1] not in ("'", '"'):
        return Plain(text)
    return parse_yaml(text, f"--set {short(f'{key}={text}', quoted=False)}")


def _is_text(key: str) -> bool:
    kind: Any = Config
    for part in key.split("."):
        fields = getattr(kind, "model_fields", {})
        if part not in fields:
            return False
        kind = fields[part].annotation
    return wants_text(kind)


def _nested(key: str, value: Any) -> dict[str, Any]:
    parts = key.split(".", maxsplit=8)
    for part in reversed(parts):
        value = {part: value}
    nested: dict[str, Any] = value
    return nested


def _of_recipe(name: Any) -> dict[str, Any]:
    if not isinstance(name, str | Path):
        raise ConfigError(f"recipe={short(name)}: must be one of {', '.join(recipes())}, or a YAML file")
    values = _read(str(name))
    if "recipe" in values:
        raise ConfigError(
            f"recipe={short(str(name))}: names a recipe itself; start from one that stands alone"
        )
    return values


def _read(source: str | Path | None) -> dict[str, Any]:
    if source is None:
        return {}
    known, name = recipes(), short(str(source), quoted=False)
    if str(source) in known:
        text = (resources.files("metric_face") / "recipes" / f"{source}.yaml").read_text("utf-8")
    else:
        try:
            text = _text_of(Path(source))
        except FileNotFoundError:
            raise ConfigError(
                f"{name}: no such file, and no recipe; the recipes are {', '.join(known)}"
            ) from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name}: must be a YAML text in UTF-8 ({error.reason})") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"{name}: cannot be read ({reason})") from None
    values = parse_yaml(text, name)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: must hold sections such as 'data:' and 'model:'; found {short(values)}")
    return values


def _text_of(path: Path) -> str:
    if not path.is_file():
        if path.exists():
            raise ConfigError(
                f"{short(str(path), quoted=False)}: must be a YAML file, found a folder or device"
            )
        raise FileNotFoundError(path)
    with path.open("r", encoding="utf-8-sig") as file:
        return file.read(MOST_CHARACTERS + 1)


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
