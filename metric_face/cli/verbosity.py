"""-q and -v, which every command takes."""

import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any

import typer

from metric_face.cli import terminal
from metric_face.cli.failures import DEBUG

_OPTIONS = {
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the answer, errors and missing images alone.")
    ],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Show where an error was raised.")],
}


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """The command with both options, which it need not know."""

    @functools.wraps(command)
    def run(*given: Any, quiet: bool = False, verbose: bool = False, **named: Any) -> None:
        terminal.set_quiet(quiet)
        if verbose:
            os.environ[DEBUG] = "1"
        command(*given, **named)

    return with_options(run, command, _OPTIONS)


def with_options(
    run: Callable[..., None], command: Callable[..., None], options: dict[str, Any]
) -> Callable[..., None]:
    """Give a wrapper the parameters of its command and further ones, False or None where they are not given."""
    parameters = list(inspect.signature(command).parameters.values())
    for name, annotation in options.items():
        default = False if annotation.__origin__ is bool else None
        keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(inspect.Parameter(name, keyword, default=default, annotation=annotation))
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, **options}
    return run
