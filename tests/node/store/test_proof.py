"""Proofs of values and of absence, checked with a root alone; and everything that must not pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import ChainId, Height, StateRoot
from node.store.memory import memory_store
from node.store.proof import (
    EMPTY_ROOT,
    InvalidStateProof,
    StateProof,
    key_hash,
    proved_value,
    value_hash,
)
from zk.errors import DecodeError, NonCanonical, WrongLength

KEYS = st.binary(max_size=6)
STATES = st.dictionaries(KEYS, st.binary(max_size=40), max_size=40)


def store_of(state):
    store = memory_store(ChainId(b"c" * 32))
    store.commit(store.stage(Height(0), state, {}))
    return store


@given(STATES, KEYS)
@settings(deadline=None, max_examples=100)
def test_ch9_presence_and_ch10_absence_are_proved(state, other):
    store = store_of(state)
    for key in [*state, other]:
        assert proved_value(store.root, key, store.prove(key)) == state.get(key)


def test_ch9_a_proof_is_of_one_key_one_value_one_root():
    store = store_of({bytes([i]): bytes([i, i]) for i in range(50)})
    proof = store.prove(b"\x01")
    assert proved_value(store.root, b"\x01", proof) == b"\x01\x01"
    with pytest.raises(InvalidStateProof):
        proved_value(store.root, b"\x02", proof)
    with pytest.raises(InvalidStateProof):
        proved_value(StateRoot(b"\x01" * 32), b"\x01", proof)
    parsed = StateProof.from_bytes(proof)
    with pytest.raises(InvalidStateProof):
        proved_value(store.root, b"\x01", StateProof(parsed.siblings, b"", None).to_bytes())


def test_ch10_a_present_key_cannot_be_shown_absent():
    state = {bytes([i]): b"v" for i in range(50)}
    store = store_of(state)
    for key in state:
        siblings = StateProof.from_bytes(store.prove(key)).siblings
        own = (key_hash(key), value_hash(b"v"))
        with pytest.raises(InvalidStateProof, match="not on the key's path"):
            proved_value(store.root, key, StateProof(siblings, None, own).to_bytes())
        for neighbour in state:
            if neighbour != key:
                shown = StateProof.from_bytes(store.prove(neighbour))
                other = (key_hash(neighbour), value_hash(b"v"))
                claim = StateProof(shown.siblings, None, other).to_bytes()
                with pytest.raises(InvalidStateProof):
                    proved_value(store.root, key, claim)
        with pytest.raises(InvalidStateProof):
            proved_value(store.root, key, StateProof(siblings, None, None).to_bytes())
        for depth in range(len(siblings)):
            with pytest.raises(InvalidStateProof):
                proved_value(store.root, key, StateProof(siblings[:depth], None, None).to_bytes())


@given(STATES, KEYS, st.data())
@settings(deadline=None, max_examples=150)
def test_ch9_ch10_any_flipped_bit_is_refused(state, key, data):
    store = store_of(state)
    proof = bytearray(store.prove(key))
    at = data.draw(st.integers(0, len(proof) * 8 - 1))
    proof[at // 8] ^= 1 << at % 8
    with pytest.raises((InvalidStateProof, DecodeError)):
        proved_value(store.root, key, bytes(proof))


@given(STATES, KEYS, st.binary(max_size=8), st.integers(0, 60))
@settings(deadline=None, max_examples=60)
def test_ch9_ch10_length_is_exact(state, key, tail, cut):
    store = store_of(state)
    proof = store.prove(key)
    for bad in (proof + tail, proof[: max(0, len(proof) - cut)]):
        if bad != proof:
            with pytest.raises((InvalidStateProof, DecodeError)):
                proved_value(store.root, key, bad)


def test_ch9_one_encoding():
    good = StateProof((b"s" * 32, EMPTY_ROOT), b"v", None).to_bytes()
    assert StateProof.from_bytes(good).siblings == (b"s" * 32, EMPTY_ROOT)
    cases = [
        (b"\x02" + good[1:], NonCanonical, "version"),
        (good[:1] + b"\x03" + good[2:], NonCanonical, "kind"),
        (good[:4] + b"\x05" + good[5:], NonCanonical, "beyond the last sibling"),
        (good[:4] + b"\x03" + good[5:37] + bytes(32) + good[37:], NonCanonical, "written out"),
        (good[:2] + b"\x01\x01" + good[4:], WrongLength, "depth"),
        (good + b"\x00", WrongLength, "trailing"),
    ]
    for data, error, match in cases:
        with pytest.raises(error, match=match):
            StateProof.from_bytes(data)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_noise_never_crashes_the_check(data):
    with pytest.raises((InvalidStateProof, DecodeError)):
        proved_value(StateRoot(b"\x05" * 32), b"key", data)


def test_ch10_everything_is_absent_from_nothing():
    store = memory_store(ChainId(b"c" * 32))
    store.commit(store.stage(Height(0), {}, {}))
    assert store.root == EMPTY_ROOT
    assert proved_value(store.root, b"any", store.prove(b"any")) is None
