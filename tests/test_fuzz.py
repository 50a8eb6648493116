"""Broken inputs end in an answer or in one short line; the long run is ``python -m benchmarks.robust_fuzz``."""

import pytest

from benchmarks.robust_fuzz import SHARES, call, fuzz, message_of


@pytest.mark.parametrize("kind", SHARES)
def test_a_broken_input_is_one_short_line(kind: str) -> None:
    tally = fuzz(kind, 12, seed=100_000)
    assert tally.inputs == 12
    assert not tally.tracebacks
    assert not tally.wordy


def test_the_harness_sees_what_the_command_says(tmp_path) -> None:
    code, said, trace = call(["audit", str(tmp_path / "absent.csv")])
    assert (code, trace) == (1, "")
    assert "absent.csv" in message_of(said)


def test_a_very_long_name_makes_no_long_line() -> None:
    code, said, trace = call(["audit", "x" * 4000 + ".yaml"])
    assert (code, trace) == (1, "")
    assert 0 < len(message_of(said)) < 300
