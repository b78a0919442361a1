"""Proofs and keys in the encodings of gnark, arkworks and Ethereum: there, back, and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from zk.curve.bn254 import G1_GENERATOR
from zk.curve.encoding import (
    g1_from_bytes,
    g1_to_bytes,
    g1_to_evm,
    g2_from_bytes,
    g2_to_bytes,
)
from zk.errors import (
    ChiaroError,
    FormatError,
    IdentityPoint,
    InvalidProof,
    NonCanonical,
    NotInSubgroup,
    NotOnCurve,
    UnsafeKey,
    WrongLength,
)
from zk.field.params import FP, FR
from zk.formats import arkworks, evm, gnark
from zk.groth16.keys import Proof
from zk.groth16.points import g1_points
from zk.groth16.verify import verify

Q = FP.modulus
POINT_CODECS = {"g1": (g1_from_bytes, g1_to_bytes), "g2": (g2_from_bytes, g2_to_bytes)}
RAW_CODECS = {
    "g1": (lambda data: arkworks._g1_of_raw(data, "point"), arkworks._g1_raw),
    "g2": (lambda data: arkworks._g2_of_raw(data, "point"), arkworks._g2_raw),
}
FORMS = pytest.mark.parametrize("raw", [False, True], ids=["compressed", "raw"])


def g1_halves(documents):
    key = documents.proving_key
    return g1_points(key.beta_g1)[0], g1_points(key.delta_g1)[0]


@FORMS
def test_gnark_round_trips(documents, raw) -> None:
    proof, key = documents.proof, documents.verifying_key
    data = gnark.proof_to_bytes(proof, raw=raw)
    assert len(data) == (324 if raw else 164)
    assert gnark.proof_from_bytes(data) == proof
    assert gnark.proof_from_bytes(data[: 256 if raw else 128]) == proof  # of older versions
    data = gnark.verifying_key_to_bytes(key, *g1_halves(documents), raw=raw)
    assert gnark.verifying_key_from_bytes(data) == key
    assert gnark.verifying_key_from_bytes(data[:-8]) == key


@FORMS
def test_arkworks_round_trips(documents, raw) -> None:
    proof, key = documents.proof, documents.verifying_key
    assert arkworks.proof_from_bytes(arkworks.proof_to_bytes(proof, raw=raw)) == proof
    data = arkworks.verifying_key_to_bytes(key, raw=raw)
    assert arkworks.verifying_key_from_bytes(data) == key


def test_evm_round_trips(documents) -> None:
    proof, public = documents.proof, documents.public
    assert evm.from_words(evm.words(proof, public)) == (proof, public)
    assert evm.from_call_data(evm.call_data(proof, public)) == (proof, public)
    assert evm.from_text(evm.text(proof, public)) == (proof, public)
    assert evm.from_text(" " + evm.text(proof, public).replace(",", " ,\n")) == (proof, public)
    numbers = json.loads(f"[{evm.text(proof, public)}]")
    assert [int(x, 16) for x in numbers[0]] == list(proof.a)
    assert [int(x, 16) for x in numbers[1][0]] == list(proof.b[0])[::-1]


def test_selector_is_that_of_the_signature() -> None:
    """cast sig "verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[1])"."""
    assert evm.selector(1).hex() == "43753b4d"


def outside(documents, outside_g2) -> Proof:
    return Proof(documents.proof.a, outside_g2, documents.proof.c)


def big(value: int) -> bytes:
    return value.to_bytes(32, "big")


def little(value: int) -> bytes:
    return value.to_bytes(32, "little")


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def flipped(data: bytes, at: int, bits: int) -> bytes:
    return patched(data, at, bytes([data[at] ^ bits]))


ReadProof = Callable[[bytes], object]
OFF_CURVE = 4  # no point of G1 has this x: 67 is no square
BAD_PROOFS: dict[str, tuple[type[ChiaroError], str, ReadProof, Callable[[Proof], bytes]]] = {}


def bad(name: str, error: type[ChiaroError], code: str, read: ReadProof):
    def keep(make: Callable[[Proof], bytes]):
        BAD_PROOFS[name] = (error, code, read, make)
        return make

    return keep


for raw in (False, True):
    form, size = ("raw", 64) if raw else ("compressed", 32)

    def gnark_data(proof: Proof, raw: bool = raw) -> bytes:
        return gnark.proof_to_bytes(proof, raw=raw)

    def ark_data(proof: Proof, raw: bool = raw) -> bytes:
        return arkworks.proof_to_bytes(proof, raw=raw)

    cases = {
        "short": (FormatError, "FMT-012", lambda p, f=gnark_data: f(p)[:-1]),
        "trailing": (FormatError, "FMT-018", lambda p, f=gnark_data: f(p) + b"\0"),
        "commitment": (
            FormatError,
            "FMT-031",
            lambda p, f=gnark_data, n=size: patched(f(p), 4 * n, b"\0\0\0\1"),
        ),
        "knowledge": (
            FormatError,
            "FMT-031",
            lambda p, f=gnark_data, n=size: f(p)[:-n] + f(p)[:n],
        ),
        "not below q": (
            NonCanonical,
            "ENC-002",
            lambda p, f=gnark_data: patched(f(p), 0, big(Q | (f(p)[0] & 0xC0) << 248)),
        ),
        "off the curve": (
            NotOnCurve,
            "ENC-004",
            lambda p, f=gnark_data: patched(f(p), 0, big(OFF_CURVE | (f(p)[0] & 0xC0) << 248)),
        ),
        "mixed": (
            FormatError,
            "FMT-032",
            lambda p, f=gnark_data, n=size, r=raw: patched(
                f(p), n, bytes([f(p)[n] & 0x3F | 0x80 * r])
            ),
        ),
    }
    for name, (error, code, make) in cases.items():
        BAD_PROOFS[f"gnark {form} {name}"] = (error, code, gnark.proof_from_bytes, make)
    BAD_PROOFS[f"arkworks {form} length"] = (
        WrongLength,
        "ENC-003",
        arkworks.proof_from_bytes,
        lambda p, f=ark_data: f(p) + b"\0",
    )
    BAD_PROOFS[f"arkworks {form} not below q"] = (
        NonCanonical,
        "ENC-002",
        arkworks.proof_from_bytes,
        lambda p, f=ark_data: patched(f(p), 0, little(Q)),
    )


@bad("gnark infinity", IdentityPoint, "ENC-006", gnark.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return patched(gnark.proof_to_bytes(proof), 0, b"\x40" + bytes(31))


@bad("gnark infinity with bits", NonCanonical, "ENC-002", gnark.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return patched(gnark.proof_to_bytes(proof), 0, b"\x40" + bytes(30) + b"\1")


@bad("gnark raw infinity", IdentityPoint, "ENC-006", gnark.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return patched(gnark.proof_to_bytes(proof, raw=True), 0, bytes(64))


@bad("arkworks raw infinity", IdentityPoint, "ENC-006", arkworks.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return patched(arkworks.proof_to_bytes(proof, raw=True), 0, bytes(63) + b"\x40")


@bad("arkworks raw infinity with bits", NonCanonical, "ENC-002", arkworks.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return patched(arkworks.proof_to_bytes(proof, raw=True), 0, b"\1" + bytes(62) + b"\x40")


@bad("arkworks raw contradicting flag", NonCanonical, "ENC-002", arkworks.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return flipped(arkworks.proof_to_bytes(proof, raw=True), 63, 0x80)


@bad("arkworks raw contradicting flag of B", NonCanonical, "ENC-002", arkworks.proof_from_bytes)
def _(proof: Proof) -> bytes:
    return flipped(arkworks.proof_to_bytes(proof, raw=True), 191, 0x80)


@bad("evm odd length", FormatError, "FMT-033", evm.from_words)
def _(proof: Proof) -> bytes:
    return evm.words(proof, [1]) + b"\0"


@bad("evm short", FormatError, "FMT-033", evm.from_words)
def _(proof: Proof) -> bytes:
    return evm.words(proof, [])[:-32]


@bad("evm input not below r", NonCanonical, "ENC-002", evm.from_words)
def _(proof: Proof) -> bytes:
    return evm.words(proof, []) + big(FR.modulus)


@bad("evm other function", FormatError, "FMT-033", evm.from_call_data)
def _(proof: Proof) -> bytes:
    return flipped(evm.call_data(proof, [1]), 0, 1)


@bad("evm other number of inputs", FormatError, "FMT-033", evm.from_call_data)
def _(proof: Proof) -> bytes:
    return evm.call_data(proof, [1]) + bytes(32)


@bad("evm text", FormatError, "FMT-033", lambda data: evm.from_text(data.decode()))
def _(proof: Proof) -> bytes:
    return evm.text(proof, [1]).replace("]],[", "],[", 1).encode()


@bad("evm text upper case", FormatError, "FMT-033", lambda data: evm.from_text(data.decode()))
def _(proof: Proof) -> bytes:
    return evm.text(proof, [10]).replace("a", "A").encode()


@pytest.mark.parametrize("name", BAD_PROOFS)
def test_refused(documents, name) -> None:
    error, code, read, make = BAD_PROOFS[name]
    with pytest.raises(error) as caught:
        read(make(documents.proof))
    assert caught.value.id == code


@FORMS
@pytest.mark.parametrize("library", [gnark, arkworks], ids=["gnark", "arkworks"])
def test_b_outside_the_subgroup(documents, outside_g2, library, raw) -> None:
    data = library.proof_to_bytes(outside(documents, outside_g2), raw=raw)
    with pytest.raises(NotInSubgroup):
        library.proof_from_bytes(data)


def test_b_outside_the_subgroup_in_words(documents, outside_g2) -> None:
    with pytest.raises(NotInSubgroup):
        evm.from_words(evm.words(outside(documents, outside_g2), [1]))


@FORMS
def test_keys_with_two_values_of_delta(documents, raw) -> None:
    beta, _ = g1_halves(documents)
    with pytest.raises(UnsafeKey, match="delta is another value"):
        gnark.verifying_key_to_bytes(documents.verifying_key, beta, G1_GENERATOR, raw=raw)
    data = gnark.verifying_key_to_bytes(documents.verifying_key, *g1_halves(documents), raw=True)
    at = 64 * 2 + 128 * 2
    with pytest.raises(UnsafeKey, match="delta is another value"):
        gnark.verifying_key_from_bytes(patched(data, at, g1_to_evm(G1_GENERATOR)))


@FORMS
def test_keys_of_wrong_length(documents, raw) -> None:
    data = gnark.verifying_key_to_bytes(documents.verifying_key, *g1_halves(documents), raw=raw)
    scale = 2 if raw else 1
    count = scale * (3 * 32 + 3 * 64)
    for change, code in (
        (data[:-1], "FMT-012"),
        (data + b"\0", "FMT-018"),
        (patched(data, count, b"\xff\xff\xff\xff"), "FMT-017"),
        (patched(data, count, bytes(4)), "FMT-017"),
        (patched(data, len(data) - 8, b"\0\0\0\1"), "FMT-031"),
    ):
        with pytest.raises(FormatError) as caught:
            gnark.verifying_key_from_bytes(change)
        assert caught.value.id == code
    data = arkworks.verifying_key_to_bytes(documents.verifying_key, raw=raw)
    for change in (data[:-1], data + b"\0", b""):
        with pytest.raises(WrongLength):
            arkworks.verifying_key_from_bytes(change)


@FORMS
def test_every_truncation_is_refused(documents, raw) -> None:
    data = gnark.proof_to_bytes(documents.proof, raw=raw)
    old_end = 256 if raw else 128
    for length in range(len(data)):
        if length != old_end:
            with pytest.raises(ChiaroError):
                gnark.proof_from_bytes(data[:length])


# -- what foreign provers wrote -------------------------------------------------------------------

GNARK = json.loads((Path(__file__).parents[2] / "vectors/gnark.json").read_text())


@pytest.mark.parametrize("form", ["bin", "raw"])
def test_a_proof_of_gnark(form) -> None:
    """`WriteTo` and `WriteRawTo` of gnark: read, verified, and written again byte for byte."""
    files = {name: bytes.fromhex(text) for name, text in GNARK["files"].items()}
    proof = gnark.proof_from_bytes(files[f"proof.{form}"])
    key = gnark.verifying_key_from_bytes(files[f"key.{form}"])
    public = [int(text) for text in GNARK["public"]]
    verify(key, public, proof)
    with pytest.raises(InvalidProof):
        verify(key, [public[0] + 1, public[1]], proof)
    assert gnark.proof_to_bytes(proof, raw=form == "raw") == files[f"proof.{form}"]


ARKWORKS = json.loads((Path(__file__).parents[2] / "vectors/arkworks.json").read_text())


def test_vectors_of_arkworks_name_their_oracle() -> None:
    assert ARKWORKS["oracle"] == "ark-groth16 0.6.0, ark-serialize 0.6.0, ark-bn254 0.6.0"


@pytest.mark.parametrize("form", ["compressed", "uncompressed"])
def test_a_proof_of_arkworks(form) -> None:
    """`CanonicalSerialize` of ark-groth16: read, verified, and written again byte for byte."""
    raw = form == "uncompressed"
    files = {name: bytes.fromhex(ARKWORKS[name][form]) for name in ("proof", "key")}
    proof = arkworks.proof_from_bytes(files["proof"])
    key = arkworks.verifying_key_from_bytes(files["key"])
    public = [int(text) for text in ARKWORKS["public"]]
    verify(key, public, proof)
    with pytest.raises(InvalidProof):
        verify(key, [public[0], public[1] + 1], proof)
    assert arkworks.proof_to_bytes(proof, raw=raw) == files["proof"]
    assert arkworks.verifying_key_to_bytes(key, raw=raw) == files["key"]


@pytest.mark.parametrize("group", ["g1", "g2"])
@pytest.mark.parametrize("name", ["infinity", "-G", "1G", "8G", "27G", "64G", "125G", "216G"])
def test_points_of_arkworks(group, name) -> None:
    """Both signs of y, and infinity: 01…80 is −G of G1, 00…40 infinity, as ark-serialize has it."""
    vector = ARKWORKS[group][name]
    compressed, raw = (bytes.fromhex(vector[form]) for form in ("compressed", "uncompressed"))
    read, write = POINT_CODECS[group]
    read_raw, write_raw = RAW_CODECS[group]
    if name == "infinity":
        assert read(compressed, allow_identity=True) is None
        for refused, data in ((read, compressed), (read_raw, raw)):
            with pytest.raises(IdentityPoint):
                refused(data)
        assert (write(None), write_raw(None)) == (compressed, raw)
        return
    x, y = vector["point"]
    point = (int(x), int(y)) if group == "g1" else tuple(tuple(map(int, c)) for c in (x, y))
    assert read(compressed) == read_raw(raw) == point
    assert (write(point), write_raw(point)) == (compressed, raw)


@pytest.mark.parametrize("group", ["g1", "g2"])
@pytest.mark.parametrize("form", ["compressed", "uncompressed"])
def test_infinity_of_arkworks_with_another_bit_is_refused(group, form) -> None:
    data = bytearray.fromhex(ARKWORKS[group]["infinity"][form])
    read = (POINT_CODECS if form == "compressed" else RAW_CODECS)[group][0]
    for place in range(len(data)):
        data[place] ^= 1
        with pytest.raises(NonCanonical) as caught:
            read(bytes(data))
        assert caught.value.id == "ENC-002"
        data[place] ^= 1


def test_minus_g_and_infinity_stand_where_arkworks_puts_their_flags() -> None:
    assert ARKWORKS["g1"]["-G"]["compressed"] == "01" + "00" * 30 + "80"
    assert ARKWORKS["g1"]["infinity"]["compressed"] == "00" * 31 + "40"
    assert ARKWORKS["g2"]["infinity"]["uncompressed"] == "00" * 127 + "40"
