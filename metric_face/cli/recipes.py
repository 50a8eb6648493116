"""``metric-face recipes``: list and print the ready configurations."""

from typing import Annotated

import typer

from metric_face.cli.options import Json
from metric_face.cli.terminal import answer, answer_json, answer_text


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one, resolved.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of a configuration.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the recipes, print one, or print the schema for an editor."""
    from metric_face.config import dump_config, json_schema, load_config, recipes

    if schema:
        answer_json(json_schema())
    elif name is not None:
        config = load_config(name)
        if as_json:
            answer_json(config.model_dump(mode="json"))
        else:
            answer_text(dump_config(config))
    elif as_json:
        answer_json({"recipes": recipes()})
    else:
        for recipe, meaning in recipes().items():
            answer(f"{recipe:12} {meaning}")
