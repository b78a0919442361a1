"""Proofs and keys as gnark, arkworks and Ethereum have them, our own, and contracts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from malformed.case import Case, big, little, made, no_g1_x, outside_g2, patched
from zk.curve.encoding import g1_to_evm, g2_to_bytes, g2_to_evm
from zk.field.params import FP, FR
from zk.formats import arkworks, convert, evm, gnark
from zk.formats.solidity import verifier_contract
from zk.groth16.keys import VerifyingKey

Change = Callable[[bytes], bytes]
Rows = list[tuple[str, str, Change]]


@cache
def gnark_proof(*, raw: bool = False) -> bytes:
    return gnark.proof_to_bytes(made().proof, raw=raw)


@cache
def gnark_key(*, raw: bool = False) -> bytes:
    return gnark.verifying_key_to_bytes(made().key.verifying_key, *made().halves, raw=raw)


@cache
def ark_proof(*, raw: bool = False) -> bytes:
    return arkworks.proof_to_bytes(made().proof, raw=raw)


@cache
def own_key() -> bytes:
    return made().key.verifying_key.to_bytes()


@cache
def ark_key(*, raw: bool = False) -> bytes:
    return arkworks.verifying_key_to_bytes(made().key.verifying_key, raw=raw)


@cache
def words() -> bytes:
    return evm.words(made().proof, made().public)


@cache
def call() -> bytes:
    return evm.call_data(made().proof, made().public)


@cache
def text() -> bytes:
    return evm.text(made().proof, made().public).encode()


def _gnark_outside(data: bytes) -> bytes:
    return patched(data, 64, g2_to_evm(outside_g2()))


GNARK_PROOF: Rows = [
    ("cut short", "FMT-012", lambda d: d[:-1]),
    ("bytes after the last point", "FMT-018", lambda d: d + b"\0"),
    ("a commitment to wires", "FMT-031", lambda d: patched(d, 128, big(1)[-4:])),
    (
        "compressed and uncompressed points",
        "FMT-032",
        lambda d: patched(d, 32, bytes([d[32] & 63])),
    ),
    ("infinity with other bits set", "ENC-002", lambda d: patched(d, 0, b"\x40" + b"\1" * 31)),
    (
        "a coordinate that is not below q",
        "ENC-002",
        lambda d: patched(d, 0, big(FP.modulus | 2 << 254)),
    ),
    ("a point off its curve", "ENC-004", lambda d: patched(d, 0, big(no_g1_x() | 2 << 254))),
    ("B outside G2", "ENC-005", lambda _: _gnark_outside(gnark_proof(raw=True))),
    ("a point at infinity", "ENC-006", lambda d: patched(d, 0, b"\x40" + bytes(31))),
]
GNARK_KEY: Rows = [
    ("cut short", "FMT-012", lambda d: d[:-1]),
    ("no K, or more than the file holds", "FMT-017", lambda d: patched(d, 288, big(99)[-4:])),
    ("bytes after the last point", "FMT-018", lambda d: d + b"\0"),
    ("commitment keys", "FMT-031", lambda d: patched(d, -4, big(1)[-4:])),
    (
        "compressed and uncompressed points",
        "FMT-032",
        lambda d: patched(d, 32, bytes([d[32] & 63])),
    ),
    ("a point off its curve", "ENC-004", lambda d: patched(d, 0, big(no_g1_x() | 2 << 254))),
    ("a point at infinity", "ENC-006", lambda d: patched(d, 0, b"\x40" + bytes(31))),
    ("β another value in G1 than in G2", "PAR-004", lambda d: patched(d, 32, d[:32])),
]
ARK_PROOF: Rows = [
    ("neither 128 nor 256 bytes", "ENC-003", lambda d: d[:-1]),
    ("infinity with other bits set", "ENC-002", lambda d: patched(d, 0, b"\1" * 31 + b"\x40")),
    ("a coordinate that is not below q", "ENC-002", lambda d: patched(d, 0, little(FP.modulus))),
    (
        "a flag that the point's y contradicts",
        "ENC-002",
        lambda _: patched(ark_proof(raw=True), 63, bytes([ark_proof(raw=True)[63] ^ 0x80])),
    ),
    ("a point off its curve", "ENC-004", lambda d: patched(d, 0, little(no_g1_x()))),
    ("B outside G2", "ENC-005", lambda d: patched(d, 32, g2_to_bytes(outside_g2()))),
    ("a point at infinity", "ENC-006", lambda d: patched(d, 0, bytes(31) + b"\x40")),
]
ARK_KEY: Rows = [
    ("another length than its ICs need", "ENC-003", lambda d: d[:-1]),
    ("no IC, or more than any key has", "FMT-017", lambda d: d[:224] + bytes(8)),
    ("a coordinate that is not below q", "ENC-002", lambda d: patched(d, 0, little(FP.modulus))),
    ("a point off its curve", "ENC-004", lambda d: patched(d, 0, little(no_g1_x()))),
    ("a point outside G2", "ENC-005", lambda d: patched(d, 32, g2_to_bytes(outside_g2()))),
    ("a point at infinity", "ENC-006", lambda d: patched(d, 0, bytes(31) + b"\x40")),
    ("δ equal to γ", "PAR-004", lambda d: patched(d, 160, d[96:160])),
]
OWN_KEY: Rows = [
    ("another length than its ICs need", "ENC-003", lambda d: d[:-1]),
    ("a point off its curve", "ENC-004", lambda d: patched(d, 0, little(no_g1_x()))),
    ("two ICs that are equal", "PAR-004", lambda d: patched(d, -32, d[-64:-32])),
]
WORDS: Rows = [
    ("no whole number of words, or too few", "FMT-033", lambda d: d[:-1]),
    ("an input that is not below r", "ENC-002", lambda d: patched(d, -32, big(FR.modulus))),
    ("a coordinate that is not below q", "ENC-002", lambda d: patched(d, 0, big(FP.modulus))),
    ("a point off its curve", "ENC-004", lambda d: patched(d, 0, g1_to_evm((4, 4)))),
    ("B outside G2", "ENC-005", _gnark_outside),
    ("a point at infinity", "ENC-006", lambda d: patched(d, 0, bytes(64))),
]
CALL: Rows = [
    ("another function", "FMT-033", lambda d: patched(d, 0, bytes([d[0] ^ 1]))),
    ("another number of inputs than its function has", "FMT-033", lambda d: d + bytes(32)),
    ("an input that is not below r", "ENC-002", lambda d: patched(d, -32, big(FR.modulus))),
]
TEXT: Rows = [
    ("not the four lists of verifyProof", "FMT-033", lambda d: d.replace(b"]],[", b"],[", 1)),
    ("upper-case digits", "FMT-033", lambda d: d[:40].upper() + d[40:]),
    ("text that is not ASCII", "FMT-033", lambda d: d + b"\xff"),
    ("an input that is not below r", "ENC-002", lambda d: d[:-66] + b"f" * 64 + d[-2:]),
]


def _convert(encoding: str, *more: str) -> tuple[str, ...]:
    return ("proof", "convert", "FILE", "-o", "OUT", "--from", encoding, "--to", "snarkjs", *more)


def _text(data: bytes) -> object:
    return convert.read_proof(data, "calldata-text")


def _contract(name: str) -> Callable[[bytes], object]:
    return lambda _data: verifier_contract(made().key.verifying_key, name=name)


def _crowded(_data: bytes) -> object:
    """A key of 300 inputs: the points need only differ."""
    key = made().key.verifying_key
    ic = key.ic[0]
    crowded = object.__new__(VerifyingKey)
    for name, value in (("alpha", key.alpha), ("ic", (ic,) * 301)):
        object.__setattr__(crowded, name, value)
    return verifier_contract(crowded)


KINDS = [
    ("a proof of gnark", GNARK_PROOF, gnark_proof, gnark.proof_from_bytes, _convert("gnark")),
    (
        "a key of gnark",
        GNARK_KEY,
        gnark_key,
        gnark.verifying_key_from_bytes,
        _convert("gnark", "--key"),
    ),
    ("a proof of arkworks", ARK_PROOF, ark_proof, arkworks.proof_from_bytes, _convert("arkworks")),
    (
        "a key of arkworks",
        ARK_KEY,
        ark_key,
        arkworks.verifying_key_from_bytes,
        _convert("arkworks", "--key"),
    ),
    (
        "a verifying key of ours",
        OWN_KEY,
        own_key,
        VerifyingKey.from_bytes,
        None,
    ),
    ("words of a proof (`evm`)", WORDS, words, evm.from_words, _convert("evm")),
    ("call data (`calldata`)", CALL, call, evm.from_call_data, _convert("calldata")),
    ("arguments as text (`calldata-text`)", TEXT, text, _text, _convert("calldata-text")),
]
EXIT = {"PAR-004": 8}


def _changed(seed: Callable[[], bytes], change: Change) -> Callable[[], bytes]:
    return lambda: change(seed())


CASES = [
    *(
        Case(kind, what, code, _changed(seed, change), read, command, EXIT.get(code, 3))
        for kind, rows, seed, read, command in KINDS
        for what, code, change in rows
    ),
    Case(
        "a file of a kind to be found out",
        "bytes of no encoding that is known",
        "FMT-035",
        lambda: b"\1\2\3",
        convert.guess_proof,
        ("proof", "inspect", "FILE"),
    ),
    Case(
        "a verifier contract",
        "a name that is none in Solidity",
        "FMT-034",
        bytes,
        _contract("a b"),
        ("proof", "export-solidity", "KEY", "-o", "OUT", "--name", "a b"),
    ),
    Case("a verifier contract", "more than 256 public inputs", "FMT-034", bytes, _crowded, None),
]
