"""Hashing to Curve25519 (RFC 9380) and the points that an address may not carry (incident 16)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shielded import curve25519
from shielded.address import ADDRESS_BYTES, Address, X25519Secret, diversified_base
from zk.errors import (
    DecodeError,
    IdentityPoint,
    NonCanonical,
    NotInSubgroup,
    NotOnCurve,
    WrongLength,
)
from zk.field.params import FR

# RFC 9380, J.4.2, curve25519_XMD:SHA-512_ELL2_NU_: message, u, Q.x, P.x.
DST = b"QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_"
VECTORS = (
    (
        b"",
        "608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd",
        "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
        "1bb913f0c9daefa0b3375378ffa534bda5526c97391952a7789eb976edfe4d08",
    ),
    (
        b"abc",
        "46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5",
        "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
        "7c22950b7d900fa866334262fcaea47a441a578df43b894b4625c9b450f9a026",
    ),
    (
        b"abcdef0123456789",
        "235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa",
        "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f",
        "31ad08a8b0deeb2a4d8b0206ca25f567ab4e042746f792f4b7973f3ae2096c52",
    ),
    (
        b"q128_" + b"q" * 128,
        "001e92a544463bda9bd04ddbe3d6eed248f82de32f522669efc5ddce95f46f5b",
        "227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683",
        "027877759d155b1997d0d84683a313eb78bdb493271d935b622900459d52ceaa",
    ),
    (
        b"a512_" + b"a" * 512,
        "1a68a1af9f663592291af987203393f707305c7bac9c8d63d6a729bdc553dc19",
        "3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196",
        "5fd892c0958d1a75f54c3182a18d286efab784e774d1e017ba2fb252998b5dc1",
    ),
)

# Of order 2, 4, 8, 8; the identity has no u.
LOW_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)


def le(u: int) -> bytes:
    return u.to_bytes(32, "little")


@pytest.mark.parametrize(("message", "u", "q", "p"), VECTORS)
def test_rfc9380_vectors(message: bytes, u: str, q: str, p: str) -> None:
    assert curve25519._hash_to_field(message, DST) == int(u, 16)
    assert curve25519._map_to_curve(int(u, 16)) == int(q, 16)
    assert curve25519.encode_to_curve(message, DST) == le(int(p, 16))


def test_ladder_and_doubling_agree_with_x25519() -> None:
    """[8]u by the ladder is three doublings; a clamped scalar gives X25519's own result."""
    u = int.from_bytes(diversified_base(bytes(16)), "little")
    scalar = (0x1234 << 200 | 1 << 254) & ~7
    x, w = curve25519._multiply(scalar, u)
    shared = X25519Secret(le(scalar)).exchange(le(u))
    assert le(int(x) * pow(int(w), -1, curve25519.P) % curve25519.P) == shared


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=16, max_size=16))
def test_sh43_a_base_is_of_prime_order_and_never_on_the_twist(d: bytes) -> None:
    """S-15: with a base on the twist, epk would tell which half of all diversifiers d is in."""
    curve25519.check_public_key(diversified_base(d))


def test_sh43_diversifiers_have_16_bytes() -> None:
    for wrong in (b"", bytes(15), bytes(17)):
        with pytest.raises(WrongLength):
            diversified_base(wrong)


@pytest.mark.parametrize("u", LOW_ORDER)
def test_sh44_small_order_pk_d_is_refused(alice, u: int) -> None:
    """Incident 16: with such a key every shared secret is zero, and everyone reads the note."""
    with pytest.raises(IdentityPoint):
        Address(bytes(16), le(u), 1)
    assert X25519Secret(bytes([1]) * 32).exchange(le(u)) is None


def test_sh44_twist_pk_d_is_refused() -> None:
    with pytest.raises(NotOnCurve):
        Address(bytes(16), le(2), 1)
    with pytest.raises(NotOnCurve):
        Address(bytes(16), le(curve25519.P - 1), 1)


@pytest.mark.parametrize("shift", [1 << 255, curve25519.P])
def test_sh44_non_canonical_pk_d_is_refused(shift: int) -> None:
    """X25519 reduces u and ignores the top bit: two more encodings of one key."""
    good = 9 if shift == curve25519.P else int.from_bytes(diversified_base(b"d" * 16), "little")
    curve25519.check_public_key(le(good))
    with pytest.raises(NonCanonical):
        Address(bytes(16), le(good + shift), 1)


def test_sh44_mixed_order_pk_d_is_refused() -> None:
    """A point plus one of small order has the same shared secrets: eight names for one key."""
    u = next(
        u
        for u in range(3, 100)
        if pow(u**3 + 486662 * u * u + u, (curve25519.P - 1) // 2, curve25519.P) == 1
        and curve25519._multiply(curve25519.ORDER, u)[1] != 0
    )
    with pytest.raises(NotInSubgroup):
        Address(bytes(16), le(u), 1)


def test_addresses_decode_strictly(alice) -> None:
    data = alice.address(7).to_bytes()
    assert len(data) == ADDRESS_BYTES
    assert Address.from_bytes(data) == alice.address(7)
    for wrong in (data[:-1], data + b"\0", b""):
        with pytest.raises(WrongLength):
            Address.from_bytes(wrong)
    owner = int.from_bytes(data[48:], "little") + FR.modulus
    with pytest.raises(NonCanonical):
        Address.from_bytes(data[:48] + le(owner))


def test_a_received_address_computes_the_same_secret(alice) -> None:
    """X25519(esk, pk_d) = X25519(ivk, epk) for epk on the address's own base."""
    address = alice.address(3)
    esk = X25519Secret(b"e" * 32)
    epk = esk.exchange(address.g_d)
    assert epk is not None
    assert esk.exchange(address.pk_d) == X25519Secret(alice.ivk).exchange(epk)
    assert esk.exchange(address.pk_d) != X25519Secret(alice.ivk_int).exchange(epk)


def test_scalars_have_32_bytes() -> None:
    with pytest.raises(DecodeError):
        X25519Secret(bytes(31))
