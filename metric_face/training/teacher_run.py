"""The run that a training learns from: opened, refused, known again on resume. Needs no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metric_face.config import Config
from metric_face.errors import ConfigError, MetricFaceError
from metric_face.run import Run


def open_teacher(config: Config) -> Run | None:
    """The teacher of a configuration, or None.

    Raises:
        ConfigError: it is no finished run.
    """
    if config.teacher.run is None:
        return None
    try:
        run = Run.open(config.teacher.run)
        if run.facts.get("ended") is None:
            raise ConfigError("its training has not ended")
        _ = run.card
    except MetricFaceError as error:
        raise ConfigError(f"teacher.run={config.teacher.run}: must be a finished run ({error})") from None
    return run


def facts_of_teacher(config: Config) -> dict[str, Any]:
    """What ``run.json`` holds of the teacher from the beginning; {} without one."""
    run = open_teacher(config)
    return {} if run is None else {"teacher": facts_of(run)}


def facts_of(run: Run) -> dict[str, Any]:
    """What ``run.json`` holds of a teacher: ``run`` and ``fingerprint``."""
    return {"run": str(run.folder.resolve()), "fingerprint": run.fingerprint}


def check_same_teacher(home: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with a teacher that holds another model than the training began with.

    Args:
        home: the run directory.
        before, now: the facts of the run, and what :func:`facts_of_teacher` gives now.

    Raises:
        ConfigError: the fingerprints differ.
    """
    known = before.get("teacher", {}).get("fingerprint")
    found = now.get("teacher", {}).get("fingerprint")
    if known != found:
        raise ConfigError(
            f"{home}: began with the teacher {known or 'none'}, {now.get('teacher', {}).get('run', 'the run')} holds "
            f"{found or 'none'}; put the teacher back, or train into another folder"
        )
