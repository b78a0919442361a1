"""States with writes on top: what reads of them say, and how deep they stand on each other."""

from __future__ import annotations

from node.intents.view import Posterior


def test_states_on_each_other_stay_few_and_read_as_one(market) -> None:
    """Against a plain dict: writes, overwrites and removals of many sizes."""
    state, plain = Posterior(market.state, {}), dict(market.state.entries)
    for n in range(3000):
        writes = {b"z/%d" % (n * k % 4001): None if k == 3 else b"%d" % n for k in range(n % 5)}
        state = Posterior(state, writes)
        plain |= writes
    depth, below = 0, state
    while isinstance(below, Posterior):
        depth, below = depth + 1, below.base
    assert depth < 16
    expected = {key: value for key, value in plain.items() if value is not None}
    for prefix in (b"z/", b"z/12", b"t/", b"none", b""):
        found = sorted((k, v) for k, v in expected.items() if k.startswith(prefix))
        assert list(state.iterate(prefix)) == found
    assert all(state.get(b"z/%d" % n) == expected.get(b"z/%d" % n) for n in range(4001))


def test_a_state_on_another_reads_as_one(market) -> None:
    base = Posterior(market.state, {b"z/b": b"1", b"z/c": b"2", b"z/d": b"3"})
    top = Posterior(base, {b"z/c": None, b"z/a": b"4", b"zz": b"5"})
    assert list(top.iterate(b"z/")) == [(b"z/a", b"4"), (b"z/b", b"1"), (b"z/d", b"3")]
    assert [top.get(key) for key in (b"z/b", b"z/c", b"z/a")] == [b"1", None, b"4"]
    assert [base.get(key) for key in (b"z/c", b"z/a")] == [b"2", None]
