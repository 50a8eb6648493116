"""The benchmark of the large index goes on only with numbers of the same settings, and names those it was run with."""

import argparse
import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import large_index
from benchmarks.large_index import DEFAULTS, command_of, staged


def _options(**others: object) -> argparse.Namespace:
    return argparse.Namespace(**{**DEFAULTS, "kind": "ivfsq", **others})


def test_numbers_of_another_kind_limit_or_number_of_shards_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0, json.dumps({"call": len(calls)}))

    monkeypatch.setattr(large_index.subprocess, "run", run)
    settings = [{}, {"limit": 2.0}, {"shards": 4}, {"kind": "ivfpq"}]
    first = [staged("build", tmp_path, _options(**one))["call"] for one in settings]
    again = [staged("build", tmp_path, _options(**one))["call"] for one in settings]
    assert first == again == [1, 2, 3, 4]
    assert calls[1][calls[1].index("--limit") + 1] == "2.0"


@pytest.mark.parametrize(
    ("others", "command"),
    [
        ({}, ""),
        ({"limit": 2.0, "kinds": ["ivfpq", "ivfsq"]}, " --kinds ivfpq ivfsq --limit 2"),
        ({"rows": 1000, "shards": 2}, " --rows 1000 --shards 2"),
    ],
)
def test_the_command_names_every_option_that_was_given(others: dict[str, object], command: str) -> None:
    assert command_of(_options(**others)) == f"python -m benchmarks.large_index{command}"
