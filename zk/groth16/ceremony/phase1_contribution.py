"""Contributions to powers of τ (phase 1) as section 7 of `.ptau` holds them.

    τ in G1, in G2, α in G1, β in G1, in G2        after the contribution
    public key: for τ, α, β the pair s, s·x in G1; then sp·x in G2 for each
    state[216] of the hash over the challenge and all points · next challenge[64]
    kind u32 · length u32, parameters (as in phase 2)

Each secret has its own sp: hashed from its number (0, 1, 2), the challenge, s and s·x. The response
is BLAKE2b-512 of the challenge, all points compressed, and the public key; the next challenge that
of the response and all points uncompressed.
Source: snarkjs `powersoftau_utils.js`, `keypair.js` (read for the format; the code here is ours).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zk.curve.bn254 import G1Affine, G2Affine
from zk.curve.encoding import G1_EVM_BYTES, G2_EVM_BYTES, g1_to_evm, g2_to_evm
from zk.groth16.ceremony.blake2b import STATE_BYTES, Blake2b
from zk.groth16.ceremony.contribution import (
    BEACON,
    HASH_BYTES,
    MAX_CONTRIBUTIONS,
    MAX_PARAMETERS,
    PLAIN,
    pack_parameters,
    unpack_parameters,
)
from zk.groth16.ceremony.encoding import g1_from_file, g1_to_file, g2_from_file, g2_to_file
from zk.groth16.ceremony.errors import MalformedContribution
from zk.groth16.ceremony.stream import hash_to_g2

SECRETS: Final = ("tau", "alpha", "beta")

_U32: Final = 4
_POINTS_BYTES: Final = 9 * G1_EVM_BYTES + 5 * G2_EVM_BYTES
_FIXED: Final = _POINTS_BYTES + STATE_BYTES + HASH_BYTES + 2 * _U32


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Proof that one secret was known: s, s·x in G1, sp·x in G2."""

    s: G1Affine
    sx: G1Affine
    spx: G2Affine

    def sp(self, number: int, challenge: bytes) -> G2Affine:
        """The point that the secret with this number is proved against."""
        data = bytes([number]) + challenge + g1_to_evm(self.s) + g1_to_evm(self.sx)
        return hash_to_g2(hashlib.blake2b(data).digest())


@dataclass(frozen=True, slots=True)
class PowersContribution:
    """One contribution to powers of τ; all of it is public.

    Attributes:
        tau_g1: τ in G1 after it; so for the next four.
        tau_g2: τ in G2.
        alpha_g1: α in G1.
        beta_g1: β in G1.
        beta_g2: β in G2.
        pairs: of τ, α and β.
        state: of the response's hash, before the public key.
        next_challenge: what the next contributor hashes.
        name: who made it, as they say.
        beacon: public randomness that its numbers follow from; empty unless it is a beacon.
        iterations_exp: the randomness was hashed 2^this times.
    """

    tau_g1: G1Affine
    tau_g2: G2Affine
    alpha_g1: G1Affine
    beta_g1: G1Affine
    beta_g2: G2Affine
    pairs: tuple[KeyPair, KeyPair, KeyPair]
    state: bytes
    next_challenge: bytes
    name: str = ""
    beacon: bytes = b""
    iterations_exp: int = 0

    @property
    def kind(self) -> int:
        return BEACON if self.beacon else PLAIN

    @property
    def response(self) -> bytes:
        """BLAKE2b-512 of challenge, compressed points and public key."""
        hasher = Blake2b.from_state(self.state)
        hasher.update(public_key(self.pairs))
        return hasher.digest()

    def to_bytes(self) -> bytes:
        """The file's form."""
        parameters = pack_parameters(self.name, self.beacon, self.iterations_exp)
        return b"".join(
            (
                g1_to_file(self.tau_g1),
                g2_to_file(self.tau_g2),
                g1_to_file(self.alpha_g1),
                g1_to_file(self.beta_g1),
                g2_to_file(self.beta_g2),
                *(g1_to_file(p) for pair in self.pairs for p in (pair.s, pair.sx)),
                *(g2_to_file(pair.spx) for pair in self.pairs),
                self.state,
                self.next_challenge,
                self.kind.to_bytes(_U32, "little"),
                len(parameters).to_bytes(_U32, "little"),
                parameters,
            )
        )


def public_key(pairs: Sequence[KeyPair]) -> bytes:
    """The key of a contribution as it is hashed."""
    g1 = b"".join(g1_to_evm(p) for pair in pairs for p in (pair.s, pair.sx))
    return g1 + b"".join(g2_to_evm(pair.spx) for pair in pairs)


def powers_contributions_to_bytes(contributions: Sequence[PowersContribution]) -> bytes:
    """Section 7."""
    number = len(contributions).to_bytes(_U32, "little")
    return number + b"".join(c.to_bytes() for c in contributions)


def powers_contributions_from_bytes(data: bytes) -> tuple[PowersContribution, ...]:
    """The contributions of section 7, every point checked.

    Raises:
        MalformedContribution: CER-011, names the contribution and what is wrong.
    """
    count = int.from_bytes(data[:_U32], "little")
    if len(data) < _U32 or count > min(MAX_CONTRIBUTIONS, len(data) // _FIXED):
        raise MalformedContribution(f"{count} contributions in {len(data)} bytes")
    found, at = [], _U32
    for number in range(1, count + 1):
        where = f"contribution {number}"
        end = at + _FIXED
        length = int.from_bytes(data[end - _U32 : end], "little")
        if end > len(data) or length > min(MAX_PARAMETERS, len(data) - end):
            raise MalformedContribution("the file ends inside it", where=where)
        found.append(_contribution(data[at:end], data[end : end + length], where))
        at = end + length
    if at != len(data):
        raise MalformedContribution("bytes follow the last contribution")
    return tuple(found)


def _contribution(fixed: bytes, parameters: bytes, where: str) -> PowersContribution:
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return fixed[at - size : at]

    def g1(what: str) -> G1Affine:
        return g1_from_file(take(G1_EVM_BYTES), what, where)

    def g2(what: str) -> G2Affine:
        return g2_from_file(take(G2_EVM_BYTES), what, where)

    tau_g1, tau_g2, alpha_g1 = g1("tau in G1"), g2("tau in G2"), g1("alpha in G1")
    beta_g1, beta_g2 = g1("beta in G1"), g2("beta in G2")
    halves = [(g1(f"s of {name}"), g1(f"s·x of {name}")) for name in SECRETS]
    tau, alpha, beta = (
        KeyPair(s, sx, g2(f"sp·x of {name}")) for (s, sx), name in zip(halves, SECRETS, strict=True)
    )
    state, challenge = take(STATE_BYTES), take(HASH_BYTES)
    kind = int.from_bytes(take(_U32), "little")
    name, iterations_exp, beacon = unpack_parameters(parameters, where)
    if kind != (BEACON if beacon else PLAIN):
        raise MalformedContribution(f"kind {kind} with other parameters", where=where)
    try:
        Blake2b.from_state(state)
    except ValueError as error:
        raise MalformedContribution(f"its hash's state has {error}", where=where) from None
    return PowersContribution(
        tau_g1=tau_g1,
        tau_g2=tau_g2,
        alpha_g1=alpha_g1,
        beta_g1=beta_g1,
        beta_g2=beta_g2,
        pairs=(tau, alpha, beta),
        state=state,
        next_challenge=challenge,
        name=name,
        beacon=beacon,
        iterations_exp=iterations_exp,
    )
