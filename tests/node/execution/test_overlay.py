from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.execution.bounded import BoundedCache
from node.execution.overlay import EmptyState, Overlay

KEYS = st.binary(min_size=1, max_size=3).map(lambda b: bytes(x % 3 for x in b))
VALUES = st.none() | st.binary(min_size=1, max_size=2)


@given(
    st.dictionaries(KEYS, st.binary(min_size=1, max_size=2)),
    st.lists(st.tuples(KEYS, VALUES)),
    st.lists(st.tuples(KEYS, VALUES)),
    KEYS | st.just(b""),
)
@settings(deadline=None)
def test_reads_like_the_dictionary_it_stands_for(base, block, transaction, prefix):
    lower = Overlay(EmptyState())
    lower.update(base.items())
    middle = Overlay(lower)
    middle.update(block)
    upper = Overlay(middle)
    upper.update(transaction)
    model = {**base, **dict(block), **dict(transaction)}
    model = {k: v for k, v in model.items() if v is not None}
    expected = sorted((k, v) for k, v in model.items() if k.startswith(prefix))
    assert list(upper.iterate(prefix)) == expected
    assert all(upper.get(k) == model.get(k) for k in {*base, *dict(block), *dict(transaction)})
    assert dict(upper.writes) == dict(transaction)
    assert dict(lower.writes) == base, "what is below is never written"


def test_iteration_shows_the_state_as_it_was():
    state = Overlay(EmptyState())
    state.update([(b"a", b"1"), (b"c", b"3")])
    entries = state.iterate(b"")
    state.put(b"b", b"2")
    assert list(entries) == [(b"a", b"1"), (b"c", b"3")]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5))), st.integers(1, 4))
@settings(deadline=None)
def test_a_bounded_cache_forgets_the_least_recently_used(puts, most):
    cache = BoundedCache(most, most_weight=12)
    kept: list[tuple[int, int]] = []
    for key, weight in puts:
        cache.put(key, str(key), weight)
        kept = [entry for entry in kept if entry[0] != key] + [(key, weight)]
        while len(kept) > most or sum(w for _, w in kept) > 12:
            kept.pop(0)
        assert len(cache) == len(kept)
    for key, _ in list(kept):
        assert cache.get(key) == str(key)
    assert all(cache.get(key) is None for key in range(10) if key not in dict(kept))
