"""Sums of a project, and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.programs import clear
from private_exec.programs.errors import ProgramRefused
from private_exec.programs.funding import funding
from private_exec.programs.quadratic import Tally, settle


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8))
@settings(deadline=None)
def test_pv90_opens_both_sums_and_multiplies_nothing(donations) -> None:
    program = funding.at(donations=len(donations))
    assert program.circuit.ops == ()
    result = clear.run(program, {"roots": donations, "amounts": [w * w for w in donations]})
    tally = Tally(*result["roots_total"], *result["total"])
    assert tally == Tally(sum(donations), sum(w * w for w in donations))
    whole = sum(donations) ** 2
    assert settle(whole, [tally]).payouts == (whole - tally.total,)


def test_pv90_the_largest_round_fits_what_is_declared() -> None:
    program = funding.at(donations=4096)
    result = clear.run(program, {"roots": [2**32 - 1] * 4096, "amounts": [2**64 - 1] * 4096})
    assert result == {"roots_total": (4096 * (2**32 - 1),), "total": (4096 * (2**64 - 1),)}
    with pytest.raises(ProgramRefused) as caught:
        funding.at(donations=4097)
    assert caught.value.rule == "PV-83"
