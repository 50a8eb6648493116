"""Durations as they are written in configurations, such as ``1h30m``."""

import re

from metric_face.errors import ArgumentError

LONGEST = 366 * 24 * 3600
_UNITS = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?", re.ASCII
)
_CLOCK = re.compile(r"(?:(?P<h>\d+):)?(?P<m>\d+):(?P<s>\d+)", re.ASCII)


def parse_duration(text: str | None) -> float | None:
    """Seconds of ``90``, ``45s``, ``30m``, ``2h``, ``1h30m`` or ``01:30:00``.

    Raises:
        ArgumentError: the text is none of these, no time at all, or more than a year.
    """
    if text is None:
        return None
    written = text.strip().lower()
    found = _CLOCK.fullmatch(written) or (_UNITS.fullmatch(written) if len(written) < 100 else None)
    parts = found.groupdict(default="0") if found is not None else {"h": "0", "m": "0", "s": "0"}
    seconds = 3600 * float(parts["h"]) + 60 * float(parts["m"]) + float(parts["s"])
    if not 0 < seconds <= LONGEST:
        raise ArgumentError("must be a time of at most a year, such as 45s, 30m, 2h, 1h30m or 01:30:00")
    return seconds
