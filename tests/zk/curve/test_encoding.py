"""Both encodings of BN254's points: published values, one encoding each, every refusal its own."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.curve import bn254, encoding
from zk.curve.bn254 import G1, G2, G1Affine, G2Affine
from zk.curve.encoding import (
    g1_from_bytes,
    g1_from_evm,
    g1_to_bytes,
    g1_to_evm,
    g2_from_bytes,
    g2_from_evm,
    g2_to_bytes,
    g2_to_evm,
)
from zk.curve.pairing import pairing_product_is_one
from zk.errors import (
    DecodeError,
    IdentityPoint,
    NonCanonical,
    NotInSubgroup,
    NotOnCurve,
    WrongLength,
)
from zk.field.params import FP, FR

P, R = FP.modulus, FR.modulus
VECTORS = Path(__file__).resolve().parents[2] / "vectors"
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).randrange(R))
SCALAR = UNIFORM | st.integers(min_value=0, max_value=R - 1)
OUTSIDE = bn254._points_of_the_twist(1)[0].to_affine()


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def test_compressed_form_is_arkworks() -> None:
    published = vectors("bn254_compressed.json")
    for case in published["g1"]:
        point, data = (int(case["x"]), int(case["y"])), bytes.fromhex(case["bytes"])
        assert g1_to_bytes(point) == data
        assert g1_from_bytes(data) == point
    for case in published["g2"]:
        twice = (tuple(map(int, case["x"])), tuple(map(int, case["y"])))
        data = bytes.fromhex(case["bytes"])
        assert g2_to_bytes(twice) == data
        assert g2_from_bytes(data) == twice


@given(SCALAR)
@settings(deadline=None, max_examples=20)
def test_round_trips(k: int) -> None:
    g1: G1Affine = (k * G1.generator()).to_affine()
    g2: G2Affine = (k * G2.generator()).to_affine()
    assert g1_from_bytes(g1_to_bytes(g1), allow_identity=True) == g1
    assert g2_from_bytes(g2_to_bytes(g2), allow_identity=True) == g2
    assert g1_from_evm(g1_to_evm(g1), allow_identity=True) == g1
    assert g2_from_evm(g2_to_evm(g2), allow_identity=True) == g2


@given(SCALAR.filter(bool))
@settings(deadline=None, max_examples=10)
def test_the_flag_alone_tells_opposite_points_apart(k: int) -> None:
    for group, encode in ((G1, g1_to_bytes), (G2, g2_to_bytes)):
        p = k * group.generator()
        one, other = encode(p.to_affine()), encode((-p).to_affine())
        assert one[:-1] == other[:-1]
        assert one[-1] ^ other[-1] == 0x80


def test_fp2_sign_looks_at_c1_first_and_then_at_c0() -> None:
    half = P >> 1
    assert g2_to_bytes(((1, 2), (0, half + 1)))[-1] & 0x80
    assert not g2_to_bytes(((1, 2), (half + 1, half)))[-1] & 0x80
    assert g2_to_bytes(((1, 2), (half + 1, 0)))[-1] & 0x80
    assert not g2_to_bytes(((1, 2), (half, 0)))[-1] & 0x80


@given(st.integers(min_value=0).map(lambda seed: random.Random(seed).randbytes(32)))
@settings(deadline=None, max_examples=150)
def test_g1_bytes_have_one_meaning_or_none(data: bytes) -> None:
    try:
        point = g1_from_bytes(data, allow_identity=True)
    except DecodeError:
        return
    assert g1_to_bytes(point) == data


@given(SCALAR.filter(bool), st.integers(min_value=0, max_value=511))
@settings(deadline=None, max_examples=25)
def test_a_flipped_bit_never_gives_the_same_g2_point(k: int, bit: int) -> None:
    point = (k * G2.generator()).to_affine()
    data = bytearray(g2_to_bytes(point))
    data[bit // 8] ^= 1 << bit % 8
    try:
        other = g2_from_bytes(bytes(data), allow_identity=True)
    except DecodeError:
        return
    assert other != point
    assert g2_to_bytes(other) == bytes(data)


def no_root_g1() -> bytes:
    x = next(x for x in range(1, 99) if (G1.field(x) ** 3 + G1.b).sqrt() is None)
    return x.to_bytes(32, "little")


def no_root_g2() -> bytes:
    x = next(
        x for x in (bn254.Fp2(i, 0) for i in range(1, 99)) if (x.square() * x + G2.b).sqrt() is None
    )
    return x.to_ints()[0].to_bytes(64, "little")


INFINITY_G1 = bytes(31) + b"\x40"
INFINITY_G2 = bytes(63) + b"\x40"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", WrongLength),
        (bytes(31), WrongLength),
        (bytes(33), WrongLength),
        (INFINITY_G1 + b"\0", WrongLength),
        (INFINITY_G1, IdentityPoint),
        (bytes(31) + b"\xc0", NonCanonical),
        (b"\1" + INFINITY_G1[1:], NonCanonical),
        (bytes(31) + b"\x41", NonCanonical),
        (P.to_bytes(32, "little"), NonCanonical),
        ((P + 1).to_bytes(32, "little"), NonCanonical),
        (((1 << 254) - 1).to_bytes(32, "little"), NonCanonical),
        (no_root_g1(), NotOnCurve),
    ],
)
def test_g1_refusals_have_their_own_errors(data: bytes, error: type[DecodeError]) -> None:
    with pytest.raises(error) as caught:
        g1_from_bytes(data, what="A")
    assert type(caught.value) is error
    assert caught.value.where == "A"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", WrongLength),
        (bytes(32), WrongLength),
        (bytes(65), WrongLength),
        (INFINITY_G2, IdentityPoint),
        (bytes(63) + b"\xc0", NonCanonical),
        (bytes(32) + b"\1" + bytes(30) + b"\x40", NonCanonical),
        (P.to_bytes(32, "little") + bytes(32), NonCanonical),
        (bytes(32) + P.to_bytes(32, "little"), NonCanonical),
        # A flag of the last byte standing in c0's last byte makes c0 too large.
        (bytes(31) + b"\x80" + bytes(32), NonCanonical),
        (bytes(31) + b"\x40" + bytes(32), NonCanonical),
        (no_root_g2(), NotOnCurve),
        (g2_to_bytes(OUTSIDE), NotInSubgroup),
    ],
)
def test_g2_refusals_have_their_own_errors(data: bytes, error: type[DecodeError]) -> None:
    with pytest.raises(error) as caught:
        g2_from_bytes(data, what="B")
    assert type(caught.value) is error
    assert caught.value.where == "B"


def test_infinity_is_accepted_only_where_allowed() -> None:
    assert g1_from_bytes(INFINITY_G1, allow_identity=True) is None
    assert g2_from_bytes(INFINITY_G2, allow_identity=True) is None
    assert g1_to_bytes(None) == INFINITY_G1
    assert g2_to_bytes(None) == INFINITY_G2
    assert g1_from_evm(bytes(64), allow_identity=True) is None
    assert g2_from_evm(bytes(128), allow_identity=True) is None
    for decode, data in ((g1_from_evm, bytes(64)), (g2_from_evm, bytes(128))):
        with pytest.raises(IdentityPoint):
            decode(data)


# EIP-196 and EIP-197, with py_ecc's answers.


def ec_add(data: bytes) -> bytes:
    p = g1_from_evm(data[:64], allow_identity=True)
    q = g1_from_evm(data[64:], allow_identity=True)
    return g1_to_evm((G1.from_affine(p) + G1.from_affine(q)).to_affine())


def ec_multiply(data: bytes) -> bytes:
    p = g1_from_evm(data[:64], allow_identity=True)
    k = int.from_bytes(data[64:], "big")
    return g1_to_evm((k * G1.from_affine(p)).to_affine())


def ec_pairing(data: bytes) -> int:
    pairs = []
    for i in range(0, len(data), 192):
        p = g1_from_evm(data[i : i + 64], allow_identity=True)
        q = g2_from_evm(data[i + 64 : i + 192], allow_identity=True)
        pairs.append((G1.from_affine(p), G2.from_affine(q, subgroup=False)))
    return int(pairing_product_is_one(pairs))


PRECOMPILES = [
    ("bn254_add.json", ec_add),
    ("bn254_multiply.json", ec_multiply),
    ("bn254_pairing.json", ec_pairing),
]


@pytest.mark.parametrize(
    ("run", "case"),
    [
        pytest.param(run, case, id=f"{name[6:-5]}: {case['comment']}")
        for name, run in PRECOMPILES
        for case in vectors(name)["cases"]
    ],
)
def test_precompile_vectors(run: Any, case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["input"])
    if "error" in case:
        with pytest.raises(DecodeError) as caught:
            run(data)
        assert type(caught.value).__name__ == case["error"]
        return
    result = run(data)
    assert (result.hex() if isinstance(result, bytes) else result) == case["expected"]


def test_lengths_are_what_the_formats_say() -> None:
    assert (encoding.G1_BYTES, encoding.G2_BYTES) == (32, 64)
    assert (encoding.G1_EVM_BYTES, encoding.G2_EVM_BYTES) == (64, 128)


def test_no_point_has_y_zero() -> None:
    """y = 0 asks for a cube root of −b, which neither field has: a sign flag always has a sense."""
    assert pow(P - 3, (P - 1) // 3, P) != 1
    assert (-G2.b) ** ((P * P - 1) // 3) != bn254.Fp2.one()
