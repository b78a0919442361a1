"""Signatures that count for CometBFT: its own library's verdicts, and who could hide behind one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.consensus.cometbft.zip215 import CURVE, PARAMS, is_counted
from node.core.ed25519 import is_signed
from node.testing.twisted import SMALL, sign
from transparent.signature import SigningKey
from zk.curve.edwards import IDENTITY

VECTORS = Path(__file__).parents[3] / "vectors" / "zip215.json"
CASES = json.loads(VECTORS.read_text())["cases"]
SEED = b"\x07" * 32


def test_the_curve_is_what_its_literals_claim() -> None:
    PARAMS.check()
    PARAMS.field.check()
    assert CURVE.multiply(4, SMALL) != IDENTITY == CURVE.multiply(8, SMALL)


@pytest.mark.parametrize("case", CASES)
def test_verdicts_are_those_of_cometbfts_library(case) -> None:
    parts = (bytes.fromhex(case[name]) for name in ("key", "message", "signature"))
    assert is_counted(*parts) is case["counted"]


@given(st.binary(max_size=64), st.integers(1, 7))
@settings(max_examples=10, deadline=None)
def test_the_key_can_sign_so_that_only_cometbft_takes_it(message, times) -> None:
    public = SigningKey(SEED).account
    plain, twisted = sign(SEED, message, 0), sign(SEED, message, times)
    assert is_signed(public, message, plain)
    assert not is_signed(public, message, twisted)
    assert is_counted(public, message, plain)
    assert is_counted(public, message, twisted)
    assert not is_counted(public, message + b"x", twisted)
    assert not is_counted(public, message, twisted[:63])


def test_a_scalar_beyond_the_order_is_none() -> None:
    public, signature = SigningKey(SEED).account, sign(SEED, b"vote")
    scalar = int.from_bytes(signature[32:], "little") + PARAMS.order
    assert is_counted(public, b"vote", signature)
    assert not is_counted(public, b"vote", signature[:32] + scalar.to_bytes(32, "little"))


def test_nobody_signs_with_a_key_of_small_order() -> None:
    """Under the neutral element R = s·B signs everything."""
    neutral = (1).to_bytes(32, "little")
    assert not is_counted(neutral, b"vote", neutral + bytes(32))
