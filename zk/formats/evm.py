"""Proofs for Ethereum: its precompiled contracts (EIP-196, EIP-197) and verifiers that use them.

Words are 32 bytes, big-endian; of an element of Fp2, c1 comes first; infinity is all zero.

    words            A.x A.y  B.x.c1 B.x.c0 B.y.c1 B.y.c0  C.x C.y  inputs …
    call data        selector of verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[n]), words
    text             the words in hexadecimal in four JSON lists, as snarkjs prints them
    precompile 0x08  (−A, B) (α, β) (Σ, γ) (C, δ), each 192 bytes: 1 if the proof holds

Contracts that use a proof must not take its bytes for an identity: (−A, −B, C) holds, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from zk.curve.bn254 import G1, G1Affine
from zk.curve.encoding import (
    G1_EVM_BYTES,
    G2_EVM_BYTES,
    g1_from_evm,
    g1_to_evm,
    g2_from_evm,
    g2_to_evm,
)
from zk.errors import FormatError, NonCanonical
from zk.field.arrays import BYTES
from zk.field.params import FR
from zk.groth16.keys import MAX_PUBLICS, Proof, VerifyingKey
from zk.groth16.verify import check_public

SELECTOR_BYTES: Final = 4
PROOF_WORDS_BYTES: Final = 2 * G1_EVM_BYTES + G2_EVM_BYTES
PAIRING_PRECOMPILE: Final = 0x08

_WORD: Final = re.compile(r'"0x([0-9a-f]{64})"', re.ASCII)
_SHAPE: Final = re.compile(r"\[w,w\],\[\[w,w\],\[w,w\]\],\[w,w\],\[(?:w(?:,w)*)?\]\Z", re.ASCII)
_MAX_TEXT: Final = (MAX_PUBLICS + 8) * 72


def words(proof: Proof, public: Sequence[int]) -> bytes:
    """Proof and public inputs, 256 + 32·n bytes."""
    points = g1_to_evm(proof.a) + g2_to_evm(proof.b) + g1_to_evm(proof.c)
    return points + b"".join(value.to_bytes(BYTES, "big") for value in public)


def from_words(data: bytes) -> tuple[Proof, tuple[int, ...]]:
    """Proof and public inputs of `words`.

    Raises:
        FormatError: FMT-033, no whole number of words, or too few or too many.
        NonCanonical: an input not below r.
        DecodeError: which point, and how it fails.
    """
    inputs, rest = divmod(len(data) - PROOF_WORDS_BYTES, BYTES)
    if rest or not 0 <= inputs <= MAX_PUBLICS:
        raise FormatError(f"{len(data)} bytes are no proof and inputs", code="FMT-033")
    b, c = G1_EVM_BYTES, G1_EVM_BYTES + G2_EVM_BYTES
    proof = Proof(
        g1_from_evm(data[:b], what="proof.a"),
        g2_from_evm(data[b:c], what="proof.b"),
        g1_from_evm(data[c:PROOF_WORDS_BYTES], what="proof.c"),
    )
    public = tuple(
        int.from_bytes(data[at : at + BYTES], "big")
        for at in range(PROOF_WORDS_BYTES, len(data), BYTES)
    )
    for index, value in enumerate(public):
        if value >= FR.modulus:
            raise NonCanonical(f"public input {index} is not below r", where=f"public[{index}]")
    return proof, public


def selector(publics: int) -> bytes:
    """First bytes of the call data of a verifier with this many public inputs."""
    from Crypto.Hash import keccak

    signature = f"verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[{publics}])"
    return bytes(keccak.new(digest_bits=256, data=signature.encode()).digest()[:SELECTOR_BYTES])


def call_data(proof: Proof, public: Sequence[int]) -> bytes:
    """What a transaction sends to a verifier contract."""
    return selector(len(public)) + words(proof, public)


def from_call_data(data: bytes) -> tuple[Proof, tuple[int, ...]]:
    """Proof and public inputs of a call.

    Raises:
        FormatError: FMT-033, another function, or another length than it has.
        DecodeError: as in `from_words`.
    """
    proof_and_inputs = data[SELECTOR_BYTES:]
    publics = max(0, len(proof_and_inputs) - PROOF_WORDS_BYTES) // BYTES
    if publics > MAX_PUBLICS or data[:SELECTOR_BYTES] != selector(publics):
        raise FormatError("not a call of verifyProof with as many inputs as follow", code="FMT-033")
    return from_words(proof_and_inputs)


def text(proof: Proof, public: Sequence[int]) -> str:
    """The four arguments of verifyProof as `snarkjs generatecall` prints them."""
    data = words(proof, public)
    w = [f'"0x{data[at : at + BYTES].hex()}"' for at in range(0, len(data), BYTES)]
    inputs = ",".join(w[8:])
    return f"[{w[0]}, {w[1]}],[[{w[2]}, {w[3]}],[{w[4]}, {w[5]}]],[{w[6]}, {w[7]}],[{inputs}]"


def from_text(source: str) -> tuple[Proof, tuple[int, ...]]:
    """Proof and public inputs of `text`; blanks between its parts do not matter.

    Raises:
        FormatError: FMT-033, another shape.
        DecodeError: as in `from_words`.
    """
    compact = "".join(source.split()) if len(source) <= _MAX_TEXT else ""
    if not _SHAPE.match(_WORD.sub("w", compact)):
        raise FormatError("not the four arguments of verifyProof", code="FMT-033")
    return from_words(bytes.fromhex("".join(_WORD.findall(compact))))


def pairing_input(key: VerifyingKey, public: Sequence[int], proof: Proof) -> bytes:
    """What precompile 0x08 is asked: four pairs, whose product is one if the proof holds.

    Raises:
        ShapeMismatch, NonCanonical: public inputs that the key does not have.
    """
    check_public(key, public)
    total = G1.from_affine(key.ic[0])
    for value, point in zip(public, key.ic[1:], strict=True):
        total = total + value * G1.from_affine(point)
    statement: G1Affine = total.to_affine()
    minus_a = (-G1.from_affine(proof.a)).to_affine()
    pairs = (
        (minus_a, proof.b),
        (key.alpha, key.beta),
        (statement, key.gamma),
        (proof.c, key.delta),
    )
    return b"".join(g1_to_evm(p) + g2_to_evm(q) for p, q in pairs)
