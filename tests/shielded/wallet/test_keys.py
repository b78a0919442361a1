"""Derivation, diversifiers, viewing keys and what each of them can do."""

from __future__ import annotations

import pytest
from mnemonic import Mnemonic

from shielded import encryption, keys
from shielded.bech32 import WrongPrefix
from shielded.keys import (
    FullViewingKey,
    IncomingViewingKey,
    OutgoingViewingKey,
    SpendingKey,
    decode_viewing_key,
    derive,
)
from zk.curve import babyjub
from zk.errors import DecodeError, IdentityPoint, NonCanonical, NotInSubgroup, WrongLength
from zk.field.params import FR

# Trezor's BIP-39 vectors: 24 words of zero entropy, passphrase "TREZOR".
WORDS = "abandon " * 23 + "art"
SEED = (
    "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7"
    "c3de6f5d4a10be8ed2a5e608d68f92fcc8"
)
# Pinned: another value means that wallets restored from words would not find their money.
ADDRESS = (
    "chiaro_dev144avnl4svvy97dcv7my7v7mallwejhv8q09aen9tq5j39p8te2h5agjrxvn0z07w48p4kavakdzswrmlphx6"
    "sdd9y7p4nccuuew78c73a03paquepykw6qkvm99n3dpzra73nl"
)


def test_sh41_words_to_address() -> None:
    seed = Mnemonic.to_seed(WORDS, "TREZOR")
    assert seed.hex() == SEED
    assert SpendingKey.from_seed(seed).full_viewing_key.address(0).encode("dev") == ADDRESS


def test_sh41_accounts_are_independent_and_hardened() -> None:
    seed = bytes(64)
    accounts = {SpendingKey.from_seed(seed, account).sk for account in (0, 1, 2, 2**31 - 1)}
    assert len(accounts) == 4
    assert derive(seed, (1, 2)) != derive(seed, (2, 1))
    for account in (-1, 2**31):
        with pytest.raises(DecodeError, match="2\\^31"):
            SpendingKey.from_seed(seed, account)
    for wrong in (b"", bytes(32), bytes(65)):
        with pytest.raises(WrongLength):
            SpendingKey.from_seed(wrong)


def test_sh41_keys_are_in_their_ranges(keys) -> None:
    for number in range(8):
        key = keys(number)
        assert 1 <= key.ask < babyjub.ORDER
        assert key.ak == babyjub.multiply(key.ask, babyjub.B8)
        assert 0 <= key.nk < FR.modulus
        assert len({key.ovk, key.dk, key.sk, key.full_viewing_key.ivk}) == 4


def test_sh41_diversifiers_are_distinct_and_read_back(alice, bob) -> None:
    seen = set()
    for internal in (False, True):
        for index in (0, 1, 2, 77, 2**64 - 1):
            d = alice.address(index, internal=internal).diversifier
            seen.add(d)
            assert alice.address_index(d, internal=internal) == index
            assert alice.address_index(d, internal=not internal) is None
            assert bob.address_index(d, internal=internal) is None
    assert len(seen) == 10
    assert alice.address_index(b"short") is None
    for index in (-1, 2**64):
        with pytest.raises(DecodeError, match="2\\^64"):
            alice.address(index)


def test_sh41_two_addresses_share_no_byte_string(alice) -> None:
    """Two addresses of one wallet have nothing in common that a third party could compare."""
    a, b = alice.address(0), alice.address(1)
    assert a.diversifier != b.diversifier
    assert a.pk_d != b.pk_d
    assert a.owner != b.owner
    assert a.g_d != b.g_d


def test_sh46_an_incoming_key_gives_the_same_addresses(alice) -> None:
    incoming = alice.incoming
    assert incoming.address(5) == alice.address(5)
    assert incoming.address_index(alice.address(5).diversifier) == 5
    assert incoming.address_index(alice.address(5, internal=True).diversifier) is None


