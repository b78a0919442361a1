"""BLAKE2b from a state, against hashlib."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.groth16.ceremony.blake2b import STATE_BYTES, Blake2b


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=400), max_size=5))
def test_in_pieces_through_states(pieces: list[bytes]) -> None:
    hasher = Blake2b()
    for piece in pieces:
        hasher.update(piece)
        assert len(hasher.state) == STATE_BYTES
        hasher = Blake2b.from_state(hasher.state)
    assert hasher.digest() == hashlib.blake2b(b"".join(pieces)).digest()


@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, 255, 256, 257, 1000])
def test_around_blocks(length: int) -> None:
    data = bytes(i % 251 for i in range(length))
    hasher = Blake2b()
    hasher.update(data)
    assert hasher.digest() == hashlib.blake2b(data).digest()


def test_states_that_are_none() -> None:
    state = bytearray(Blake2b().state)
    with pytest.raises(ValueError, match="216 bytes"):
        Blake2b.from_state(bytes(state[:-1]))
    state[200] = 129
    with pytest.raises(ValueError, match="more than a block"):
        Blake2b.from_state(bytes(state))
