"""Exact swaps: sets that sum to zero, against every subset, and through the real executor."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import Kind
from node.intents.check import check_settlement
from node.intents.errors import TooComplex
from node.intents.solvers import brute, cycles
from node.intents.solvers.cycles import Party, rings
from node.intents.solvers.problem import Problem

KINDS = [Kind(0, label) for label in range(1, 5)]


def party(*amounts: int, uses: tuple[bytes, ...] = (), actions: int = 1) -> Party:
    nets = {kind: amount for kind, amount in zip(KINDS, amounts, strict=False) if amount}
    return Party(nets, actions, frozenset(uses))


AMOUNTS = st.tuples(*[st.integers(-2, 2)] * 3).filter(any)
PARTIES = st.lists(
    st.builds(
        lambda amounts, use: party(*amounts, uses=(bytes([use]),) if use < 3 else ()),
        AMOUNTS,
        st.integers(0, 9),
    ),
    max_size=brute.MOST,
)


@given(PARTIES)
@settings(max_examples=150)
def test_in28_as_many_as_any_subset(parties) -> None:
    """Each set sums to zero, no party twice, no use twice; as many as the best of all subsets."""
    found = rings(parties)
    chosen = [at for ring in found for at in ring]
    assert len(set(chosen)) == len(chosen)
    used = [key for at in chosen for key in parties[at].uses]
    assert len(set(used)) == len(used)
    for ring in found:
        sums = Counter[Kind]()
        for at in ring:
            for kind, amount in parties[at].nets.items():
                sums[kind] += amount
        assert not any(sums.values())
    assert len(chosen) == brute.most_settled(parties)


def test_rings_of_several_kinds_and_several_rings_in_one_component() -> None:
    basket = [party(2, 3, -1), party(-2, 0, 1), party(0, -3)]
    assert rings(basket) == [(0, 1, 2)]
    two_rings = [party(1, -1), party(-1, 1), party(5, -5), party(-5, 5), party(7)]
    assert rings(two_rings) == [(0, 1), (2, 3)]
    assert rings([]) == []


def test_in28_what_no_transaction_can_hold_is_not_a_ring() -> None:
    big = [party(1, -1, actions=40), party(-1, 1, actions=40)]
    assert rings(big) == []
    assert rings([party(1, -1, actions=32), party(-1, 1, actions=32)]) == [(0, 1)]


def test_in28_larger_components_are_searched_for_small_sets() -> None:
    crowd = [party(n, -n) for n in range(1, 21)] + [party(-n, n) for n in range(1, 21)]
    found = rings(crowd)
    assert len(crowd) > cycles.COMPLETE_UP_TO
    assert sorted(at for ring in found for at in ring) == list(range(40))
    nobody = [party(200 + n) for n in range(20)]
    four = [*nobody, party(101), party(-50, -30), party(-60, -20), party(9, 50)]
    assert rings(four) == [(20, 21, 22, 23)]


def test_in28_too_complex_is_an_answer() -> None:
    crowd = [party(1, -1)] * (cycles.BOUNDED_UP_TO + 1)
    with pytest.raises(TooComplex):
        rings(crowd)
    apart = [Party({KINDS[3]: n}) for n in (1, -1)]
    assert rings([*crowd, *apart]) == [(65, 66)]
    with pytest.raises(TooComplex):
        brute.most_settled([party(1)] * 9)


def test_a_ring_of_three_settles(market, ring) -> None:
    batch = market.batch(*ring[::-1])
    problem = market.problem(batch)
    (component,) = cycles.solve(Problem.from_bytes(problem.to_bytes()), bytes(32))
    outcome = check_settlement(
        batch, problem.settlement((component,)), market.view(), market.registry
    )
    assert not outcome.refused
    assert outcome.score == 3


def test_arrival_does_not_matter(market, ring) -> None:
    components = {
        cycles.solve(market.problem(market.batch(*order)), bytes(32))
        for order in (ring, ring[::-1], ring[1:] + ring[:1])
    }
    assert len(components) == 1


def test_without_one_of_three_nothing_settles(market, ring) -> None:
    assert cycles.solve(market.problem(market.batch(*ring[:2])), bytes(32)) == ()
