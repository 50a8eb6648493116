"""Short options of ``train`` for the settings that are changed most: each stands for one ``--set``."""

import functools
from collections.abc import Callable
from typing import Annotated, Any

import typer

from metric_face.cli.verbosity import with_options
from metric_face.errors import ConfigError

_KEYS = {
    "epochs": ("trainer.epochs", int, "Epochs"),
    "backbone": ("model.backbone", str, "A timm model, such as resnet50"),
    "size": ("data.size", str, "Pixels, such as 224, or height x width, such as 256x192"),
    "batch_size": ("sampler.batch_size", int, "Images of a batch"),
    "lr": ("optimizer.lr", float, "Learning rate"),
    "time": ("trainer.max_time", str, "Wall time to end in, such as 30m"),
}


def with_shortcuts(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the short options, which reach it among its overrides.

    Raises:
        ConfigError: a setting is given twice, by its short option and by ``--set``.
    """

    @functools.wraps(command)
    def run(*given: Any, overrides: list[str] | None = None, **named: Any) -> None:
        settings = list(overrides or [])
        keys = {setting.partition("=")[0].strip() for setting in settings}
        for name, (key, _, _) in _KEYS.items():
            value = named.pop(name, None)
            if value is None:
                continue
            if key in keys:
                raise ConfigError(
                    f"--{name.replace('_', '-')} {value}: --set {key} is given too; leave one out"
                )
            settings.append(f"{key}={_sides(value) if name == 'size' else value}")
        command(*given, overrides=settings, **named)

    options = {
        name: Annotated[kind | None, typer.Option(f"--{name.replace('_', '-')}", help=f"{text}; {key}.")]
        for name, (key, kind, text) in _KEYS.items()
    }
    return with_options(run, command, options)


def _sides(size: str) -> str:
    """``224`` is a square, ``256x192`` height and width; anything else is left to the schema to refuse."""
    sides = size.lower().split("x")
    if len(sides) <= 2 and all(side.strip().isdecimal() for side in sides):
        return f"[{sides[0]}, {sides[-1]}]"
    return size
