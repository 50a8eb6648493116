"""What a benchmark keeps: whole, and known to be of other code than there is now."""

from pathlib import Path

import pytest

from benchmarks import fault_kinds, harness
from benchmarks.harness import Kept, read_kept, state_of, write_kept


def test_numbers_are_kept_by_settings_and_dropped_with_their_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    one, other = Kept("speed", {"rows": 1}), Kept("speed", {"rows": 2})
    assert [one.get("a", lambda: 3), one.get("a", lambda: 4), other.get("a", lambda: 5)] == [3, 3, 5]
    one.forget()
    assert one.get("a", lambda: 6) == 6
    for kept in (one, other):
        kept.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_read_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "store.json"
    assert read_kept(file) == {}
    write_kept(file, {"b": [1], "a": {"x": None}})
    assert read_kept(file) == {"a": {"x": None}, "b": [1]}
    assert list(tmp_path.iterdir()) == [file]


def test_the_state_of_code_changes_with_its_text_and_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "benchmarks" / "results")
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("x = 1\n")
    states = [state_of("code"), state_of("code/a.py")]
    assert states[0] == states[1]
    (code / "a.py").write_text("x = 2\n")
    states.append(state_of("code"))
    (code / "a.py").rename(code / "b.py")
    states.append(state_of("code"))
    assert len(set(states)) == 3


def test_the_table_of_kinds_says_how_much_of_it_is_of_earlier_code() -> None:
    done = {"one": {"state": "new"}, "two": {"state": "old"}, "three": {}}
    assert "2 of 3 measurements are of an earlier state" in fault_kinds._age(done, "new")
    assert "earlier" not in fault_kinds._age({"one": {"state": "new"}}, "new")


def test_the_code_that_the_kinds_depend_on_is_there() -> None:
    for place in fault_kinds.CODE:
        assert (harness.RESULTS.parents[1] / place).exists(), place
