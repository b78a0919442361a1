"""Canonical votes against the vectors of CometBFT's own tests (types/vote_test.go, v0.38.25)."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from node.consensus.cometbft import wire
from node.consensus.cometbft.votes import NO_BLOCK, BlockId, Vote, VoteType

YEAR_ONE = -62135596800 * wire.NS
"""What Go's zero time is."""
STAMP = "2a0b088092b8c398feffffff01"
BOTH = "110100000000000000" + "190100000000000000"
CHAIN = "test_chain_id"
NAMED = "320d" + CHAIN.encode().hex()


@pytest.mark.parametrize(
    ("chain", "vote", "found"),
    [
        ("", Vote(0, 0, 0, NO_BLOCK, YEAR_ONE), "0d" + STAMP),
        ("", Vote(VoteType.PRECOMMIT, 1, 1, NO_BLOCK, YEAR_ONE), "21" + "0802" + BOTH + STAMP),
        ("", Vote(VoteType.PREVOTE, 1, 1, NO_BLOCK, YEAR_ONE), "21" + "0801" + BOTH + STAMP),
        ("", Vote(0, 1, 1, NO_BLOCK, YEAR_ONE), "1f" + BOTH + STAMP),
        (CHAIN, Vote(0, 1, 1, NO_BLOCK, YEAR_ONE), "2e" + BOTH + STAMP + NAMED),
    ],
)  # fmt: skip
def test_cometbfts_own_vectors(chain: str, vote: Vote, found: str) -> None:
    assert vote.sign_bytes(chain).hex() == found


@given(st.integers(-62135596800 * wire.NS, 253402300799 * wire.NS))
def test_moments_are_googles_timestamps(moment: int) -> None:
    stamp = timestamp_pb2.Timestamp(seconds=moment // wire.NS, nanos=moment % wire.NS)
    assert wire.timestamp(moment) == stamp.SerializeToString(deterministic=True)


def test_a_signature_is_of_one_vote_key_and_chain() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
    public = key.public_key().public_bytes_raw()
    block = BlockId(b"\x02" * 32, 1, b"\x03" * 32)
    vote = Vote(VoteType.PRECOMMIT, 7, 0, block, 5 * wire.NS)
    signed = dataclasses.replace(vote, signature=key.sign(vote.sign_bytes(CHAIN)))
    assert signed.is_of(public, CHAIN)
    assert not signed.is_of(public, CHAIN + "x")
    assert not signed.is_of(b"\x04" * 32, CHAIN)
    for change in (
        {"kind": VoteType.PREVOTE},
        {"height": 8},
        {"round": 1},
        {"block": NO_BLOCK},
        {"block": dataclasses.replace(block, hash=b"\x05" * 32)},
        {"block": dataclasses.replace(block, parts=2)},
        {"block": dataclasses.replace(block, parts_hash=b"\x05" * 32)},
        {"moment": 5 * wire.NS + 1},
        {"signature": bytes(64)},
        {"signature": b""},
    ):
        assert not dataclasses.replace(signed, **change).is_of(public, CHAIN), change


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_numbers_have_64_bits(value: int) -> None:
    with pytest.raises(OverflowError):
        wire.varint(value)
    assert wire.varint(-1) == b"\xff" * 9 + b"\x01"
