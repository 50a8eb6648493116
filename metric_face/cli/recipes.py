"""``metric-face recipes``: the ready configurations."""

from typing import Annotated

import typer


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one, resolved.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of a configuration.")
    ] = False,
) -> None:
    """List the recipes, print one, or print the schema for an editor."""
    from metric_face.cli.terminal import answer, answer_json
    from metric_face.config import dump_config, json_schema, load_config
    from metric_face.config import recipes as known

    if schema:
        answer_json(json_schema())
    elif name is not None:
        for line in dump_config(load_config(name)).rstrip().split("\n"):
            answer(line)
    else:
        for recipe, meaning in known().items():
            answer(f"{recipe:12} {meaning}")
