"""Which protocol ``evaluate`` is asked for, and its call."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from metric_face.cli.protocol_words import conditions, ranks_of

_DEFAULTS = {"identity": "identity", "ranks": "1,5,10", "metric": "cosine"}


@dataclass(frozen=True)
class Asked:
    """The protocol, None for the scores of a run, and what its function is given."""

    protocol: str | None
    settings: dict[str, Any]

    @classmethod
    def read(
        cls,
        query: list[str] | None,
        gallery: list[str] | None,
        ranks: str,
        pairs: str | None,
        metric: str,
        others: dict[str, Any],
    ) -> "Asked":
        """Refuse what does not go together, and read the rest."""
        given = {"query": query, "gallery": gallery, **others, "ranks": ranks, "metric": metric}
        for name in ("identity", "metric") if pairs is not None else ():  # which pairs have too
            del given[name]
        changed = [name for name, value in given.items() if value and value != _DEFAULTS.get(name)]
        named = [f"--{name.replace('_', '-')}" for name in changed]
        if pairs is not None and named:
            raise typer.BadParameter(f"--pairs and {named[0]} do not go together; give one")
        if pairs is not None:
            return cls("pairs", {"pairs": pairs, "identity": others["identity"]})
        if not named:
            return cls(None, {})
        if not query and not others["query_from"]:
            other = ", or --pairs" if named[0] == "--metric" else ""
            raise typer.BadParameter(
                f"{named[0]} needs --query COLUMN=VALUE, --query all or --query-from FOLDER{other}"
            )
        words = {"query_source" if name == "query_from" else name: value for name, value in others.items()}
        words["query"] = None if query == ["all"] else conditions("--query", query)
        words["gallery"] = conditions("--gallery", gallery)
        return cls("queries", words | {"ks": ranks_of(ranks)})

    def evaluate(self, run: Path, progress: Callable[[int, int], None], **common: Any) -> Any:
        """Call the function of the protocol."""
        from metric_face.evaluation import evaluate_pairs, evaluate_queries

        if self.protocol == "pairs":
            return evaluate_pairs(run, metric=common["metric"], split=common["split"], **self.settings)
        return evaluate_queries(run, progress=progress, **common, **self.settings)
