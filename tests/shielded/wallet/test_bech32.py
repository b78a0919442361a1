"""Bech32m against BIP-350, and the prefixes of this protocol."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shielded import bech32
from shielded.address import Address
from shielded.bech32 import WrongPrefix
from zk.errors import DecodeError, NonCanonical, WrongLength

# BIP-350, "Test vectors for Bech32m".
VALID = (
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "1" + "1" + "l" * 82 + "ludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
)
INVALID = (
    (" 1xj0phk", "prefix"),
    ("\x7f1g6xzxy", "prefix"),
    ("\x801vctc34", "foreign"),
    ("qyrz8wqd2c9m", "separator"),
    ("1qyrz8wqd2c9m", "prefix"),
    ("y1b0jsk6g", "foreign"),
    ("lt1igcx5c0", "foreign"),
    ("in1muywd", "checksum"),
    ("mm1crxm3i", "foreign"),
    ("au1s5cgom", "foreign"),
    ("M1VUXWEZ", "checksum"),
    ("16plkw9", "prefix"),
    ("1p2gdwpf", "prefix"),
    ("a12uel5l", "checksum"),  # Bech32, not Bech32m
)


@pytest.mark.parametrize("text", VALID)
def test_bip350_valid(text: str) -> None:
    hrp, words = bech32.decode_words(text)
    assert bech32.encode_words(hrp, words) == text.lower()


@pytest.mark.parametrize(("text", "reason"), INVALID)
def test_bip350_invalid(text: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        bech32.decode_words(text)


def test_no_limit_of_90_characters_but_one_of_1023() -> None:
    """BIP-350 refuses its 84-character prefix for its length alone; here it is a valid text."""
    hrp, _ = bech32.decode_words(
        "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4"
    )
    assert len(hrp) == 84
    with pytest.raises(WrongLength):
        bech32.decode(bech32.encode("a", bytes(700)))


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.data())
def test_sh45_one_changed_character_is_noticed(payload: bytes, data: st.DataObject) -> None:
    text = bech32.to_text("chiaro", "dev", payload)
    assert bech32.decode(text) == ("chiaro_dev", payload)
    at = data.draw(st.integers(len("chiaro_dev1"), len(text) - 1))
    other = data.draw(st.sampled_from([c for c in bech32.CHARSET if c != text[at]]))
    with pytest.raises(DecodeError, match="checksum"):
        bech32.decode(text[:at] + other + text[at + 1 :])


def test_sh45_mixed_case_and_lookalikes_are_refused() -> None:
    text = bech32.encode("k", b"\x01\x02")
    with pytest.raises(NonCanonical):
        bech32.decode(text[:-1] + text[-1].upper() if text[-1].isalpha() else "K" + text[1:])
    kelvin = "\u212a" + text[1:].upper()  # lowers to "k"
    with pytest.raises(DecodeError, match="foreign"):
        bech32.decode(kelvin)
    assert bech32.decode(text.upper()) == ("k", b"\x01\x02")


def test_sh45_padding_has_one_form() -> None:
    """One byte is two words, of which the last two bits are zero; a third word is superfluous."""
    with pytest.raises(NonCanonical, match="not zero"):
        bech32.decode(bech32.encode_words("a", [31, 29]))
    with pytest.raises(NonCanonical, match="superfluous"):
        bech32.decode(bech32.encode_words("a", [31, 28, 0]))
    assert bech32.decode(bech32.encode_words("a", [31, 28])) == ("a", b"\xff")


def test_sh45_another_network_is_refused_by_name(alice) -> None:
    text = alice.address(0).encode("dev")
    assert text.startswith("chiaro_dev1")
    assert Address.decode(text, "dev") == alice.address(0)
    with pytest.raises(WrongPrefix, match="chiaro_local1"):
        Address.decode(text, "local")
    for network in ("", "Dev", "1dev", "a_b", "x" * 17):
        with pytest.raises(DecodeError, match="network"):
            alice.address(0).encode(network)


def test_sh45_another_length_is_refused(alice) -> None:
    payload = alice.address(0).to_bytes()
    for wrong in (payload[:-1], payload + b"\0"):
        with pytest.raises(WrongLength):
            Address.decode(bech32.to_text("chiaro", "dev", wrong), "dev")
