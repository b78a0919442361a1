"""RFC 9380's suite on G1 of BN254: gnark-crypto's vectors (ecc/bn254/hash_vectors_test.go)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec.hash_to_curve import expand_message, hash_to_field, hash_to_g1, map_to_curve
from zk.curve.bn254 import check_g1
from zk.errors import WrongLength
from zk.field.params import FP

TAG = b"QUUX-V01-CS02-with-BN254G1_XMD:SHA-256_SVDW_RO_"
GNARK = [
    (
        b"",
        0x2F87B81D9D6EF05AD4D249737498CC27E1BD485DCA804487844FEB3C67C1A9B5,
        0x6DE2D0D7C0D9C7A5A6C0B74675E7543F5B98186B5DBF831067449000B2B1F8E,
        0xA976AB906170DB1F9638D376514DBF8C42AEF256A54BBD48521F20749E59E86,
        0x2925EAD66B9E68BFC309B014398640AB55F6619AB59BC1FAB2210AD4C4D53D5,
    ),
    (
        b"abc",
        0x11945105B5E3D3B9392B5A2318409CBC28B7246AA47FA30DA5739907737799A9,
        0x1255FC9AD5A6E0FB440916F091229BDA611C41BE2F2283C3D8F98C596BE4C8C9,
        0x23F717BEE89B1003957139F193E6BE7DA1DF5F1374B26A4643B0378B5BAF53D1,
        0x4142F826B71EE574452DBC47E05BC3E1A647478403A7BA38B7B93948F4E151D,
    ),
    (
        b"abcdef0123456789",
        0x2F7993A6B43A8DBB37060E790011A888157F456B895B925C3568690685F4983D,
        0x2677D0532B47A4CEAD2488845E7DF7EBC16C0B8A2CD8A6B7F4CE99F51659794E,
        0x187DBF1C3C89ACECEEF254D6548D7163FDFA43084145F92C4C91C85C21442D4A,
        0xABD99D5B0000910B56058F9CC3B0AB0A22D47CF27615F588924FAC1E5C63B4D,
    ),
    (
        b"q128_" + b"q" * 128,
        0x2A50BE15282EE276B76DB1DAB761F75401CDC8BD9FFF81FCF4D428DB16092A7B,
        0x23B41953676183C30ACA54B5C8BD3FFE3535A6238C39F6B15487A5467D5D20EB,
        0xFE2B0743575324FC452D590D217390AD48E5A16CF051BEE5C40A2EBA233F5C,
        0x794211E0CC72D3CBBDF8E4E5CD6E7D7E78D101FF94862CAAE8ACBE63E9FDC78,
    ),
    (
        b"a512_" + b"a" * 512,
        0x48527470F534978BAE262C0F3BA8380D7F560916AF58AF9AD7DCB6A4238E633,
        0x19A6D8BE25702820B9B11EADA2D42F425343889637A01ECD7672FBCF590D9FFE,
        0x1B05DC540BD79FD0FEA4FBB07DE08E94FC2E7BD171FE025C479DC212A2173CE,
        0x1BF028AFC00C0F843D113758968F580640541728CFC6D32CED9779AA613CD9B0,
    ),
]


@pytest.mark.parametrize(("message", "u0", "u1", "x", "y"), GNARK)
def test_the_suite_agrees_with_gnark(message, u0, u1, x, y) -> None:
    assert hash_to_field(message, TAG) == (u0, u1)
    assert hash_to_g1(message, TAG) == (x, y)


def test_expansion_agrees_with_the_rfc() -> None:
    """RFC 9380, K.1: SHA-256, 32 bytes."""
    tag = b"QUUX-V01-CS02-with-expander-SHA256-128"
    assert expand_message(b"", tag, 32).hex() == (
        "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"
    )
    assert expand_message(b"abc", tag, 32).hex() == (
        "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"
    )


@given(st.integers(0, FP.modulus - 1))
@settings(max_examples=50, deadline=None)
def test_the_map_gives_points(u) -> None:
    check_g1(map_to_curve(u))


@pytest.mark.parametrize("u", [0, 1, FP.modulus - 1])
def test_the_map_has_no_exception(u) -> None:
    check_g1(map_to_curve(u))


@pytest.mark.parametrize("tag", [b"", bytes(256)])
def test_a_tag_has_1_to_255_bytes(tag) -> None:
    with pytest.raises(WrongLength):
        hash_to_g1(b"message", tag)