def test_sh46_what_each_viewing_key_opens(alice, bob, chain, pay) -> None:
    """Incoming: no change, nothing sent. Outgoing: nothing received."""
    action = chain.action(
        [pay(bob.address(0), 5, "rent", alice.ovk), pay(alice.address(0, internal=True), 6)]
    )
    payment, change = action.outputs
    (bobs,) = encryption.viewers(bob.incoming)
    (alices,) = encryption.viewers(alice.incoming)
    external, internal = encryption.viewers(alice)
    assert encryption.try_decrypt(bobs, payment) is not None
    assert encryption.try_decrypt(bobs, change) is None
    assert encryption.try_decrypt(alices, change) is None
    assert encryption.try_decrypt(external, change) is None
    assert encryption.try_decrypt(internal, change) is not None
    assert encryption.recover_outgoing(alice.outgoing.ovk, payment) is not None
    assert encryption.recover_outgoing(alice.outgoing.ovk, change) is None
    assert encryption.recover_outgoing(bob.ovk, payment) is None


def test_sh46_text_forms_round_trip_and_do_not_mix(alice) -> None:
    forms = (alice, alice.incoming, alice.outgoing)
    texts = [key.encode("dev") for key in forms]
    assert [text.partition("1")[0] for text in texts] == [
        "chiarofvk_dev",
        "chiaroivk_dev",
        "chiaroovk_dev",
    ]
    for key, text in zip(forms, texts, strict=True):
        assert decode_viewing_key(text, "dev") == key
        assert type(key).from_bytes(key.to_bytes()) == key
        with pytest.raises(WrongPrefix):
            decode_viewing_key(text, "local")
        for other in (FullViewingKey, IncomingViewingKey, OutgoingViewingKey):
            if other is not type(key):
                with pytest.raises(WrongPrefix):
                    other.decode(text, "dev")
    with pytest.raises(DecodeError):
        decode_viewing_key(alice.address(0).encode("dev"), "dev")


def torsion() -> list[babyjub.Point]:
    """The eight points of order dividing 8."""
    for x in range(2, 100):
        y = babyjub.y_from_x(x)
        if y is None:
            continue
        point = babyjub.multiply(babyjub.ORDER, babyjub.Point(x, y))
        if babyjub.multiply(4, point) != babyjub.IDENTITY:
            return [babyjub.multiply(i, point) for i in range(8)]
    raise AssertionError("no point of order 8")


def test_sh41_torsion_points_as_ak_are_refused(alice) -> None:
    """Incident 16: all eight torsion points, alone and added to a proper key."""
    points = torsion()
    assert len(set(points)) == 8
    for point in points:
        with pytest.raises((IdentityPoint, NotInSubgroup)):
            FullViewingKey(point, alice.nk, alice.ovk, alice.dk)
        if point != babyjub.IDENTITY:
            with pytest.raises(NotInSubgroup):
                FullViewingKey(babyjub.add(alice.ak, point), alice.nk, alice.ovk, alice.dk)


def test_sh41_decoding_is_strict(alice) -> None:
    data = alice.to_bytes()
    for wrong in (data[:-1], data + b"\0"):
        with pytest.raises(WrongLength):
            FullViewingKey.from_bytes(wrong)
    nk = (alice.nk + FR.modulus).to_bytes(32, "little")
    with pytest.raises(NonCanonical):
        FullViewingKey.from_bytes(data[:32] + nk + data[64:])
    incoming = alice.incoming.to_bytes()
    mpk = (alice.mpk + FR.modulus).to_bytes(32, "little")
    with pytest.raises(NonCanonical):
        IncomingViewingKey.from_bytes(incoming[:64] + mpk)
    with pytest.raises(WrongLength):
        OutgoingViewingKey.from_bytes(bytes(31))


def test_sh41_secrets_do_not_print(keys, alice, chain, pay) -> None:
    spending = keys(1)
    received = encryption.try_decrypt(
        encryption.viewers(alice)[0], chain.action([pay(alice.address(0), 77)]).outputs[0]
    )
    assert received is not None
    shown = [
        *(repr(key) for key in (spending, alice, alice.incoming, alice.outgoing)),
        *(repr(viewer) for viewer in encryption.viewers(alice)),
        repr(encryption.viewers(alice)[0].secret),
        repr(received),
        repr(received.note),
    ]
    secrets = (spending.ask, spending.nk, alice.mpk, received.note.quantity)
    for text in shown:
        assert not any(str(secret) in text or f"{secret:x}" in text for secret in secrets), text
        assert not any(repr(s) in text for s in (spending.sk, alice.ivk, alice.ovk, alice.dk))
        assert len(text) < 60


def test_derivation_uses_its_own_domains() -> None:
    assert keys._MASTER != keys._CHILD
    assert len(keys._MASTER) == len(keys._CHILD) == 16
