"""Finding what breaks a combined check."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from private_exec.halving import failing


@given(st.integers(0, 40), st.sets(st.integers(0, 39)))
def test_those_that_do_not_hold_are_found_in_order(count: int, wrong: set[int]) -> None:
    asked: list[Sequence[int]] = []

    def holds(part: Sequence[int]) -> bool:
        asked.append(part)
        return wrong.isdisjoint(part)

    bad = sorted(k for k in wrong if k < count)
    assert failing(count, holds) == bad
    assert all(asked)
    if not bad:
        assert len(asked) == min(count, 1)
