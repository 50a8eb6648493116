"""The audit tells people outright to change something only where its finding holds by construction."""

import pytest

from benchmarks.robust_claims import HOLDS, firm_instructions, is_firm


@pytest.mark.parametrize(
    ("text", "firm"),
    [
        ("Drop the copies, or split so that they stay together.", True),
        ("Correct the labels.", True),
        ("Lower the weight of the metric loss.", True),
        ("Look at them; where it is one photograph, join the identities.", False),
        ("Worth trying: leave it out, or lower its weight.", False),
        ("Use cross-validation over identities.", False),
    ],
)
def test_what_counts_as_firm(text: str, firm: bool) -> None:
    assert is_firm(text) is firm


def test_the_firm_instructions_of_the_audit_hold_by_construction() -> None:
    assert set(firm_instructions()["audit"]) == set(HOLDS), (
        "begin with 'Look at', or say by what the finding holds"
    )
